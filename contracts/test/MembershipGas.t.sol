// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {IUpgrades} from "../src/interfaces/IUpgrades.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @title What members pay, and what nodes ask.
/// @dev Run with `npm run gas`, which compares with snapshots/MembershipGasTest.json.
contract MembershipGasTest is Consortium {
    function setUp() public {
        found();
    }

    function test_GasOfMembers() public {
        admitGuest(stranger, MERCHANT);
        vm.snapshotGasLastCall("admit");
        address clerk = enroll(bankAdmin, "clerk", BANKER, LATER);
        vm.snapshotGasLastCall("enroll");
        bytes memory consent = consentOf("other", BANK, BANKER, LATER, "certificate");
        (address other,) = person("other");
        vm.prank(bankAdmin);
        members.enroll(other, BANKER, LATER, "certificate", 1, consent);
        vm.snapshotGasLastCall("enroll, with a certificate");
        enroll(bankAdmin, "clerk", BANKER | AUDITOR, LATER);
        vm.snapshotGasLastCall("enroll anew");
        members.rolesOf(members.record(clerk));
        vm.snapshotGasLastCall("rolesOf");
        vm.prank(bankAdmin);
        members.revokeAccount(clerk);
        vm.snapshotGasLastCall("revokeAccount");
        bytes memory root = new bytes(600);
        for (uint256 i = 0; i < 600; ++i) {
            root[i] = bytes1(uint8(1 + i % 255));
        }
        vm.prank(bankAdmin);
        members.addRoot(root, 1, LATER);
        vm.snapshotGasLastCall("addRoot, 600 bytes");
        vm.prank(bankAdmin);
        members.addNode("key", "node", 1, LATER);
        vm.snapshotGasLastCall("addNode");
    }

    function test_GasOfProposals() public {
        uint256 id =
            propose(bankAdmin, calls(address(policies), abi.encodeCall(IPolicies.setPolicy, ("money", ANYONE))));
        vm.snapshotGasLastCall("propose");
        approve(shopAdmin, id);
        vm.snapshotGasLastCall("approve");
        policies.approveFor(id, single(approval("brand's admin", approvalDigest(id))));
        vm.snapshotGasLastCall("approveFor, one");
        policies.isCarried(id);
        vm.snapshotGasLastCall("isCarried, 3 approvals");
        policies.execute(id);
        vm.snapshotGasLastCall("execute, 3 approvals");
        bytes32 transaction = policies.endorsementHash(stranger, 0, address(0), 0, 0);
        policies.endorse(stranger, 0, address(0), 0, 0, single(approval("brand's admin", transaction)));
        vm.snapshotGasLastCall("endorse, one");
        policies.isEndorsed(transaction, principal(BRAND, ADMIN_BIT, 1));
        vm.snapshotGasLastCall("isEndorsed, one");
    }

    function test_GasOfUpgrades() public {
        address[] memory covered = new address[](2);
        (covered[0], covered[1]) = (address(members), address(policies));
        IUpgrades upgrades = IUpgrades(deploy("Upgrades", abi.encode(address(members), covered)));
        bytes32 old = address(members).codehash;
        vm.prank(address(policies));
        upgrades.schedule(address(members), old, address(this), address(this).codehash, 0, "");
        vm.snapshotGasLastCall("schedule an upgrade");
        vm.roll(block.number + 1);
        upgrades.due();
        vm.snapshotGasLastCall("due, one upgrade");
        vm.prank(0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE);
        upgrades.settle(0, "place", IUpgrades.Failure.None, "");
        vm.snapshotGasLastCall("settle an upgrade");
        vm.prank(address(policies));
        upgrades.schedule(address(members), old, address(this), address(this).codehash, 0, "");
        vm.prank(address(policies));
        upgrades.cancel(1);
        vm.snapshotGasLastCall("cancel an upgrade");
    }

    function test_GasOfRights() public {
        uint256 record = members.record(shopAdmin);
        policies.rightsOf(record);
        vm.snapshotGasLastCall("rightsOf, no rules");
        vm.startPrank(address(policies));
        for (uint256 i = 1; i <= 256; ++i) {
            policies.setAccess(address(uint160(i)), 0, true, principal(BANK, BANK_BIT, 1));
            if (i == 16) {
                policies.rightsOf(record);
                vm.snapshotGasLastCall("rightsOf, 16 rules");
            }
        }
        policies.rightsOf(record);
        vm.snapshotGasLastCall("rightsOf, 256 rules");
        vm.stopPrank();
    }

    /// The most there can be: 64 organizations, each with all its approvals, and a policy that counts them 64 times.
    function test_GasOfTheGreatestCrowd() public {
        bytes memory form = abi.encodePacked(uint8(1), uint8(63), uint8(63));
        for (uint256 i = 0; i < 63; ++i) {
            form = bytes.concat(form, i % 2 == 0 ? principal("Absent", ADMIN_BIT, 8) : share(MEMBER_BIT, 1, 2));
        }
        for (uint256 i = 3; i < 64; ++i) {
            vm.prank(address(policies));
            members.admit(
                bytes32(abi.encodePacked("Org", bytes1(uint8(65 + i / 16)), bytes1(uint8(65 + i % 16)))),
                "name",
                MERCHANT,
                abi.encode(i),
                1,
                LATER,
                vm.addr(i)
            );
        }
        uint256 id = propose(bankAdmin, calls(address(this), ""));
        for (uint256 i = 3; i < 64; ++i) {
            (bytes32 organization,) = rolesOf(vm.addr(i));
            approve(vm.addr(i), id);
            for (uint256 j = 1; j < 8; ++j) {
                uint256 key = i * 100 + j;
                address account = vm.addr(key);
                bytes32 digest = consentDigest(organization, account, MERCHANT, 0, 0, 0);
                (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
                vm.prank(vm.addr(i));
                members.enroll(account, MERCHANT, 0, 0, 0, abi.encodePacked(r, s, v));
                approve(account, id);
            }
        }
        assertEq(policies.approvers(id).length, 61 * 8 + 1, "approvers");
        vm.prank(address(policies));
        policies.setPolicy("governance", form);
        (bool isCarried,) = policies.isCarried(id);
        vm.snapshotGasLastCall("isCarried, 489 approvals and 64 nodes");
        assertTrue(!isCarried, "carried");
    }
}
