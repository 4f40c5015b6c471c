// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IValidators} from "./IValidators.sol";

/// @title Validators with votes by stake, in the ledger's own coin.
/// @notice Whoever bonds enough of their own may be chosen; others delegate to them. The 64 with the most stake vote.
/// What a block earns goes to its proposer and to those who signed it, and through them to their delegators. Who
/// signs two things loses a fixed part of the stake, delegations included, and never validates again.
/// @dev `bonded + unbonding + rewards + reserve` is always what the contract owns, but for what came in since the
/// last `onBlock`: the fees of the block under way.
interface IStaking is IValidators {
    /// @notice What holds from genesis on. Amounts in the coin's smallest unit, fractions in basis points (1/10,000).
    struct Rules {
        uint8 window; // certificates over which absence is counted; 3 to 128
        uint8 missedMax; // missing more of them is absence
        uint24 absentSeconds; // which costs the seat when it has lasted so long, in time of blocks; 0: at once
        uint64 jailBlocks; // the least time out for absence
        uint64 unbondingBlocks; // how long unbonded stake answers for equivocation, and evidence is taken
        uint64 commissionBlocks; // from the announcement of a commission to its effect
        uint112 powerUnit; // stake for one vote
        uint112 selfBondMin; // what a validator must bond itself; at least `powerUnit`
        uint112 rewardPerBlock; // out of the reserve, as long as there is one
        uint16 proposerBps; // the proposer's part of what a block earns
        uint16 slashBps; // the part of the stake that an equivocation costs
    }

    /// @notice One who validates at construction.
    struct Founder {
        address account;
        string name;
        uint112 bond;
        uint16 commissionBps;
    }

    /// @notice Where all the money is.
    struct Money {
        uint256 bonded;
        uint256 unbonding; // before what a slash may still take of it
        uint256 rewards; // earned and not claimed
        uint256 reserve; // pays `rewardPerBlock`; takes slashed stake and what no absentee earned
    }

    /// @notice One validator's stake and terms.
    struct Pool {
        uint256 stake;
        uint256 shares; // of all who delegated; one a unit of stake, until the validator is slashed
        uint256 commission; // its commission, earned and not claimed
        uint16 commissionBps;
        uint16 nextCommissionBps; // from `nextCommissionFrom` on
        uint64 nextCommissionFrom; // block
        bool isSlashed;
        uint64 slashedFrom; // the lowest height of a proven equivocation
    }

    /// @notice Stake on its way out.
    struct Unbonding {
        address validator;
        uint64 begunIn; // block
        uint64 dueIn; // block from which it can be withdrawn
        uint256 amount; // what will be paid, as things are now
    }

    /// @notice An account offers to validate, on these terms.
    event Enlisted(address indexed validator, uint16 commissionBps);
    /// @notice Stake came to a validator.
    event Delegated(address indexed validator, address indexed account, uint256 amount);
    /// @notice Stake began to leave a validator.
    event UnbondingBegun(address indexed validator, address indexed account, uint256 shares, uint256 amount);
    /// @notice Unbonded stake was paid out, less what a slash took.
    event Withdrawn(address indexed account, uint256 amount, uint256 slashed);
    /// @notice Rewards were paid out.
    event Claimed(address indexed validator, address indexed account, uint256 amount);
    /// @notice A validator's stake was cut.
    event Slashed(address indexed validator, uint256 amount);
    /// @notice A validator will take this commission from that block on.
    event CommissionAnnounced(address indexed validator, uint16 commissionBps, uint64 from);
    /// @notice Somebody gave money to the reserve.
    event Funded(address indexed by, uint256 amount);

    /// @notice Nothing was sent or asked for.
    error NoAmount();
    /// @notice More than 2^112 - 1 units in all.
    error TooMuch();
    /// @notice More than 10,000 basis points.
    error InvalidCommission(uint256 commissionBps);
    /// @notice The account has enlisted before.
    error AlreadyEnlisted(address account);
    /// @notice The validator has equivocated; nobody can bond to it any more.
    error Tombstoned(address validator);
    /// @notice The validator's own bond is too low.
    error SelfBondTooLow(uint256 bond, uint256 least);
    /// @notice 128 others have at least as much stake.
    error NoPlace();
    /// @notice The account has fewer shares.
    error NotEnoughShares(uint256 asked, uint256 has);
    /// @notice The account has 32 unbondings under way; withdraw, or wait.
    error TooManyUnbondings();
    /// @notice Nothing is to be paid out yet.
    error NothingDue();
    /// @notice Only the governor may do this.
    error NotGovernor(address caller);
    /// @notice The governor has expelled the validator; nobody can bond to it.
    error Expelled(address validator);
    /// @notice The validator is not expelled.
    error NotExpelled(address validator);

    /// @notice The caller offers to validate, bonding what it sends; it is a candidate once it has bonded enough.
    function enlist(string calldata name_, uint16 commissionBps) external payable;

    /// @notice The calling validator adds what it sends to its own bond.
    function bond() external payable;

    /// @notice The caller's coins join the stake of a validator.
    function delegate(address validator) external payable;

    /// @notice Shares of the caller begin to leave. They stop counting from the block after the next, and can be
    /// withdrawn when no evidence can reach them any more. A share is a unit of coin, or what a slash left of it.
    function unbond(address validator, uint256 shares) external;

    /// @notice Pays the caller everything that has finished unbonding.
    function withdraw() external returns (uint256 paid);

    /// @notice Pays the caller its rewards from one validator; to the validator itself its commission too.
    function claim(address validator) external returns (uint256 paid);

    /// @notice The calling validator announces another commission.
    function announceCommission(uint16 commissionBps) external;

    /// @notice The caller, jailed for absence, comes back.
    function unjail() external;

    /// @notice The governor takes the vote from a validator. Its stake stays what it is, answers for equivocation, and
    /// leaves as any other does.
    function expel(address validator) external;

    /// @notice The governor lets an expelled validator come back, by bonding.
    function pardon(address validator) external;

    /// @notice Gives what is sent to the reserve.
    function fund() external payable;

    /// @notice Who may expel validators; 0: nobody.
    function governor() external view returns (address);

    /// @notice Where all the money is.
    function money() external view returns (Money memory);

    /// @notice The rules given at construction.
    function rules() external view returns (Rules memory);

    /// @notice One validator's stake and terms.
    function pool(address validator) external view returns (Pool memory);

    /// @notice What an account has with a validator: shares, and what they would be if unbonded now.
    function delegation(address validator, address account) external view returns (uint256 shares, uint256 worth);

    /// @notice What `claim` would pay to the account now.
    function claimable(address validator, address account) external view returns (uint256);

    /// @notice What the account has on its way out.
    function unbondings(address account) external view returns (Unbonding[] memory);
}
