// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../interfaces/IPolicies.sol";
import {Forms} from "./Forms.sol";
import {Roles} from "./Roles.sol";

/// @title Who has approved one thing, each once.
/// @notice Everybody's approval is evaluated, so there must be an end to them; and nobody must reach that end on purpose
/// to keep others out. So each organization has its own places, and those whom it serves (shoppers, mere members, of
/// whom there may be many whom it hardly knows) have few of their own. At most 64 * 10 in all.
library Signers {
    uint256 internal constant CUSTOMERS_MAX = 2;

    /// @dev Of one who has taken the approval back.
    bytes32 private constant WITHDRAWN = bytes32(uint256(1));

    struct Set {
        address[] accounts;
        mapping(address account => bytes32) places; // in whose places the account counts
        mapping(bytes32 place => uint256) taken;
    }

    /// @dev `organization` and `roles` are the account's, now.
    function add(Set storage set, address account, bytes32 organization, uint32 roles) internal {
        if (organization == 0) revert IPolicies.NotMember(account);
        bool isCustomer = roles & ~Roles.CUSTOMER == 0;
        bytes32 place = keccak256(abi.encode(organization, isCustomer));
        uint256 taken = set.taken[place];
        if (taken == (isCustomer ? CUSTOMERS_MAX : Forms.OWN_APPROVERS_MAX)) revert IPolicies.TooMany("approvals");
        set.taken[place] = taken + 1;
        set.places[account] = place;
        set.accounts.push(account);
    }

    /// @dev Of an account that is there.
    function remove(Set storage set, address account) internal {
        --set.taken[set.places[account]];
        set.places[account] = WITHDRAWN;
        uint256 last = set.accounts.length - 1;
        for (uint256 i = 0; i <= last; ++i) {
            if (set.accounts[i] != account) continue;
            set.accounts[i] = set.accounts[last];
            set.accounts.pop();
            return;
        }
    }

    function contains(Set storage set, address account) internal view returns (bool) {
        bytes32 place = set.places[account];
        return place != 0 && place != WITHDRAWN;
    }

    /// @dev Whether the account is there, or was and has left.
    function knows(Set storage set, address account) internal view returns (bool) {
        return set.places[account] != 0;
    }
}
