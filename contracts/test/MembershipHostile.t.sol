// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IMembers} from "../src/interfaces/IMembers.sol";
import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title An account with code, which answers for its signature as it is told.
contract Wallet {
    enum Mood {
        Says,
        Refuses,
        Reverts,
        SaysTooLittle,
        Burns,
        Acts
    }

    Mood public mood;
    address private _target;
    bytes private _data;

    function set(Mood mood_, address target, bytes calldata data) external {
        mood = mood_;
        _target = target;
        _data = data;
    }

    function act(address target, bytes calldata data) external returns (bool success, bytes memory answer) {
        return target.call(data);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        if (mood == Mood.Refuses) return 0xffffffff;
        if (mood == Mood.Reverts) revert("no");
        if (mood == Mood.Burns) while (true) {}
        if (mood == Mood.Acts) {
            // It is asked in a static call, so none of this can change anything.
            (bool success,) = _target.call(_data);
            if (!success) return 0xffffffff;
        }
        if (mood == Mood.SaysTooLittle) {
            assembly ("memory-safe") {
                mstore(0, 0x1626ba7e00000000000000000000000000000000000000000000000000000000)
                return(0, 4)
            }
        }
        return 0x1626ba7e;
    }
}

/// @title A contract that calls back while a proposal is carried out.
contract Reentrant {
    bytes[] private _attempts;
    address private immutable _policies;
    bytes[] public answers;
    bool[] public successes;

    constructor(address policies) {
        _policies = policies;
    }

    function arm(bytes calldata attempt) external {
        _attempts.push(attempt);
    }

    function run() external {
        for (uint256 i = 0; i < _attempts.length; ++i) {
            (bool success, bytes memory answer) = _policies.call(_attempts[i]);
            answers.push(answer);
            successes.push(success);
        }
    }
}

/// @title Passes calls on.
contract Forwarder {
    function forward(address target, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory answer) = target.call(data);
        if (success) return answer;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }
}

contract MembershipHostileTest is Consortium {
    function setUp() public {
        found();
    }

    function test_WalletsConsentWithCode() public {
        Wallet wallet = new Wallet();
        vm.startPrank(bankAdmin);
        members.enroll(address(wallet), BANKER, 0, 0, 0, "whatever");
        assertRoles(address(wallet), BANK, MEMBER | BANKER);
        Wallet.Mood[5] memory moods =
            [Wallet.Mood.Refuses, Wallet.Mood.Reverts, Wallet.Mood.SaysTooLittle, Wallet.Mood.Burns, Wallet.Mood.Acts];
        for (uint256 i = 0; i < 5; ++i) {
            wallet.set(moods[i], address(members), abi.encodeCall(IMembers.revokeAccount, (address(wallet))));
            vm.expectRevert(abi.encodeWithSelector(IMembers.NoConsent.selector, address(wallet)));
            members.enroll{gas: 3_000_000}(address(wallet), AUDITOR, 0, 0, 0, "whatever");
        }
        vm.stopPrank();
        assertRoles(address(wallet), BANK, MEMBER | BANKER);
        assertEq(members.nonces(address(wallet)), 1, "nonce");
    }

    function test_WalletsApproveWithCode() public {
        Wallet wallet = new Wallet();
        vm.prank(shopAdmin);
        members.enroll(address(wallet), ADMIN, 0, 0, 0, "");
        uint256 id = propose(bankAdmin, calls(address(this), ""));
        IPolicies.Approval[] memory given = single(IPolicies.Approval(address(wallet), "anything"));
        bytes memory refusal = abi.encodeWithSelector(IPolicies.InvalidSignature.selector, address(wallet));
        wallet.set(Wallet.Mood.Refuses, address(0), "");
        vm.expectRevert(refusal);
        policies.approveFor(id, given);
        // Asked for its signature, it tries to approve something else.
        wallet.set(Wallet.Mood.Acts, address(policies), abi.encodeCall(IPolicies.approve, (id)));
        vm.expectRevert(refusal);
        policies.approveFor(id, given);
        assertEq(policies.approvers(id).length, 1, "approvers");
        wallet.set(Wallet.Mood.Says, address(0), "");
        policies.approveFor(id, given);
        assertEq(policies.approvers(id)[1], address(wallet), "approver");
        // Among others it can stop a batch, which is then handed in without it.
        wallet.set(Wallet.Mood.Reverts, address(0), "");
        bytes32 transaction = policies.endorsementHash(stranger, 0, address(0), 0, 0);
        IPolicies.Approval[] memory both_ = new IPolicies.Approval[](2);
        (both_[0], both_[1]) = (given[0], approval("bank's admin", transaction));
        vm.expectRevert(refusal);
        policies.endorse(stranger, 0, address(0), 0, 0, both_);
        policies.endorse(stranger, 0, address(0), 0, 0, single(both_[1]));
    }

    /// Amidst one proposal no other is carried out, and it itself not twice.
    function test_ExecutionsAreNotReentered() public {
        Reentrant reentrant = new Reentrant(address(policies));
        uint256 inner = agree(calls(address(policies), abi.encodeCall(IPolicies.setPolicy, ("money", ANYONE))));
        uint256 outer = agree(calls(address(reentrant), abi.encodeCall(Reentrant.run, ())));
        reentrant.arm(abi.encodeCall(IPolicies.execute, (outer)));
        reentrant.arm(abi.encodeCall(IPolicies.execute, (inner)));
        reentrant.arm(abi.encodeCall(IPolicies.setPolicy, ("money", ANYONE)));
        reentrant.arm(abi.encodeCall(IPolicies.approve, (inner)));
        reentrant.arm(abi.encodeCall(IPolicies.propose, (calls(address(this), ""), "", 1)));
        policies.execute(outer);
        for (uint256 i = 0; i < 5; ++i) {
            assertTrue(!reentrant.successes(i), "an attempt");
        }
        assertEq(policies.policy("money"), principal(BANK, ADMIN_BIT, 1), "policy");
        // The network cannot call `execute` through a proposal either.
        uint256 third = agree(calls(address(policies), abi.encodeCall(IPolicies.execute, (inner))));
        vm.expectRevert();
        policies.execute(third);
        policies.execute(inner);
    }

    /// A contract in between is not the governor.
    function test_AForwarderIsNotTheNetwork() public {
        Forwarder forwarder = new Forwarder();
        bytes memory passed =
            abi.encodeCall(Forwarder.forward, (address(members), abi.encodeCall(IMembers.remove, (SHOP))));
        uint256 id = propose(bankAdmin, calls(address(forwarder), passed));
        approve(brandAdmin, id);
        bytes memory reason = abi.encodeWithSelector(IMembers.NotGovernor.selector, address(forwarder));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.CallFailed.selector, 0, reason));
        policies.execute(id);
    }

    /// The consent that one organization has got is of no use to another, nor on another chain.
    function test_ConsentStaysWhereItIs() public {
        bytes memory consent = consentOf("stranger", BRAND, MERCHANT, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMembers.NoConsent.selector, stranger));
        vm.prank(shopAdmin);
        members.enroll(stranger, MERCHANT, 0, 0, 0, consent);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        vm.expectRevert(abi.encodeWithSelector(IMembers.NoConsent.selector, stranger));
        vm.prank(brandAdmin);
        members.enroll(stranger, MERCHANT, 0, 0, 0, consent);
        vm.chainId(chain);
        vm.prank(brandAdmin);
        members.enroll(stranger, MERCHANT, 0, 0, 0, consent);
    }

    /// Who may do what: every kind of person against every action.
    function test_EveryoneAgainstEverything() public {
        address[10] memory people = thePeople();
        (bytes[] memory actions, string[10] memory allowed) = theActions();
        for (uint256 who = 0; who < people.length; ++who) {
            for (uint256 what = 0; what < actions.length; ++what) {
                uint256 state = vm.snapshotState();
                address target = what < 8 ? address(members) : address(policies);
                vm.prank(people[who]);
                (bool success,) = target.call(actions[what]);
                bool expected = bytes(allowed[who])[what] == "x";
                assertEq(success, expected, string.concat(nameOf(who), " does action ", nameOf(what)));
                vm.revertToState(state);
            }
        }
    }

    /// @dev The governor, admins of two organizations, members, and those who are members no more.
    function thePeople() private returns (address[10] memory people) {
        people[0] = address(policies);
        people[1] = bankAdmin;
        people[2] = shopAdmin;
        people[3] = enroll(bankAdmin, "banker", BANKER, 0);
        people[4] = enroll(shopAdmin, "shopper", SHOPPER, 0);
        people[5] = enroll(bankAdmin, "late", ADMIN, NOW + 1);
        people[6] = enroll(bankAdmin, "revoked", ADMIN, 0);
        (people[7],) = person("lost");
        people[8] = stranger;
        people[9] = address(members);
        vm.prank(bankAdmin);
        members.revokeAccount(people[6]);
        admitGuest(people[7], ALL_ROLES);
        vm.prank(address(policies));
        members.remove(GUEST);
        vm.prank(brandAdmin);
        policies.propose(calls(address(this), ""), "why", 10);
        vm.warp(NOW + 2);
    }

    /// @dev Eight calls of Members, seven of Policies; and for each of the people an `x` for each that it may make.
    function theActions() private view returns (bytes[] memory actions, string[10] memory allowed) {
        bytes memory consent = consentOf("newcomer", BANK, 0, 0, 0);
        address newcomer = vm.addr(keyOf("newcomer"));
        actions = new bytes[](15);
        actions[0] = abi.encodeCall(IMembers.admit, ("New", "name", 0, "root", 1, LATER, newcomer));
        actions[1] = abi.encodeCall(IMembers.setRoles, (BANK, BANKER));
        actions[2] = abi.encodeCall(IMembers.remove, (BRAND));
        actions[3] = abi.encodeCall(IMembers.appoint, (SHOP, newcomer));
        actions[4] = abi.encodeCall(IMembers.addRoot, ("other root", 1, LATER));
        actions[5] = abi.encodeCall(IMembers.addNode, ("key", "node", 1, LATER));
        actions[6] = abi.encodeCall(IMembers.enroll, (newcomer, 0, 0, 0, 0, consent));
        actions[7] = abi.encodeCall(IMembers.revokeAccount, (vm.addr(keyOf("banker"))));
        actions[8] = abi.encodeCall(IPolicies.setPolicy, ("money", ANYONE));
        actions[9] = abi.encodeCall(IPolicies.setAccess, (address(1), 0, true, ANYONE));
        actions[10] = abi.encodeCall(IPolicies.setGuard, (address(1), 0, true, ANYONE));
        actions[11] = abi.encodeCall(IPolicies.setTopic, (address(1), "money"));
        actions[12] = abi.encodeCall(IPolicies.propose, (calls(address(this), ""), "why", 10));
        actions[13] = abi.encodeCall(IPolicies.approve, (0));
        actions[14] = abi.encodeCall(IPolicies.withdraw, (0));
        allowed[0] = "xxxx....xxxx...";
        allowed[1] = "....xxxx....xx.";
        allowed[2] = "....xx......xx.";
        allowed[3] = ".............x.";
        allowed[4] = ".............x.";
        for (uint256 i = 5; i < 10; ++i) {
            allowed[i] = "...............";
        }
    }

    function nameOf(uint256 index) private pure returns (string memory) {
        bytes memory digits = new bytes(2);
        digits[0] = bytes1(uint8(48 + index / 10));
        digits[1] = bytes1(uint8(48 + index % 10));
        return string(digits);
    }
}
