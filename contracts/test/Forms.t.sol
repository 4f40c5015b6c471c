// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title What is a policy, and whether it holds.
contract FormsTest is Consortium {
    uint256 private constant PEOPLE = 14;

    /// @dev A policy as a tree, as far from its bytes as can be.
    struct Node {
        uint8 kind;
        bytes32 organization;
        uint8 role;
        uint8 least;
        uint8 numerator;
        uint8 denominator;
        uint8 threshold;
        Node[] children;
    }

    /// @dev What this test knows of its people, beside what Members says.
    address[] private _accounts;
    bytes32[] private _organizations;
    uint32[] private _roles;
    uint256 private _seed;

    function setUp() public {
        found();
        note(bankAdmin, BANK, MEMBER | ADMIN);
        note(brandAdmin, BRAND, MEMBER | ADMIN);
        note(shopAdmin, SHOP, MEMBER | ADMIN);
        note(stranger, 0, 0);
        note(enroll(bankAdmin, "one", BANKER | ADMIN, LATER), BANK, MEMBER | BANKER | ADMIN);
        note(enroll(bankAdmin, "two", BANKER, 0), BANK, MEMBER | BANKER);
        note(enroll(bankAdmin, "three", AUDITOR, 0), BANK, MEMBER | AUDITOR);
        note(enroll(brandAdmin, "four", MERCHANT | ADMIN, 0), BRAND, MEMBER | MERCHANT | ADMIN);
        note(enroll(brandAdmin, "five", 0, 0), BRAND, MEMBER);
        note(enroll(shopAdmin, "six", SHOPPER, 0), SHOP, MEMBER | SHOPPER);
        note(enroll(shopAdmin, "seven", MERCHANT | CARRIER, 0), SHOP, MEMBER | MERCHANT);
        // The one whose time is over, the one who was revoked, the one whose organization is gone.
        note(enroll(shopAdmin, "late", MERCHANT | ADMIN, NOW + 1), 0, 0);
        note(enroll(shopAdmin, "revoked", MERCHANT | ADMIN, 0), 0, 0);
        (address lost,) = person("lost");
        note(lost, 0, 0);
        admitGuest(lost, MERCHANT);
        vm.startPrank(address(policies));
        members.remove(GUEST);
        members.setRoles(SHOP, MERCHANT | SHOPPER);
        vm.stopPrank();
        vm.prank(shopAdmin);
        members.revokeAccount(_accounts[12]);
        vm.warp(NOW + 2);
        assertEq(_accounts.length, PEOPLE, "people");
    }

    /// Random policies and crowds, against a second reading of what a policy means.
    /// forge-config: default.fuzz.runs = 1024
    function testFuzz_HoldsAsTheTreeDoes(uint256 seed, uint256 crowd) public {
        _seed = seed;
        Node memory tree = grow(1 + draw(4));
        assertEq(policies.holds(bytesOf(tree), crowdOf(crowd)), isMet(tree, crowd), "holds");
    }

    /// More approvers never make a policy fail.
    function testFuzz_MoreIsNeverLess(uint256 seed, uint256 crowd, uint256 others) public {
        _seed = seed;
        bytes memory form = bytesOf(grow(3));
        if (policies.holds(form, crowdOf(crowd))) {
            assertTrue(policies.holds(form, crowdOf(crowd | others)), "with others");
        }
    }

    /// The fuzz above is worth something only if policies hold about as often as not.
    function test_TheRandomPoliciesAreNotAllAlike() public {
        uint256 met = 0;
        for (uint256 i = 0; i < 300; ++i) {
            _seed = uint256(keccak256(abi.encode("form", i)));
            if (isMet(grow(1 + draw(4)), uint256(keccak256(abi.encode("crowd", i))))) ++met;
        }
        assertGe(met, 75, "held");
        assertGe(300 - met, 75, "did not");
    }

    /// Whatever the bytes, they are a form that can be evaluated, or refused with its error.
    /// forge-config: default.fuzz.runs = 1024
    function testFuzz_BytesAreRefusedOrHold(bytes calldata raw, uint256 seed) public {
        tryOut(raw);
        // Nearly right is harder than random: a good form with one byte changed.
        _seed = seed;
        bytes memory form = bytesOf(grow(3));
        form[draw(form.length)] = bytes1(uint8(draw(256)));
        tryOut(form);
    }

    function test_FormsThatAreNone() public {
        refuse("", 0, "length");
        refuse(hex"00", 0, "kind");
        refuse(hex"06", 0, "kind");
        refuse(hex"ff", 0, "kind");
        refuse(hex"0404", 1, "trailing bytes");
        refuse(abi.encodePacked(principal(BANK, 1, 1), hex"00"), 35, "trailing bytes");
        refuse(hex"01", 1, "length");
        refuse(hex"0102", 2, "length");
        refuse(hex"010201", 3, "length");
        refuse(hex"01020104", 4, "length");
        refuse(hex"010001", 1, "count");
        refuse(hex"01010004", 2, "threshold");
        refuse(hex"01010204", 2, "threshold");
        refuse(principal(BANK, 1, 0), 34, "least");
        refuse(principal(BANK, 1, 9), 34, "least");
        refuse(principal(0, 1, 65), 34, "least");
        refuse(principal(BANK, 11, 1), 33, "role");
        refuse(principal("1Bank", 1, 1), 1, "organization");
        refuse(principal(bytes32(uint256(1)), 1, 1), 1, "organization");
        refuse(both(ANYONE, principal("Ba nk", 1, 1)), 5, "organization");
        refuse(share(11, 1, 2), 1, "role");
        refuse(share(1, 1, 1), 2, "share");
        refuse(share(1, 0, 0), 2, "share");
        refuse(hex"030101", 3, "length");
        bytes memory cut = principal(BANK, 1, 1);
        for (uint256 length = 1; length < 35; ++length) {
            assembly ("memory-safe") {
                mstore(cut, length)
            }
            refuse(cut, length, "length");
        }
        policies.check(principal(BANK, 10, 8));
        policies.check(principal(0, 0, 64));
        policies.check(share(0, 0, 1));
        policies.check(share(0, 254, 255));
    }

    function test_EightDeepAndSixtyFourNodes() public {
        bytes memory form = ANYONE;
        for (uint256 i = 1; i < 8; ++i) {
            form = abi.encodePacked(hex"010101", form);
        }
        policies.check(form);
        assertTrue(policies.holds(form, new address[](0)), "holds");
        refuse(abi.encodePacked(hex"010101", form), 24, "depth");
        bytes memory leaves = new bytes(63);
        for (uint256 i = 0; i < 63; ++i) {
            leaves[i] = hex"04";
        }
        form = abi.encodePacked(hex"013f3f", leaves);
        policies.check(form);
        assertTrue(policies.holds(form, new address[](0)), "holds");
        refuse(abi.encodePacked(hex"014001", leaves, hex"04"), 66, "nodes");
        // However wide, it is read no further.
        refuse(abi.encodePacked(hex"01ff01", new bytes(2000)), 3, "kind");
    }

    function test_ApproversCountOnce() public {
        address[] memory twice = new address[](2);
        twice[0] = bankAdmin;
        twice[1] = bankAdmin;
        assertTrue(!policies.holds(principal(BANK, ADMIN_BIT, 2), twice), "one who comes twice");
        twice[1] = _accounts[4];
        assertTrue(policies.holds(principal(BANK, ADMIN_BIT, 2), twice), "two");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "approvers"));
        policies.holds(ANYONE, new address[](65));
    }

    /// A share counts organizations, and those without a role count among all.
    function test_SharesAreMoreThan() public view {
        address[] memory crowd = crowdOf(1 | (1 << 4));
        assertTrue(!policies.holds(share(ADMIN_BIT, 1, 3), crowd), "one of three is not more than a third");
        crowd = crowdOf(1 | 2);
        assertTrue(policies.holds(share(ADMIN_BIT, 1, 3), crowd), "two are");
        assertTrue(policies.holds(share(ADMIN_BIT, 1, 2), crowd), "and more than half");
        assertTrue(!policies.holds(share(ADMIN_BIT, 2, 3), crowd), "not more than two thirds");
        assertTrue(policies.holds(share(ADMIN_BIT, 254, 255), crowdOf(7)), "all");
    }

    function tryOut(bytes memory form) private view {
        try policies.check(form) {
            policies.holds(form, crowdOf(0x1fff));
        } catch (bytes memory why) {
            assertEq(bytes32(bytes4(why)), bytes32(IPolicies.InvalidForm.selector), "error");
        }
    }

    function refuse(bytes memory form, uint256 offset, string memory why) private {
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidForm.selector, offset, why));
        policies.check(form);
    }

    function note(address account, bytes32 organization, uint32 roles) private {
        _accounts.push(account);
        _organizations.push(organization);
        _roles.push(roles);
    }

    function crowdOf(uint256 bits) private view returns (address[] memory crowd) {
        crowd = new address[](PEOPLE);
        uint256 count = 0;
        for (uint256 i = 0; i < PEOPLE; ++i) {
            if ((bits >> i) & 1 == 1) crowd[count++] = _accounts[i];
        }
        assembly ("memory-safe") {
            mstore(crowd, count)
        }
    }

    function draw(uint256 below) private returns (uint256) {
        _seed = uint256(keccak256(abi.encode(_seed)));
        return _seed % below;
    }

    function grow(uint256 depth) private returns (Node memory node) {
        uint256 lot = draw(20);
        if (depth > 1 && lot < 14) {
            node.kind = 1;
            node.children = new Node[](1 + draw(3));
            node.threshold = uint8(1 + draw(node.children.length));
            for (uint256 i = 0; i < node.children.length; ++i) {
                node.children[i] = grow(depth - 1);
            }
        } else if (lot < 12) {
            node.kind = 2;
            node.organization = [bytes32(0), BANK, BRAND, SHOP, GUEST, "Nowhere"][draw(6)];
            node.role = uint8([0, 1, 1, 2, 4, 5, 10][draw(7)]);
            node.least = uint8([1, 1, 1, 2, 3][draw(5)]);
        } else if (lot < 18) {
            node.kind = 3;
            node.role = uint8([0, 1, 2, 4, 10][draw(5)]);
            node.denominator = uint8(1 + draw(4));
            node.numerator = uint8(draw(node.denominator));
        } else {
            node.kind = lot == 18 ? 4 : 5;
        }
    }

    function bytesOf(Node memory node) private pure returns (bytes memory form) {
        if (node.kind == 2) return principal(node.organization, node.role, node.least);
        if (node.kind == 3) return share(node.role, node.numerator, node.denominator);
        form = abi.encodePacked(node.kind);
        if (node.kind != 1) return form;
        form = abi.encodePacked(form, uint8(node.children.length), node.threshold);
        for (uint256 i = 0; i < node.children.length; ++i) {
            form = bytes.concat(form, bytesOf(node.children[i]));
        }
    }

    /// @dev The second reading: by sets of people, without bytes.
    function isMet(Node memory node, uint256 crowd) private view returns (bool) {
        if (node.kind == 1) {
            uint256 met = 0;
            for (uint256 i = 0; i < node.children.length; ++i) {
                if (isMet(node.children[i], crowd)) ++met;
            }
            return met >= node.threshold;
        }
        if (node.kind == 2) {
            if (node.organization != 0) return supporters(node.organization, node.role, crowd) >= node.least;
            uint256 all = supporters(BANK, node.role, crowd) + supporters(BRAND, node.role, crowd)
                + supporters(SHOP, node.role, crowd);
            return all >= node.least;
        }
        if (node.kind == 3) {
            uint256 some = 0;
            if (supporters(BANK, node.role, crowd) > 0) ++some;
            if (supporters(BRAND, node.role, crowd) > 0) ++some;
            if (supporters(SHOP, node.role, crowd) > 0) ++some;
            return some * node.denominator > 3 * uint256(node.numerator);
        }
        return node.kind == 4;
    }

    function supporters(bytes32 organization, uint8 role, uint256 crowd) private view returns (uint256 count) {
        for (uint256 i = 0; i < PEOPLE; ++i) {
            bool isThere = (crowd >> i) & 1 == 1 && _organizations[i] == organization;
            if (isThere && _roles[i] & (uint32(1) << role) != 0) ++count;
        }
    }
}
