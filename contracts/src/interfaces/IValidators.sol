// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Who votes on blocks, who was away, and who signed two things.
/// @notice What node, RPC and web read, whether votes are equal (IValidatorRegistry) or weighed by stake (IStaking).
/// @dev The state after block `h - 1` says who votes at height `h`. What a transaction in block `h` changes waits
/// for the system call at the start of block `h + 1`, and counts from height `h + 2` on.
///
/// Logs of system calls are in no receipt. Whatever `onBlock` decides can be read from the state too.
interface IValidators {
    /// @notice Where an account stands. Also the reason why somebody was removed.
    enum Standing {
        None, // never heard of
        Active, // votes, or does so as soon as there is a place
        Absent, // missed too many certificates; may come back after a wait
        Equivocated, // signed two things; out for ever
        VotedOut, // by the others (registry)
        Left, // by its own wish (registry)
        Unbonded, // its own bond is too low (staking)
        Outbid // more than enough others have more stake (staking)
    }

    /// @notice One voter.
    struct Validator {
        address account; // of the consensus key
        uint64 power;
        bool proposes; // false: missing from the last three certificates, so passed over as proposer
    }

    /// @notice Proof that a validator signed two things where it may sign one. Anybody can check it again.
    struct Evidence {
        address accused;
        address accuser;
        uint8 kind; // 1: prevotes, 2: precommits, 3: proposals
        uint64 height;
        uint32 round;
        uint64 acceptedIn; // the block
        bytes32[2] blocks; // zero is a vote for nil
        int64[2] validRounds; // of proposals, -1 for none; zero for votes
        bytes[2] signatures; // r, s, v
    }

    /// @notice The account may vote from that height on; with stake, if it is among the first 64 then.
    event ValidatorJoined(address indexed account, uint64 votesFrom);
    /// @notice The account votes for the last time at that height (later if nobody is there to take its place).
    event ValidatorRemoved(address indexed account, Standing reason, uint64 lastVote);
    /// @notice The account missed three certificates in a row and is passed over as proposer until it signs again.
    event ValidatorAbsent(address indexed account, uint256 missed);
    /// @notice The account was proven to have signed two things.
    event EquivocationProven(
        uint256 indexed index, address indexed accused, address indexed accuser, uint8 kind, uint64 height, uint32 round
    );

    /// @notice Only the ledger itself calls this.
    error NotSystem(address caller);
    /// @notice A limit given at construction makes no sense.
    error InvalidRule(string what);
    /// @notice The validators given at construction make no sense.
    error InvalidValidators();
    /// @notice The name is empty or longer than 64 bytes.
    error InvalidName();
    /// @notice No block has told yet which chain this is.
    error NoDomain();
    /// @notice What was handed over proves nothing.
    error InvalidEvidence(string what);
    /// @notice Two different accounts signed.
    error TwoSigners(address first, address second);
    /// @notice The account that signed never was a validator.
    error NotValidator(address account);
    /// @notice This equivocation is proven already.
    error AlreadyProven(uint256 index);
    /// @notice The account was not removed for absence.
    error NotAbsent(address account);
    /// @notice The account may come back in that block at the earliest.
    error TooEarly(uint256 allowedIn);

    /// @notice Who votes on the next block: at most 64, ascending by account, never nobody.
    function validators() external view returns (Validator[] memory);

    /// @notice The system call at the start of each block `h`.
    /// @param domain The chain's EIP-712 domain separator for what validators sign.
    /// @param proposer Who built this block.
    /// @param round The round in which it was first proposed.
    /// @param signers Whose precommits are in the certificate of block `h - 1`, ascending; empty: it has none.
    function onBlock(bytes32 domain, address proposer, uint32 round, address[] calldata signers) external;

    /// @notice Proves that somebody signed two votes of one kind (1: prevote, 2: precommit) for one height and
    /// round. A zero hash is a vote for nil.
    function accuseVotes(
        uint8 kind,
        uint64 height,
        uint32 round,
        bytes32[2] calldata blocks,
        bytes[2] calldata signatures
    ) external;

    /// @notice Proves that somebody signed proposals of two blocks for one height and round.
    function accuseProposals(
        uint64 height,
        uint32 round,
        bytes32[2] calldata blocks,
        int64[2] calldata validRounds,
        bytes[2] calldata signatures
    ) external;

    /// @notice How many equivocations were proven.
    function evidenceCount() external view returns (uint256);

    /// @notice One of them, from 0.
    function evidence(uint256 index) external view returns (Evidence memory);

    /// @notice Everybody who is Active, in no particular order: voters, those who will be, and those without a place.
    function members() external view returns (address[] memory);

    /// @notice How many accounts were ever admitted, whatever became of them.
    function accountCount() external view returns (uint256);

    /// @notice One of them, from 0.
    function accountAt(uint256 index) external view returns (address);

    /// @notice Where an account stands, and since which block (0: genesis).
    function standing(address account) external view returns (Standing, uint64 since);

    /// @notice Whom people know the account as.
    function name(address account) external view returns (string memory);

    /// @notice For one who votes: how many of the last certificates lack its signature, for how many seconds that
    /// has been too many (counted up to `absentSeconds`), and since which height it votes. Zeros for anybody else.
    function attendance(address account) external view returns (uint256 missed, uint256 absentFor, uint64 votesFrom);

    /// @notice What absence means here: who has more than `missedMax` missing of the last `window` certificates, for
    /// `absentSeconds` of the blocks' time, is removed, for `waitBlocks` at least.
    function absenceRules()
        external
        view
        returns (uint256 window, uint256 missedMax, uint256 absentSeconds, uint256 waitBlocks);

    /// @notice The domain separator under which evidence is checked; zero before the first block.
    function signingDomain() external view returns (bytes32);
}
