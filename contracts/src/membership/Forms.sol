// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../interfaces/IPolicies.sol";
import {Roles} from "./Roles.sol";

/// @title Policies as bytes: their check, and whether they hold.
/// @dev The form is described in IPolicies. What is stored has been checked, so `holds` does not check again.
library Forms {
    uint256 internal constant APPROVERS_MAX = 64;
    /// @dev How many approvers of one organization a policy may ask for; see `Signers`.
    uint256 internal constant OWN_APPROVERS_MAX = 8;

    uint256 private constant THRESHOLD = 1;
    uint256 private constant PRINCIPAL = 2;
    uint256 private constant SHARE = 3;
    uint256 private constant ANYONE = 4;
    uint256 private constant NOBODY = 5;

    uint256 private constant DEPTH_MAX = 8;
    uint256 private constant NODES_MAX = 64;

    /// @dev How many approvers of an organization have a role is one of several numbers in a word.
    uint256 private constant COUNT_BITS = 16;
    uint256 private constant COUNT_MASK = 0xffff;

    /// @dev Who approves.
    struct Crowd {
        bytes32[] organizations; // of the approvers, each once; zeros at the end
        uint256[] counts; // of each: how many have each role
        uint256 total; // of all
        uint256 active; // organizations in the network
        bool isEverybody; // each stands for as many approvers as its organization may have
    }

    /// @dev Reverts unless this is a form.
    function check(bytes memory form) internal pure {
        (uint256 end,) = _check(form, 0, 1, 0);
        if (end != form.length) revert IPolicies.InvalidForm(end, "trailing bytes");
    }

    /// @dev Whether a checked form holds.
    function holds(bytes memory form, Crowd memory crowd) internal pure returns (bool isMet) {
        (isMet,) = _holds(form, 0, crowd);
    }

    /// @dev The crowd of these approvers, who are different people.
    function crowdOf(bytes32[] memory organizations, uint32[] memory roles, uint256 active)
        internal
        pure
        returns (Crowd memory crowd)
    {
        crowd.organizations = new bytes32[](organizations.length);
        crowd.counts = new uint256[](organizations.length);
        crowd.active = active;
        uint256 different = 0;
        for (uint256 i = 0; i < organizations.length; ++i) {
            bytes32 organization = organizations[i];
            if (organization == 0) continue;
            uint256 place = 0;
            while (place < different && crowd.organizations[place] != organization) ++place;
            if (place == different) crowd.organizations[different++] = organization;
            uint256 counts = 0;
            for (uint256 role = 0; role <= Roles.LAST_BIT; ++role) {
                counts |= (uint256(roles[i]) >> role & 1) << (COUNT_BITS * role);
            }
            crowd.counts[place] += counts;
            crowd.total += counts;
        }
    }

    /// @dev The crowd of one.
    function crowdOf(bytes32 organization, uint32 roles, uint256 active) internal pure returns (Crowd memory) {
        bytes32[] memory organizations = new bytes32[](1);
        uint32[] memory list = new uint32[](1);
        organizations[0] = organization;
        list[0] = roles;
        return crowdOf(organizations, list, active);
    }

    /// @dev Checks the node at `offset`, of which `nodes` came before.
    function _check(bytes memory form, uint256 offset, uint256 depth, uint256 nodes)
        private
        pure
        returns (uint256 next, uint256 nodesNow)
    {
        if (depth > DEPTH_MAX) revert IPolicies.InvalidForm(offset, "depth");
        if (nodes == NODES_MAX) revert IPolicies.InvalidForm(offset, "nodes");
        nodesNow = nodes + 1;
        uint256 kind = _byteAt(form, offset);
        if (kind == THRESHOLD) {
            uint256 count = _byteAt(form, offset + 1);
            uint256 threshold = _byteAt(form, offset + 2);
            if (count == 0) revert IPolicies.InvalidForm(offset + 1, "count");
            if (threshold == 0 || threshold > count) revert IPolicies.InvalidForm(offset + 2, "threshold");
            next = offset + 3;
            for (uint256 i = 0; i < count; ++i) {
                (next, nodesNow) = _check(form, next, depth + 1, nodesNow);
            }
        } else if (kind == PRINCIPAL) {
            next = offset + 35;
            uint256 least = _byteAt(form, next - 1);
            bytes32 organization = _wordAt(form, offset + 1);
            if (organization != 0 && !Roles.isName(organization)) {
                revert IPolicies.InvalidForm(offset + 1, "organization");
            }
            if (_byteAt(form, offset + 33) > Roles.LAST_BIT) revert IPolicies.InvalidForm(offset + 33, "role");
            uint256 most = organization == 0 ? APPROVERS_MAX : OWN_APPROVERS_MAX;
            if (least == 0 || least > most) revert IPolicies.InvalidForm(offset + 34, "least");
        } else if (kind == SHARE) {
            next = offset + 4;
            uint256 denominator = _byteAt(form, offset + 3);
            if (_byteAt(form, offset + 1) > Roles.LAST_BIT) revert IPolicies.InvalidForm(offset + 1, "role");
            if (_byteAt(form, offset + 2) >= denominator) revert IPolicies.InvalidForm(offset + 2, "share");
        } else if (kind == ANYONE || kind == NOBODY) {
            next = offset + 1;
        } else {
            revert IPolicies.InvalidForm(offset, "kind");
        }
    }

    /// @dev Whether the node at `offset` holds, and where the next one is.
    function _holds(bytes memory form, uint256 offset, Crowd memory crowd)
        private
        pure
        returns (bool isMet, uint256 next)
    {
        uint256 kind = uint8(form[offset]);
        if (kind == THRESHOLD) {
            uint256 count = uint8(form[offset + 1]);
            uint256 met = 0;
            next = offset + 3;
            for (uint256 i = 0; i < count; ++i) {
                bool isOneMet;
                (isOneMet, next) = _holds(form, next, crowd);
                if (isOneMet) ++met;
            }
            isMet = met >= uint8(form[offset + 2]);
        } else if (kind == PRINCIPAL) {
            next = offset + 35;
            uint256 least = uint8(form[offset + 34]);
            if (crowd.isEverybody) least = (least + OWN_APPROVERS_MAX - 1) / OWN_APPROVERS_MAX;
            isMet = _countIn(_countsOf(crowd, _wordAt(form, offset + 1)), uint8(form[offset + 33])) >= least;
        } else if (kind == SHARE) {
            next = offset + 4;
            uint256 role = uint8(form[offset + 1]);
            uint256 count = 0;
            for (uint256 i = 0; i < crowd.counts.length; ++i) {
                if (crowd.organizations[i] == 0) break;
                if (_countIn(crowd.counts[i], role) != 0) ++count;
            }
            isMet = count * uint8(form[offset + 3]) > crowd.active * uint8(form[offset + 2]);
        } else {
            next = offset + 1;
            isMet = kind == ANYONE;
        }
    }

    /// @dev The counts of an organization; 0 stands for all of them.
    function _countsOf(Crowd memory crowd, bytes32 organization) private pure returns (uint256) {
        if (organization == 0) return crowd.total;
        for (uint256 i = 0; i < crowd.organizations.length; ++i) {
            bytes32 each = crowd.organizations[i];
            if (each == organization) return crowd.counts[i];
            if (each == 0) break;
        }
        return 0;
    }

    function _countIn(uint256 counts, uint256 role) private pure returns (uint256) {
        return (counts >> (COUNT_BITS * role)) & COUNT_MASK;
    }

    function _byteAt(bytes memory form, uint256 offset) private pure returns (uint256) {
        if (offset >= form.length) revert IPolicies.InvalidForm(form.length, "length");
        return uint8(form[offset]);
    }

    /// @dev The 32 bytes from `offset` on, which must all be there.
    function _wordAt(bytes memory form, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(form, 32), offset))
        }
    }
}
