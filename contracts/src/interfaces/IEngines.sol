// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title By which engine blocks are decided, as members vote.
/// @notice What genesis says holds until the first change here. The state after block `h - 1` says which engine decides
/// block `h`, and a change that is nearer than the notice is never taken back: so everybody knows of it in time.
///
/// Miners are not voted in, nor does one node alone take over: who comes later could not follow there.
interface IEngines {
    /// @notice How blocks are decided.
    enum Kind {
        None, // no engine
        Bft, // by validators with equal votes
        Pos // by validators with votes by stake
    }

    /// @notice Times, all in milliseconds. The names are those of a genesis file.
    struct Timing {
        uint32 blockTimeMs; // least between two blocks
        uint32 emptyBlockTimeMs; // after which a block is made though nothing waits
        uint32 proposeTimeoutMs; // for a proposal, in round 0
        uint32 voteTimeoutMs; // for more votes once a quorum has voted, in round 0
        uint32 timeoutStepMs; // what each further round adds to both
    }

    /// @notice Another engine, or other times of the same, from a block on.
    struct Change {
        address validators; // the contract that knows who votes (IValidators)
        uint64 from; // the first block that is decided so
        Kind kind;
        Timing timing;
    }

    /// @notice Members have decided on a change.
    event ChangeDecided(
        uint256 indexed index, uint64 indexed from, address indexed validators, Kind kind, Timing timing
    );
    /// @notice Members have taken it back before its notice began to run out.
    event ChangeCancelled(uint256 indexed index, uint64 indexed from);

    /// @notice Only the governor of the members may do this.
    error NotGovernor(address caller);
    /// @notice The notice given at construction makes no sense.
    error InvalidNotice(uint64 notice);
    /// @notice A change takes effect at that block at the earliest.
    error TooSoon(uint64 from, uint256 earliest);
    /// @notice Another change is decided and has not taken effect yet.
    error ChangeWaits(uint64 from);
    /// @notice No change waits.
    error NothingWaits();
    /// @notice Its notice runs out already: nodes may have acted on it.
    error IsFixed(uint64 from);
    /// @notice Nobody could follow a change to this contract.
    error NotFollowable(address validators, string why);
    /// @notice A time is out of its bounds.
    error InvalidTime(string what, uint256 least, uint256 most);

    /// @notice Lets an engine decide from a block on, at least `notice` blocks ahead. One change waits at a time.
    /// @param validators Knows who votes then: an IValidatorRegistry for `Bft`, an IStaking for `Pos`.
    function change(uint64 from, Kind kind, address validators, Timing calldata timing) external returns (uint256 index);

    /// @notice Takes back the change that waits, unless it is nearer than `notice` blocks.
    function cancel() external;

    function members() external view returns (address);

    /// @notice In how many blocks a change can take effect at the earliest.
    function notice() external view returns (uint64);

    /// @notice How many changes there were, with the one that waits.
    function changeCount() external view returns (uint256);

    /// @notice Some of them, oldest first.
    function changes(uint256 first, uint256 count) external view returns (Change[] memory list);

    /// @notice The change that has not taken effect by the next block; all zero when there is none.
    function waiting() external view returns (Change memory);
}
