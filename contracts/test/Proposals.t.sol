// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IMembers} from "../src/interfaces/IMembers.sol";
import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title Something that the network decides on.
contract Target {
    error Refused(uint256 why);

    uint256 public value;
    address public caller;

    function set(uint256 to) external {
        value = to;
        caller = msg.sender;
    }

    function refuse(uint256 why) external pure {
        revert Refused(why);
    }
}

/// @title How the network decides, and who endorses a transaction.
contract ProposalsTest is Consortium {
    Target private target;

    function setUp() public {
        found();
        target = new Target();
    }

    function test_FromProposalToExecution() public {
        IPolicies.Call[] memory what = calls(address(target), abi.encodeCall(Target.set, (7)));
        vm.expectEmit(address(policies));
        emit IPolicies.Proposed(0, bankAdmin, 100 + LIFETIME_MAX, "why");
        vm.expectEmit(address(policies));
        emit IPolicies.Approved(0, bankAdmin);
        uint256 id = propose(bankAdmin, what);
        assertEq(policies.proposalCount(), 1, "proposals");
        IPolicies.Proposal memory made = policies.proposal(id);
        assertEq(made.proposer, bankAdmin, "proposer");
        assertEq(made.description, "why", "description");
        assertEq(made.calls[0].data, what[0].data, "calls");
        assertEq(made.content, keccak256(abi.encode(what, "why")), "content");
        assertStatus(id, IPolicies.ProposalStatus.Open);

        (bool isCarried, bytes32 missing) = policies.isCarried(id);
        assertTrue(!isCarried && missing == "governance", "one of three");
        vm.expectRevert(
            abi.encodeWithSelector(IPolicies.PolicyNotMet.selector, bytes32("governance"), share(ADMIN_BIT, 1, 2))
        );
        policies.execute(id);
        approve(shopAdmin, id);
        assertEq(policies.approvers(id).length, 2, "approvers");
        (isCarried, missing) = policies.isCarried(id);
        assertTrue(isCarried && missing == 0, "two of three");
        vm.expectEmit(address(policies));
        emit IPolicies.Executed(id, stranger);
        vm.prank(stranger);
        policies.execute(id);
        assertEq(target.value(), 7, "done");
        assertEq(target.caller(), address(policies), "by");
        assertClosed(id, IPolicies.ProposalStatus.Executed);
    }

    function test_WhoMayPropose() public {
        address clerk = enroll(bankAdmin, "clerk", BANKER, 0);
        IPolicies.Call[] memory what = calls(address(target), "");
        address[3] memory others = [clerk, stranger, address(policies)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPolicies.NotAdmin.selector, others[i]));
            propose(others[i], what);
        }
        vm.startPrank(bankAdmin);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidProposal.selector, "calls"));
        policies.propose(new IPolicies.Call[](0), "why", 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidProposal.selector, "calls"));
        policies.propose(new IPolicies.Call[](33), "why", 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidProposal.selector, "description"));
        policies.propose(what, string(new bytes(1025)), 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidProposal.selector, "lifetime"));
        policies.propose(what, "why", 0);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidProposal.selector, "lifetime"));
        policies.propose(what, "why", LIFETIME_MAX + 1);
        policies.propose(new IPolicies.Call[](32), string(new bytes(1024)), 1);
        vm.stopPrank();
    }

    function test_WhoMayApproveAndOnce() public {
        uint256 id = propose(bankAdmin, calls(address(target), ""));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.NotMember.selector, stranger));
        approve(stranger, id);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.AlreadyApproved.selector, id, bankAdmin));
        approve(bankAdmin, id);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownProposal.selector, 1));
        approve(bankAdmin, 1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownProposal.selector, 1));
        policies.execute(1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownProposal.selector, 1));
        policies.proposal(1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownProposal.selector, 1));
        policies.approvers(1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.UnknownProposal.selector, 1));
        policies.isCarried(1);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.NotApproved.selector, id, shopAdmin));
        vm.prank(shopAdmin);
        policies.withdrawApproval(id);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.NotProposer.selector, id, shopAdmin));
        vm.prank(shopAdmin);
        policies.withdraw(id);
    }

    function test_ProposalsEnd() public {
        uint256 id = agree(calls(address(target), abi.encodeCall(Target.set, (1))));
        uint256 other = agree(calls(address(target), abi.encodeCall(Target.set, (2))));
        uint256 third = agree(calls(address(target), abi.encodeCall(Target.set, (3))));
        vm.expectEmit(address(policies));
        emit IPolicies.Withdrawn(third);
        vm.prank(bankAdmin);
        policies.withdraw(third);
        assertClosed(third, IPolicies.ProposalStatus.Withdrawn);
        vm.roll(100 + LIFETIME_MAX);
        policies.execute(id);
        vm.roll(101 + LIFETIME_MAX);
        assertClosed(other, IPolicies.ProposalStatus.Expired);
        assertEq(target.value(), 1, "only the first");
    }

    /// What counts is what approvers are when it is carried out.
    function test_WhoLostItsRoleCountsNoMore() public {
        address second = enroll(shopAdmin, "second", ADMIN, NOW + 10);
        uint256 id = propose(bankAdmin, calls(address(target), abi.encodeCall(Target.set, (1))));
        approve(second, id);
        (bool isCarried,) = policies.isCarried(id);
        assertTrue(isCarried, "carried");
        uint256 state = vm.snapshotState();
        bytes memory refusal =
            abi.encodeWithSelector(IPolicies.PolicyNotMet.selector, bytes32("governance"), share(ADMIN_BIT, 1, 2));

        vm.prank(shopAdmin);
        members.revokeAccount(second);
        vm.expectRevert(refusal);
        policies.execute(id);
        vm.revertToState(state);

        vm.warp(NOW + 11);
        vm.expectRevert(refusal);
        policies.execute(id);
        vm.revertToState(state);

        // Without the shop one of two is left, which is not more than half.
        vm.prank(address(policies));
        members.remove(SHOP);
        vm.expectRevert(refusal);
        policies.execute(id);
        vm.revertToState(state);

        // Who moves counts for the organization where it is now.
        vm.prank(shopAdmin);
        members.revokeAccount(second);
        enroll(bankAdmin, "second", ADMIN, 0);
        vm.expectRevert(refusal);
        policies.execute(id);
    }

    function test_ApprovalsSignedElsewhere() public {
        uint256 id = propose(bankAdmin, calls(address(target), abi.encodeCall(Target.set, (1))));
        IPolicies.Approval[] memory given = new IPolicies.Approval[](3);
        given[0] = approval("brand's admin", approvalDigest(id));
        given[1] = approval("bank's admin", approvalDigest(id));
        given[2] = approval("shop's admin", approvalDigest(id));
        // Somebody hands one in first; that spoils nothing.
        vm.expectEmit(address(policies));
        emit IPolicies.Approved(id, brandAdmin);
        vm.prank(stranger);
        policies.approveFor(id, single(given[0]));
        policies.approveFor(id, given);
        assertEq(policies.approvers(id).length, 3, "approvers");

        vm.expectEmit(address(policies));
        emit IPolicies.ApprovalWithdrawn(id, brandAdmin);
        vm.prank(brandAdmin);
        policies.withdrawApproval(id);
        assertEq(policies.approvers(id).length, 2, "approvers");
        assertEq(policies.approvers(id)[1], shopAdmin, "the others");
        // Its signature is worth nothing any more.
        policies.approveFor(id, given);
        assertEq(policies.approvers(id).length, 2, "approvers");
        approve(brandAdmin, id);
        assertEq(policies.approvers(id)[2], brandAdmin, "by itself it can");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "approvals"));
        policies.approveFor(id, new IPolicies.Approval[](65));
    }

    function test_SignaturesThatAreNone() public {
        uint256 id = propose(bankAdmin, calls(address(target), ""));
        uint256 other = propose(bankAdmin, calls(address(target), "0"));
        bytes memory refusal = abi.encodeWithSelector(IPolicies.InvalidSignature.selector, brandAdmin);
        IPolicies.Approval memory given = approval("brand's admin", approvalDigest(other));
        vm.expectRevert(refusal);
        policies.approveFor(id, single(given));
        given = IPolicies.Approval(brandAdmin, sign("shop's admin", approvalDigest(id)));
        vm.expectRevert(refusal);
        policies.approveFor(id, single(given));
        given.signature = "";
        vm.expectRevert(refusal);
        policies.approveFor(id, single(given));
        given = approval("stranger", approvalDigest(id));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.NotMember.selector, stranger));
        policies.approveFor(id, single(given));
        // Who sends it itself need not sign.
        vm.prank(brandAdmin);
        policies.approveFor(id, single(IPolicies.Approval(brandAdmin, "")));
        assertEq(policies.approvers(id)[1], brandAdmin, "approver");
    }

    /// On another chain, or for another contract, a signature is worth nothing.
    function test_SignaturesStayWhereTheyAre() public {
        uint256 id = propose(bankAdmin, calls(address(target), ""));
        IPolicies.Approval memory given = approval("brand's admin", approvalDigest(id));
        bytes memory refusal = abi.encodeWithSelector(IPolicies.InvalidSignature.selector, brandAdmin);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        vm.expectRevert(refusal);
        policies.approveFor(id, single(given));
        vm.chainId(chain);
        address there =
            deploy("Policies", abi.encode(members, foundingPolicies(), new IPolicies.Topic[](0), LIFETIME_MAX));
        vm.prank(bankAdmin);
        IPolicies(there).propose(calls(address(target), ""), "why", 10);
        assertEq(IPolicies(there).proposal(0).content, policies.proposal(id).content, "the same content");
        vm.expectRevert(refusal);
        IPolicies(there).approveFor(0, single(given));
        policies.approveFor(id, single(given));
    }

    function test_CallsThatFailUndoAll() public {
        uint256 id = agree(
            calls(
                address(target), abi.encodeCall(Target.set, (1)), address(target), abi.encodeCall(Target.refuse, (42))
            )
        );
        bytes memory reason = abi.encodeWithSelector(Target.Refused.selector, 42);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.CallFailed.selector, 1, reason));
        policies.execute(id);
        assertEq(target.value(), 0, "undone");
        assertStatus(id, IPolicies.ProposalStatus.Open);
        id = agree(calls(stranger, "data"));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.CallFailed.selector, 0, ""));
        policies.execute(id);
    }

    /// Each call needs its own policy, whatever else is in the proposal and whatever it would change.
    function test_NoCallEscapesItsPolicy() public {
        // Money is what the bank decides on alone; but not what is beside it.
        vm.prank(address(policies));
        policies.setTopic(address(target), "money");
        IPolicies.Call[] memory what = calls(address(target), abi.encodeCall(Target.set, (1)));
        policies.execute(propose(bankAdmin, what));
        assertEq(target.value(), 1, "money");
        assertMissing(calls(address(target), "", address(members), ""), "membership");
        assertMissing(calls(address(target), "", address(policies), ""), "policies");
        assertMissing(calls(address(target), "", address(this), ""), "governance");
        // To loosen a policy first and then use it.
        assertMissing(
            calls(
                address(policies),
                abi.encodeCall(IPolicies.setPolicy, ("membership", ANYONE)),
                address(members),
                abi.encodeCall(IMembers.remove, (SHOP))
            ),
            "policies"
        );
        uint256 id = propose(
            bankAdmin,
            calls(
                address(policies),
                abi.encodeCall(IPolicies.setPolicy, ("membership", ANYONE)),
                address(members),
                abi.encodeCall(IMembers.remove, (SHOP))
            )
        );
        approve(brandAdmin, id);
        (bool isCarried, bytes32 missing) = policies.isCarried(id);
        assertTrue(!isCarried && missing == "membership", "enough for policies, not for members");
    }

    /// No execution leaves something that nobody can undo.
    function test_NoDeadlocks() public {
        bytes[5] memory hopeless = [
            NOBODY,
            principal(GUEST, ADMIN_BIT, 1),
            principal(SHOP, BANK_BIT, 1),
            both(principal(BANK, ADMIN_BIT, 1), principal(GUEST, MEMBER_BIT, 1)),
            principal(0, 5, 9)
        ];
        bytes32[6] memory names = [bytes32("governance"), "membership", "policies", "validators", "upgrades", "engine"];
        for (uint256 i = 0; i < 6; ++i) {
            refuseDeadlock(abi.encodeCall(IPolicies.setPolicy, (names[i], hopeless[i % 5])), names[i]);
        }
        refuseDeadlock(abi.encodeCall(IPolicies.setPolicy, ("send", NOBODY)), "send");
        refuseDeadlock(abi.encodeCall(IPolicies.setPolicy, ("send", principal(BANK, BANK_BIT, 1))), "send");
        decide(abi.encodeCall(IPolicies.setPolicy, ("send", principal(BANK, ADMIN_BIT, 1))));
        decide(abi.encodeCall(IPolicies.setPolicy, ("deploy", NOBODY)));
        decide(abi.encodeCall(IPolicies.setPolicy, ("engine", principal(BANK, BANK_BIT, 8))));

        // An organization that a policy needs does not go, nor does its role, until the policy does.
        bytes memory bank = both(principal(BANK, BANK_BIT, 1), share(ADMIN_BIT, 1, 2));
        decide(abi.encodeCall(IPolicies.setPolicy, ("engine", bank)));
        uint256 id = agree(calls(address(members), abi.encodeCall(IMembers.setRoles, (BANK, AUDITOR))));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, bytes32("engine")));
        policies.execute(id);
        id = agree(calls(address(members), abi.encodeCall(IMembers.remove, (SHOP))));
        policies.execute(id);
        vm.prank(address(policies));
        members.setRoles(BANK, 0);
        assertEq(policies.deadlock(), "engine", "deadlock");
    }

    /// Customers do not take the places of those who decide.
    function test_CustomersDoNotCrowdOut() public {
        uint256 id = propose(bankAdmin, calls(address(target), ""));
        string[3] memory names = ["customer 1", "customer 2", "customer 3"];
        for (uint256 i = 0; i < 3; ++i) {
            address customer = enroll(shopAdmin, names[i], i == 1 ? 0 : SHOPPER, 0);
            if (i == 2) vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "approvals"));
            approve(customer, id);
        }
        string[9] memory staff = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];
        for (uint256 i = 0; i < 9; ++i) {
            address each = enroll(shopAdmin, staff[i], CARRIER, 0);
            if (i == 8) vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "approvals"));
            approve(each, id);
        }
        // One who withdraws makes place.
        vm.prank(vm.addr(keyOf("s3")));
        policies.withdrawApproval(id);
        approve(shopAdmin, id);
        approve(brandAdmin, id);
        assertEq(policies.approvers(id).length, 12, "approvers");
    }

    function test_Endorsements() public {
        address clerk = enroll(bankAdmin, "clerk", BANKER, 0);
        bytes32 transaction = policies.endorsementHash(stranger, 3, address(target), 5, "input");
        bytes32 typehash = keccak256("Endorsement(address sender,uint64 nonce,address to,uint256 value,bytes32 data)");
        bytes32 content = keccak256(abi.encode(typehash, stranger, uint64(3), target, uint256(5), bytes32("input")));
        assertEq(transaction, digestFor("Hanse Policies", address(policies), content), "hash");

        bytes memory form = both(principal(BANK, BANK_BIT, 1), principal(SHOP, ADMIN_BIT, 1));
        IPolicies.Approval[] memory given = new IPolicies.Approval[](2);
        given[0] = approval("clerk", transaction);
        given[1] = approval("shop's admin", transaction);
        vm.expectEmit(address(policies));
        emit IPolicies.Endorsed(transaction, clerk);
        policies.endorse(stranger, 3, address(target), 5, "input", single(given[0]));
        assertTrue(!policies.isEndorsed(transaction, form), "one is missing");
        policies.endorse(stranger, 3, address(target), 5, "input", given);
        assertTrue(policies.isEndorsed(transaction, form), "endorsed");
        assertEq(policies.endorsers(transaction).length, 2, "endorsers");

        // For nothing else: another sender, nonce, target, value, input.
        bytes32[5] memory others = [
            policies.endorsementHash(clerk, 3, address(target), 5, "input"),
            policies.endorsementHash(stranger, 4, address(target), 5, "input"),
            policies.endorsementHash(stranger, 3, address(0), 5, "input"),
            policies.endorsementHash(stranger, 3, address(target), 6, "input"),
            policies.endorsementHash(stranger, 3, address(target), 5, "other")
        ];
        for (uint256 i = 0; i < 5; ++i) {
            assertTrue(others[i] != transaction && !policies.isEndorsed(others[i], form), "something else");
        }
        bytes memory refusal = abi.encodeWithSelector(IPolicies.InvalidSignature.selector, clerk);
        vm.expectRevert(refusal);
        policies.endorse(stranger, 4, address(target), 5, "input", given);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.InvalidForm.selector, 0, "kind"));
        policies.isEndorsed(transaction, hex"06");
        given[0] = approval("stranger", transaction);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.NotMember.selector, stranger));
        policies.endorse(stranger, 3, address(target), 5, "input", given);
        vm.expectRevert(abi.encodeWithSelector(IPolicies.TooMany.selector, "approvals"));
        policies.endorse(stranger, 3, address(target), 5, "input", new IPolicies.Approval[](65));

        vm.prank(bankAdmin);
        members.revokeAccount(clerk);
        assertTrue(!policies.isEndorsed(transaction, form), "by one who was revoked since");
    }

    function assertMissing(IPolicies.Call[] memory what, bytes32 expected) private {
        uint256 id = propose(bankAdmin, what);
        (bool isCarried, bytes32 missing) = policies.isCarried(id);
        assertTrue(!isCarried, "carried");
        assertEq(missing, expected, "missing");
        vm.expectRevert(abi.encodeWithSelector(IPolicies.PolicyNotMet.selector, expected, policies.policy(expected)));
        policies.execute(id);
    }

    function refuseDeadlock(bytes memory data, bytes32 name) private {
        uint256 id = agree(calls(address(policies), data));
        vm.expectRevert(abi.encodeWithSelector(IPolicies.MustRemain.selector, name));
        policies.execute(id);
    }

    function assertStatus(uint256 id, IPolicies.ProposalStatus expected) private view {
        assertEq(uint256(policies.proposal(id).status), uint256(expected), "status");
    }

    function assertClosed(uint256 id, IPolicies.ProposalStatus expected) private {
        assertStatus(id, expected);
        bytes memory refusal = abi.encodeWithSelector(IPolicies.NotOpen.selector, id, expected);
        vm.startPrank(bankAdmin);
        vm.expectRevert(refusal);
        policies.execute(id);
        vm.expectRevert(refusal);
        policies.approve(id);
        vm.expectRevert(refusal);
        policies.approveFor(id, new IPolicies.Approval[](0));
        vm.expectRevert(refusal);
        policies.withdrawApproval(id);
        vm.expectRevert(refusal);
        policies.withdraw(id);
        vm.stopPrank();
        (bool isCarried, bytes32 missing) = policies.isCarried(id);
        assertTrue(!isCarried && missing == 0, "carried");
    }
}
