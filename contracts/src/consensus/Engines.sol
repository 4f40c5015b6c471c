// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IEngines} from "../interfaces/IEngines.sol";
import {IMembers} from "../interfaces/IMembers.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {IValidatorRegistry} from "../interfaces/IValidatorRegistry.sol";
import {IValidators} from "../interfaces/IValidators.sol";

/// @title The changes of engine that members have decided on.
/// @notice Its governor is that of the members: the contract of policies, which lets those decide that the policy
/// `engine` names.
///
/// **What it cannot see.** Whether those who are to vote have nodes that run, and whether a contract that answers like
/// ours also is ours: members look at its code before they approve. When the change comes, the contract has to name
/// who votes as it does now, and to take the system call of each block. Ours do both, whatever happens to them.
/// @dev Nodes and light clients read the changes where they are: their count in slot 0; the change `i` in the two slots
/// from keccak256(0) + 2 i on, in the first `validators`, `from` and `kind` from the right, in the second the times.
contract Engines is IEngines {
    /// @notice The longest notice.
    uint64 public constant NOTICE_MAX = 10_000_000;
    /// @notice The longest that a round waits for any one thing, as nodes have it.
    uint256 public constant ROUND_MS_MAX = 10_000;
    /// @notice The longest time between two blocks, as nodes have it.
    uint256 public constant BLOCK_TIME_MS_MAX = 86_400_000;
    /// @notice As many validators as there may be signatures in a header.
    uint256 public constant VALIDATORS_MAX = 64;

    Change[] private _changes;

    /// @inheritdoc IEngines
    address public immutable members;
    /// @inheritdoc IEngines
    uint64 public immutable notice;

    /// @param members_ Who takes part. It is not asked anything here, so it may be put there afterwards.
    /// @param notice_ In how many blocks a change can take effect at the earliest.
    constructor(address members_, uint64 notice_) {
        if (notice_ < 2 || notice_ > NOTICE_MAX) revert InvalidNotice(notice_);
        members = members_;
        notice = notice_;
    }

    modifier onlyGovernor() {
        _requireGovernor();
        _;
    }

    /// @inheritdoc IEngines
    function change(uint64 from, Kind kind, address validators, Timing calldata timing)
        external
        onlyGovernor
        returns (uint256 index)
    {
        index = _changes.length;
        if (index != 0 && _changes[index - 1].from > block.number) revert ChangeWaits(_changes[index - 1].from);
        uint256 earliest = block.number + notice;
        if (from < earliest) revert TooSoon(from, earliest);
        _requireSane(timing);
        _requireFollowable(kind, validators);
        _changes.push(Change({validators: validators, from: from, kind: kind, timing: timing}));
        emit ChangeDecided(index, from, validators, kind, timing);
    }

    /// @inheritdoc IEngines
    function cancel() external onlyGovernor {
        uint256 count = _changes.length;
        if (count == 0 || _changes[count - 1].from <= block.number) revert NothingWaits();
        uint64 from = _changes[count - 1].from;
        if (from < block.number + notice) revert IsFixed(from);
        _changes.pop();
        emit ChangeCancelled(count - 1, from);
    }

    /// @inheritdoc IEngines
    function changeCount() external view returns (uint256) {
        return _changes.length;
    }

    /// @inheritdoc IEngines
    function changes(uint256 first, uint256 count) external view returns (Change[] memory list) {
        uint256 left = first < _changes.length ? _changes.length - first : 0;
        list = new Change[](count < left ? count : left);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _changes[first + i];
        }
    }

    /// @inheritdoc IEngines
    function waiting() external view returns (Change memory) {
        uint256 count = _changes.length;
        bool isThere = count != 0 && _changes[count - 1].from > block.number;
        Change memory none;
        return isThere ? _changes[count - 1] : none;
    }

    function _requireGovernor() private view {
        if (msg.sender != IMembers(members).governor()) revert NotGovernor(msg.sender);
    }

    /// @dev The bounds of a genesis file.
    function _requireSane(Timing calldata timing) private pure {
        _requireWithin("blockTimeMs", timing.blockTimeMs, 0, BLOCK_TIME_MS_MAX);
        _requireWithin("emptyBlockTimeMs", timing.emptyBlockTimeMs, 0, BLOCK_TIME_MS_MAX);
        _requireWithin("proposeTimeoutMs", timing.proposeTimeoutMs, 1, ROUND_MS_MAX);
        _requireWithin("voteTimeoutMs", timing.voteTimeoutMs, 1, ROUND_MS_MAX);
        _requireWithin("timeoutStepMs", timing.timeoutStepMs, 0, ROUND_MS_MAX);
    }

    function _requireWithin(string memory what, uint256 time, uint256 least, uint256 most) private pure {
        if (time < least || time > most) revert InvalidTime(what, least, most);
    }

    /// @dev The contract is of its kind, and names voters as nodes want them.
    function _requireFollowable(Kind kind, address validators) private view {
        if (kind == Kind.None) revert NotFollowable(validators, "engine");
        if (validators.code.length == 0) revert NotFollowable(validators, "code");
        // What only that kind has: else fees would go to a contract that shares none out, or nobody could come back.
        (bool isOfKind, bytes memory told) = validators.staticcall(
            kind == Kind.Bft ? abi.encodeCall(IValidatorRegistry.motionBlocks, ()) : abi.encodeCall(IStaking.rules, ())
        );
        uint256 words = kind == Kind.Bft ? 1 : 11;
        if (!isOfKind || told.length != words * 32) revert NotFollowable(validators, "kind");
        _requireVoters(validators);
    }

    function _requireVoters(address validators) private view {
        IValidators.Validator[] memory voters = IValidators(validators).validators();
        if (voters.length == 0 || voters.length > VALIDATORS_MAX) revert NotFollowable(validators, "count");
        bool isAnybodyThere = false;
        for (uint256 i = 0; i < voters.length; ++i) {
            bool isAscending = i == 0 || voters[i - 1].account < voters[i].account;
            if (!isAscending || voters[i].power == 0) revert NotFollowable(validators, "seats");
            isAnybodyThere = isAnybodyThere || voters[i].proposes;
        }
        if (!isAnybodyThere) revert NotFollowable(validators, "proposers");
    }
}
