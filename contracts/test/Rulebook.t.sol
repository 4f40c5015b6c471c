// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @notice What Policies has beside its interface.
interface ISlot {
    function VERSION_SLOT() external view returns (bytes32);
}

/// @title Policies, rules and guards, and the rights they leave to somebody.
contract RulebookTest is Consortium {
    bytes32 private _version;
    address private constant TILL = address(0x7111);
    bytes4 private constant PAY = 0x11223344;
    bytes4 private constant PRINT = 0x55667788;

    function setUp() public {
        found();
    }

    function test_TheFoundingPolicies() public {
        IPolicies.NamedPolicy[] memory all = policies.policies();
        assertEq(all.length, 9, "policies");
        assertEq(all[8].name, "money", "name");
        assertEq(all[8].form, principal(BANK, ADMIN_BIT, 1), "form");
        assertEq(policies.policy("money"), all[8].form, "by name");
        assertEq(policies.policy("unknown").length, 0, "unknown");
        assertEq(policies.members(), address(members), "members");
        assertEq(policies.lifetimeMax(), LIFETIME_MAX, "lifetime");
        assertEq(policies.deadlock(), 0, "deadlock");
        requireNewVersion();
    }

    function test_OnlyItselfChangesThese() public {
        address[2] memory callers = [bankAdmin, address(members)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(callers[i]);
            bytes memory refusal = abi.encodeWithSelector(IPolicies.NotGovernor.selector, callers[i]);
            vm.expectRevert(refusal);
            policies.setPolicy("money", ANYONE);
            vm.expectRevert(refusal);
            policies.setAccess(TILL, PAY, false, ANYONE);
            vm.expectRevert(refusal);
            policies.setGuard(TILL, 0, true, ANYONE);
            vm.expectRevert(refusal);
            policies.setTopic(TILL, "money");
            vm.stopPrank();
        }
    }

    function test_PoliciesAreSetAndRemoved() public {
        vm.startPrank(address(policies));
        vm.expectEmit(address(policies));
        emit IPolicies.PolicySet("prices", ANYONE);
        policies.setPolicy("prices", ANYONE);
        policies.setPolicy("prices", NOBODY);
        assertEq(policies.policies().length, 10, "policies");
        policies.setPolicy("money", "");
        assertEq(policies.policies()[8].name, "prices", "moved up");
        assertEq(policies.policy("money").length, 0, "removed");
        requireNewVersion();
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownPolicy.selector, bytes32("money")));
        policies.setPolicy("money", "");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidName.selector, bytes32("no name")));
        policies.setPolicy("no name", ANYONE);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidForm.selector, 1, "trailing bytes"));
        policies.setPolicy("prices", hex"0404");
        for (uint256 i = 9; i < 64; ++i) {
            policies.setPolicy(nameOf(i), ANYONE);
        }
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "policies"));
        policies.setPolicy("more", ANYONE);
        vm.stopPrank();
    }

    function test_WhatGovernsRemains() public {
        bytes32[8] memory names =
            [bytes32("governance"), "membership", "policies", "validators", "upgrades", "engine", "send", "deploy"];
        vm.startPrank(address(policies));
        for (uint256 i = 0; i < 8; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, names[i]));
            policies.setPolicy(names[i], "");
        }
        policies.setTopic(TILL, "money");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, bytes32("money")));
        policies.setPolicy("money", "");
        policies.setTopic(TILL, 0);
        policies.setPolicy("money", "");
        vm.stopPrank();
    }

    function test_Topics() public {
        assertEq(policies.topic(address(policies)), "policies", "of itself");
        assertEq(policies.topic(address(members)), "membership", "of the members");
        assertEq(policies.topic(TILL), "governance", "of others");
        vm.startPrank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, bytes32("policies")));
        policies.setTopic(address(policies), "money");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, bytes32("membership")));
        policies.setTopic(address(members), "money");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownPolicy.selector, bytes32("unknown")));
        policies.setTopic(TILL, "unknown");
        for (uint256 i = 1; i < 64; ++i) {
            policies.setTopic(address(uint160(i)), "engine");
        }
        vm.expectEmit(address(policies));
        emit IPolicies.TopicSet(TILL, "money");
        policies.setTopic(TILL, "money");
        assertEq(policies.topic(TILL), "money", "set");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "topics"));
        policies.setTopic(address(64), "money");
        policies.setTopic(address(1), 0);
        (address[] memory targets, bytes32[] memory names) = policies.topics();
        assertEq(targets.length, 63, "topics");
        assertEq(targets[0], TILL, "moved up");
        assertEq(names[0], "money", "its name");
        vm.stopPrank();
    }

    function test_RightsWithoutRules() public {
        IPolicies.Rights memory rights = policies.rightsOf(members.record(bankAdmin));
        assertTrue(rights.maySend && rights.mayDeploy && !rights.isExpired, "an admin");
        assertEq(rights.until, 0, "for ever");
        rights = policies.rightsOf(0);
        assertTrue(!rights.maySend && !rights.mayDeploy && !rights.isExpired, "a stranger");
        assertEq(rights.send, principal(0, MEMBER_BIT, 1), "why not");
        assertEq(rights.deploy, principal(0, ADMIN_BIT, 1), "why not, either");

        address clerk = enroll(bankAdmin, "clerk", BANKER, LATER);
        uint256 record = members.record(clerk);
        rights = policies.rightsOf(record);
        assertTrue(rights.maySend && !rights.mayDeploy && rights.send.length == 0, "a clerk");
        assertEq(rights.until, LATER, "until");
        vm.warp(LATER + 1);
        rights = policies.rightsOf(record);
        assertTrue(!rights.maySend && rights.isExpired && rights.until == 0, "a clerk of yesterday");
        vm.prank(address(policies));
        policies.setPolicy("send", ANYONE);
        rights = policies.rightsOf(record);
        assertTrue(rights.maySend && !rights.isExpired, "with nothing lost");
        vm.prank(address(policies));
        members.remove(BANK);
        assertTrue(!policies.rightsOf(record).isExpired, "it is not the time that it fails by");
    }

    /// The rule of a method comes before that of its contract.
    function test_AccessRules() public {
        bytes memory bankers = principal(BANK, BANK_BIT, 1);
        vm.startPrank(address(policies));
        vm.expectEmit(address(policies));
        emit IPolicies.AccessSet(TILL, 0, true, bankers);
        policies.setAccess(TILL, PAY, true, bankers);
        policies.setAccess(TILL, PRINT, false, ANYONE);
        policies.setAccess(address(0xb00c), PAY, false, NOBODY);
        vm.stopPrank();
        assertEq(policies.accessRules().length, 3, "rules");
        address clerk = enroll(bankAdmin, "clerk", BANKER, 0);

        IPolicies.Rights memory rights = policies.rightsOf(members.record(clerk));
        assertEq(rights.denials.length, 1, "denied to a clerk");
        assertTrue(rights.denials[0].target == address(0xb00c) && !rights.denials[0].isWhole, "what");
        assertEq(rights.denials[0].form, NOBODY, "why");
        assertEq(rights.exceptions.length, 0, "none are needed");
        rights = policies.rightsOf(members.record(shopAdmin));
        assertEq(rights.denials.length, 2, "denied to a shop");
        assertTrue(rights.denials[0].target == TILL && rights.denials[0].isWhole, "the whole");
        assertEq(rights.denials[0].form, bankers, "why");
        assertEq(rights.exceptions.length, 1, "exceptions");
        assertTrue(rights.exceptions[0].target == TILL && rights.exceptions[0].selector == PRINT, "but this");
        assertEq(rights.exceptions[0].form.length, 0, "without a form");

        vm.startPrank(address(policies));
        policies.setAccess(TILL, 0, true, ANYONE);
        assertEq(policies.rightsOf(members.record(shopAdmin)).denials.length, 1, "after a change");
        policies.setAccess(TILL, 0, true, "");
        assertEq(policies.accessRules().length, 2, "after a removal");
        assertEq(policies.accessRules()[0].target, address(0xb00c), "moved up");
        policies.setAccess(address(0xb00c), PAY, false, "");
        policies.setAccess(TILL, PRINT, false, "");
        assertEq(policies.accessRules().length, 0, "all removed");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidRule.selector, "access"));
        policies.setAccess(TILL, PRINT, false, "");
        vm.stopPrank();
    }

    function test_Guards() public {
        vm.startPrank(address(policies));
        vm.expectEmit(address(policies));
        emit IPolicies.GuardSet(TILL, "slot", false, NOBODY);
        policies.setGuard(TILL, "slot", false, NOBODY);
        policies.setGuard(TILL, "slot", true, ANYONE);
        policies.setGuard(TILL, 0, false, ANYONE);
        IPolicies.Guard[] memory all = policies.guards();
        assertEq(all.length, 3, "guards");
        assertTrue(all[1].isWhole && all[1].slot == 0, "the whole has no slot");
        policies.setGuard(TILL, 0, true, NOBODY);
        assertEq(policies.guards()[1].form, NOBODY, "changed");
        policies.setGuard(TILL, "slot", false, "");
        assertEq(policies.guards()[0].form, ANYONE, "moved up");
        policies.setGuard(TILL, 0, false, "");
        policies.setGuard(TILL, 0, true, "");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidRule.selector, "guard"));
        policies.setGuard(TILL, 0, true, "");
        vm.stopPrank();
    }

    /// Nothing may stand in the way of the proposal that removes it.
    function test_NoRuleAboutItself() public {
        vm.startPrank(address(policies));
        bytes memory refusal = abi.encodeWithSelector(IPolicies.MustRemain.selector, bytes32("policies"));
        vm.expectRevert(refusal);
        policies.setAccess(address(policies), PAY, false, ANYONE);
        vm.expectRevert(refusal);
        policies.setAccess(address(policies), 0, true, "");
        vm.expectRevert(refusal);
        policies.setGuard(address(policies), 0, true, NOBODY);
        vm.stopPrank();
    }

    function test_SoManyRulesAndGuards() public {
        vm.startPrank(address(policies));
        for (uint256 i = 1; i <= 256; ++i) {
            policies.setAccess(address(uint160(i)), 0, true, NOBODY);
            if (i <= 64) policies.setGuard(address(uint160(i)), 0, true, NOBODY);
        }
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "access rules"));
        policies.setAccess(TILL, 0, true, NOBODY);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "guards"));
        policies.setGuard(TILL, 0, true, NOBODY);
        vm.stopPrank();
        assertEq(policies.rightsOf(0).denials.length, 256, "denials");
    }

    function test_ConstructionsWithoutSense() public {
        IPolicies.NamedPolicy[] memory given = foundingPolicies();
        given[3].name = "other";
        refuse(given, "money", 1, abi.encodeWithSelector(IPolicies.UnknownPolicy.selector, bytes32("policies")));
        given = foundingPolicies();
        given[8].name = "send";
        refuse(given, "engine", 1, abi.encodeWithSelector(IPolicies.InvalidName.selector, bytes32("send")));
        given = foundingPolicies();
        given[8].form = hex"06";
        refuse(given, "engine", 1, abi.encodeWithSelector(IPolicies.InvalidForm.selector, 0, "kind"));
        given = foundingPolicies();
        refuse(given, "none", 1, abi.encodeWithSelector(IPolicies.UnknownPolicy.selector, bytes32("none")));
        refuse(given, "money", 0, abi.encodeWithSelector(IPolicies.InvalidRule.selector, "lifetimeMax"));
        refuse(given, "money", 1 << 32, abi.encodeWithSelector(IPolicies.InvalidRule.selector, "lifetimeMax"));
    }

    function deployWith(IPolicies.NamedPolicy[] memory given, bytes32 topic, uint64 lifetimeMax) external {
        IPolicies.Topic[] memory list = new IPolicies.Topic[](1);
        list[0] = IPolicies.Topic(TILL, topic);
        deploy("Policies", abi.encode(members, given, list, lifetimeMax));
    }

    function refuse(IPolicies.NamedPolicy[] memory given, bytes32 topic, uint64 lifetimeMax, bytes memory refusal)
        private
    {
        vm.expectRevert(refusal);
        this.deployWith(given, topic, lifetimeMax);
    }

    function nameOf(uint256 index) private pure returns (bytes32) {
        return bytes32(abi.encodePacked("policy-", bytes1(uint8(48 + index / 10)), bytes1(uint8(48 + index % 10))));
    }

    /// @dev The version is another one than at the last look, and nodes read the same.
    function requireNewVersion() private {
        bytes32 now_ = policies.version();
        assertTrue(now_ != _version, "version");
        assertEq(vm.load(address(policies), ISlot(address(policies)).VERSION_SLOT()), now_, "slot of the version");
        _version = now_;
    }
}
