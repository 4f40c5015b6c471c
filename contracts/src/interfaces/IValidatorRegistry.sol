// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IValidators} from "./IValidators.sol";

/// @title Validators with equal votes, who decide among themselves who joins them.
interface IValidatorRegistry is IValidators {
    /// @notice A motion to take somebody in, or to vote somebody out.
    struct Motion {
        address account;
        bool add;
        bool carried;
        uint64 lastBlock; // of the vote
        address proposer;
        string name; // of the newcomer
    }

    /// @notice A motion was made; its proposer has approved it.
    event Proposed(uint256 indexed id, address indexed account, bool add, address indexed proposer, uint64 lastBlock);
    /// @notice A validator approved a motion.
    event Approved(uint256 indexed id, address indexed by);
    /// @notice More than two thirds of the validators have approved.
    event Carried(uint256 indexed id);

    /// @notice The caller has no vote now.
    error NotVoter(address caller);
    /// @notice There is no such motion.
    error UnknownMotion(uint256 id);
    /// @notice The motion is carried, or its time is over.
    error MotionClosed(uint256 id);
    /// @notice The caller has approved already.
    error AlreadyApproved(uint256 id, address by);
    /// @notice Where the account stands, that cannot be done with it.
    error WrongStanding(address account, Standing standing);
    /// @notice All 64 places are taken.
    error NoPlace();
    /// @notice Nobody would be left.
    error LastValidator();
    /// @notice The network's governor decides here, not the validators.
    error Governed(address governor);
    /// @notice Only the governor may do this.
    error NotGovernor(address caller);

    /// @notice Moves to take `account` in (`add`), or to vote it out, and approves.
    function propose(address account, string calldata name_, bool add) external returns (uint256 id);

    /// @notice Approves a motion. It is carried when those who vote now and have approved it are more than two thirds.
    function approve(uint256 id) external;

    /// @notice The governor takes `account` in.
    function admit(address account, string calldata name_) external;

    /// @notice The governor dismisses `account`, which is then voted out.
    function dismiss(address account) external;

    /// @notice The caller resigns.
    function resign() external;

    /// @notice The caller, removed for absence, comes back.
    function rejoin() external;

    /// @notice Who decides instead of the validators; 0: nobody, they decide by motions.
    function governor() external view returns (address);

    /// @notice How many motions were made.
    function motionCount() external view returns (uint256);

    /// @notice One of them, from 0.
    function motion(uint256 id) external view returns (Motion memory);

    /// @notice How many of those who vote now have approved, and how many vote now.
    function support(uint256 id) external view returns (uint256 approving, uint256 voting);

    /// @notice Whether the account has approved.
    function hasApproved(uint256 id, address account) external view returns (bool);

    /// @notice For how many blocks a motion can be approved.
    function motionBlocks() external view returns (uint64);
}
