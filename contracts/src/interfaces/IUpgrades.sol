// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Which contracts get other code, and from which block on.
/// @notice The governor schedules, nodes carry out: at the beginning of a block the code at `target` becomes the one that
/// has been deployed at `source`, whose constructor has set what is immutable in it. Storage, balance and address stay. If
/// `migration` is not empty, the new code is then called with it by the system. All of it happens, or nothing.
interface IUpgrades {
    /// @notice How an upgrade stands.
    enum Status {
        Waiting,
        Applied,
        Failed,
        Cancelled
    }

    /// @notice Why one has failed.
    enum Failure {
        None,
        OldCode, // the target has not the code any more that was to be replaced
        NewCode, // the source has not the code any more that was looked at
        Migration, // the new code refused the migration
        Answers // the network's law would not answer its nodes any more
    }

    struct Upgrade {
        address target;
        address source;
        uint64 fromBlock;
        uint64 scheduledIn; // block
        uint64 settledIn; // block in which it was applied, failed or was cancelled; 0 before
        Status status;
        Failure failure;
        bytes32 oldCodeHash;
        bytes32 newCodeHash;
        bytes migration;
        bytes reason; // what was said when it failed, cut short
    }

    /// @notice One that is to be carried out now.
    struct Due {
        uint256 id;
        address target;
        address source;
        bytes32 oldCodeHash;
        bytes32 newCodeHash;
        bytes migration;
    }

    event Enlisted(address indexed target);
    event Scheduled(
        uint256 indexed id,
        address indexed target,
        address source,
        bytes32 oldCodeHash,
        bytes32 newCodeHash,
        uint64 fromBlock,
        bytes migration
    );
    event Cancelled(uint256 indexed id, address indexed target);
    /// @notice This and the next are said to the system, whose calls are in no receipt: read `upgrade`.
    event Applied(uint256 indexed id, address indexed target, bytes32 newCodeHash);
    event Failed(uint256 indexed id, address indexed target, Failure failure, bytes reason);

    error NotGovernor(address caller);
    error NotSystem(address caller);
    /// @notice Nobody has agreed that the network may replace this contract's code.
    error NotCovered(address target);
    error AlreadyCovered(address target);
    /// @notice The code there is another one than was looked at.
    error WrongCode(address account, bytes32 expected, bytes32 found);
    error InvalidUpgrade(string field);
    /// @notice Another upgrade of the same contract waits.
    error AlreadyWaiting(uint256 id);
    error NotWaiting(uint256 id);
    error UnknownUpgrade(uint256 id);
    error TooMany(string what);

    /// @notice Lets the network replace the code of the caller, for ever. A contract says it in its constructor.
    function enlist() external;

    /// @notice Schedules an upgrade. Only the governor may.
    /// @param oldCodeHash EXTCODEHASH of `target`, which those who approve have compared the new code with.
    /// @param newCodeHash EXTCODEHASH of `source`.
    /// @param fromBlock The first block with the new code; 0 for the next one.
    /// @param migration What the new code is called with by the system; empty for nothing.
    function schedule(
        address target,
        bytes32 oldCodeHash,
        address source,
        bytes32 newCodeHash,
        uint64 fromBlock,
        bytes calldata migration
    ) external returns (uint256 id);

    /// @notice Calls one off that waits. Only the governor may.
    function cancel(uint256 id) external;

    /// @notice Notes what became of one that was due. Only the system may.
    /// @param place What the block is, up to where upgrades are carried out.
    function settle(uint256 id, bytes32 place, Failure failure, bytes calldata reason) external;

    /// @notice Those to be carried out in this block, in order.
    function due() external view returns (Due[] memory list);

    function upgrade(uint256 id) external view returns (Upgrade memory);

    function upgradeCount() external view returns (uint256);

    /// @notice Oldest first, from `first` on, at most `count`.
    function upgrades(uint256 first, uint256 count) external view returns (Upgrade[] memory list);

    /// @notice Ids of those that wait, in the order in which they would be carried out in one block.
    function waiting() external view returns (uint256[] memory ids);

    function isCovered(address target) external view returns (bool);

    function coveredCount() external view returns (uint256);

    /// @notice Contracts whose code may be replaced, from `first` on, at most `count`.
    function covered(uint256 first, uint256 count) external view returns (address[] memory list);

    /// @notice Changes with every upgrade that was carried out, on any branch of the chain to something else.
    function version() external view returns (bytes32);

    function members() external view returns (address);
}
