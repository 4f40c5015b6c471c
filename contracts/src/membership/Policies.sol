// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Proposals} from "./Proposals.sol";
import {Rulebook} from "./Rulebook.sol";

/// @title Who may do what, and how that is changed.
/// @notice No owner and no upgrade: it obeys carried proposals alone. What it decides on is in `Rulebook`, how it is
/// decided in `Proposals`, what a policy is in `Forms`.
///
/// The policy `membership` is as mighty as all others together: who may appoint admins and give roles can fill every
/// crowd. Make it the hardest to meet.
contract Policies is Proposals {
    /// @param members_ The contract that knows the members; this one is its governor.
    /// @param policies_ All named policies from the beginning, at least the eight that must be there.
    /// @param topics_ Which of them decide on calls to which contract.
    /// @param lifetimeMax_ For how many blocks a proposal can be open.
    /// @dev Whether anybody can meet them is not asked here, but `deadlock` says it once the members are there.
    constructor(address members_, NamedPolicy[] memory policies_, Topic[] memory topics_, uint64 lifetimeMax_)
        Rulebook(members_, policies_, topics_)
        Proposals(lifetimeMax_)
    {}
}
