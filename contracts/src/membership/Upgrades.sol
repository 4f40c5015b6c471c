// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";

import {IMembers} from "../interfaces/IMembers.sol";
import {IUpgrades} from "../interfaces/IUpgrades.sol";

/// @title Which contracts get other code by vote.
/// @notice Its governor is that of the members. **Whoever governs this governs everything**: other code for Members or
/// Policies is another law. So let its policy be no weaker than the strongest of the others.
///
/// **Consent.** Only what was named at construction, and contracts that have enlisted themselves, can be replaced; a
/// merchant's own contract cannot.
///
/// **What is approved is what is done.** An upgrade names the code that is replaced and the code that takes its place, by
/// their hashes, and both are looked at again when it is carried out. One upgrade of a contract waits at a time, so
/// that nobody compares new code with code that will be gone by then.
///
/// **What a new Upgrades must keep**: nodes read the two slots below, and call `due` and `settle`. A new Members or
/// Policies must keep its version slot, and chain it over what changes, for nodes remember answers by it.
contract Upgrades is IUpgrades {
    using StorageSlot for bytes32;

    /// @notice Where the height is at which the next upgrade is due, 0 for none, and nothing else. Nodes read it directly.
    /// @dev keccak256("hanse.upgrades.next") - 1 and so on, as ERC-7201 says.
    bytes32 public constant NEXT_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.upgrades.next")) - 1)) & ~bytes32(uint256(0xff));
    /// @notice Where the version is, and nothing else. Nodes read it directly.
    bytes32 public constant VERSION_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.upgrades.version")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice How many may wait. All of them may be due in one block, and each may use as much gas as a call of the
    /// system has.
    uint256 public constant WAITING_MAX = 8;
    /// @notice How many blocks ahead one may be scheduled.
    uint256 public constant AHEAD_MAX = 1_000_000;
    /// @notice The longest migration.
    uint256 public constant MIGRATION_BYTES_MAX = 4096;

    /// @dev The caller of system calls (EIP-4788 and after).
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    /// @inheritdoc IUpgrades
    address public immutable members;

    Upgrade[] private _upgrades;
    uint256[] private _waiting; // ascending
    address[] private _covered;
    mapping(address target => bool) private _isCovered;

    /// @param members_ Who takes part; their governor is the one here.
    /// @param covered_ What can be replaced besides this contract. It need not be there yet.
    constructor(address members_, address[] memory covered_) {
        members = members_;
        _cover(address(this));
        for (uint256 i = 0; i < covered_.length; ++i) {
            _cover(covered_[i]);
        }
    }

    modifier onlyGovernor() {
        if (msg.sender != IMembers(members).governor()) revert NotGovernor(msg.sender);
        _;
    }

    modifier onlySystem() {
        if (msg.sender != SYSTEM) revert NotSystem(msg.sender);
        _;
    }

    /// @inheritdoc IUpgrades
    function enlist() external {
        _cover(msg.sender);
        emit Enlisted(msg.sender);
    }

    /// @inheritdoc IUpgrades
    function schedule(
        address target,
        bytes32 oldCodeHash,
        address source,
        bytes32 newCodeHash,
        uint64 fromBlock,
        bytes calldata migration
    ) external onlyGovernor returns (uint256 id) {
        if (!_isCovered[target]) revert NotCovered(target);
        _requireCode(target, oldCodeHash, "target");
        _requireCode(source, newCodeHash, "source");
        if (oldCodeHash == newCodeHash) revert InvalidUpgrade("source");
        if (migration.length > MIGRATION_BYTES_MAX) revert InvalidUpgrade("migration");
        if (fromBlock == 0) fromBlock = uint64(block.number) + 1;
        if (fromBlock <= block.number || fromBlock > block.number + AHEAD_MAX) revert InvalidUpgrade("fromBlock");
        if (_waiting.length == WAITING_MAX) revert TooMany("waiting upgrades");
        for (uint256 i = 0; i < _waiting.length; ++i) {
            if (_upgrades[_waiting[i]].target == target) revert AlreadyWaiting(_waiting[i]);
        }

        id = _upgrades.length;
        Upgrade storage made = _upgrades.push();
        made.target = target;
        made.source = source;
        made.fromBlock = fromBlock;
        made.scheduledIn = uint64(block.number);
        made.oldCodeHash = oldCodeHash;
        made.newCodeHash = newCodeHash;
        made.migration = migration;
        _waiting.push(id);
        _noteNext();
        emit Scheduled(id, target, source, oldCodeHash, newCodeHash, fromBlock, migration);
    }

    /// @inheritdoc IUpgrades
    function cancel(uint256 id) external onlyGovernor {
        Upgrade storage one = _close(id, Status.Cancelled);
        emit Cancelled(id, one.target);
    }

    /// @inheritdoc IUpgrades
    function settle(uint256 id, bytes32 place, Failure failure, bytes calldata reason) external onlySystem {
        if (failure == Failure.None) {
            Upgrade storage applied = _close(id, Status.Applied);
            // Chained over the place, so that equal versions mean equal upgrades on equal states.
            StorageSlot.Bytes32Slot storage slot = VERSION_SLOT.getBytes32Slot();
            slot.value = keccak256(abi.encode(slot.value, id, place));
            emit Applied(id, applied.target, applied.newCodeHash);
        } else {
            Upgrade storage failed = _close(id, Status.Failed);
            failed.failure = failure;
            failed.reason = reason;
            emit Failed(id, failed.target, failure, reason);
        }
    }

    /// @inheritdoc IUpgrades
    function due() external view returns (Due[] memory list) {
        list = new Due[](_waiting.length);
        uint256 count = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 id = _waiting[i];
            Upgrade storage one = _upgrades[id];
            if (one.fromBlock > block.number) continue;
            list[count++] = Due(id, one.target, one.source, one.oldCodeHash, one.newCodeHash, one.migration);
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    /// @inheritdoc IUpgrades
    function upgrade(uint256 id) external view returns (Upgrade memory) {
        if (id >= _upgrades.length) revert UnknownUpgrade(id);
        return _upgrades[id];
    }

    /// @inheritdoc IUpgrades
    function upgradeCount() external view returns (uint256) {
        return _upgrades.length;
    }

    /// @inheritdoc IUpgrades
    function upgrades(uint256 first, uint256 count) external view returns (Upgrade[] memory list) {
        list = new Upgrade[](_least(_upgrades.length, first, count));
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _upgrades[first + i];
        }
    }

    /// @inheritdoc IUpgrades
    function waiting() external view returns (uint256[] memory ids) {
        return _waiting;
    }

    /// @inheritdoc IUpgrades
    function isCovered(address target) external view returns (bool) {
        return _isCovered[target];
    }

    /// @inheritdoc IUpgrades
    function coveredCount() external view returns (uint256) {
        return _covered.length;
    }

    /// @inheritdoc IUpgrades
    function covered(uint256 first, uint256 count) external view returns (address[] memory list) {
        list = new address[](_least(_covered.length, first, count));
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _covered[first + i];
        }
    }

    /// @inheritdoc IUpgrades
    function version() external view returns (bytes32) {
        return VERSION_SLOT.getBytes32Slot().value;
    }

    function _cover(address target) private {
        if (_isCovered[target]) revert AlreadyCovered(target);
        _isCovered[target] = true;
        _covered.push(target);
    }

    /// @dev Ends the wait of an upgrade.
    function _close(uint256 id, Status status) private returns (Upgrade storage one) {
        if (id >= _upgrades.length) revert UnknownUpgrade(id);
        one = _upgrades[id];
        if (one.status != Status.Waiting) revert NotWaiting(id);
        one.status = status;
        one.settledIn = uint64(block.number);
        uint256 place = 0;
        while (_waiting[place] != id) ++place;
        for (; place + 1 < _waiting.length; ++place) {
            _waiting[place] = _waiting[place + 1];
        }
        _waiting.pop();
        _noteNext();
    }

    function _noteNext() private {
        uint256 next = 0;
        for (uint256 i = 0; i < _waiting.length; ++i) {
            uint256 fromBlock = _upgrades[_waiting[i]].fromBlock;
            if (next == 0 || fromBlock < next) next = fromBlock;
        }
        NEXT_SLOT.getUint256Slot().value = next;
    }

    /// @dev Code that only points to other code (EIP-7702) would change without its hash.
    function _requireCode(address account, bytes32 expected, string memory field) private view {
        bytes memory code = account.code;
        if (code.length == 0 || code[0] == 0xef) revert InvalidUpgrade(field);
        if (account.codehash != expected) revert WrongCode(account, expected, account.codehash);
    }

    function _least(uint256 length, uint256 first, uint256 count) private pure returns (uint256) {
        uint256 left = first < length ? length - first : 0;
        return count < left ? count : left;
    }
}
