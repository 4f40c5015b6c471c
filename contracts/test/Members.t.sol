// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IMembers} from "../src/interfaces/IMembers.sol";
import {vm} from "./Base.sol";
import {Consortium} from "./Consortium.sol";

/// @notice What Members has beside its interface.
interface ISlots {
    function RECORDS_SLOT() external view returns (bytes32);
    function VERSION_SLOT() external view returns (bytes32);
}

/// @title Organizations and what is their own.
contract MembersTest is Consortium {
    bytes32 private _version;

    function setUp() public {
        found();
    }

    function test_TheFounders() public view {
        IMembers.Organization[] memory all = members.organizations();
        assertEq(all.length, 3, "organizations");
        assertEq(all[1].id, BRAND, "id");
        assertEq(all[1].name, "A brand", "name");
        assertEq(uint256(all[1].status), uint256(IMembers.Status.Active), "status");
        assertEq(all[1].roles, MERCHANT, "roles");
        assertEq(all[1].admins, 1, "admins");
        assertEq(members.activeCount(), 3, "active");
        assertEq(members.governor(), address(policies), "governor");
        assertRoles(brandAdmin, BRAND, MEMBER | ADMIN);
        assertRoles(stranger, 0, 0);

        IMembers.Certificate memory root = members.certificates(BANK, 0, 10)[0];
        assertEq(root.fingerprint, sha256(der(BANK)), "fingerprint");
        assertEq(uint256(root.kind), uint256(IMembers.Kind.Root), "kind");
        assertEq(members.rootBytes(root.fingerprint), der(BANK), "root");
        (bytes32[] memory ids, uint32[] memory roles) = members.activeOrganizations();
        assertEq(ids.length, 3, "active organizations");
        assertEq(roles[2], MERCHANT | CARRIER | SHOPPER | ADMIN | MEMBER, "what a shop's accounts may be");
        assertEq(members.organization(GUEST).id, 0, "unknown");
        assertEq(members.certificate("unknown").organization, 0, "unknown certificate");
        assertEq(members.enrollment(stranger).organization, 0, "unknown account");
    }

    /// Nodes read these two without calling.
    function test_RecordsAndVersionAreTheirSlots() public {
        address clerk = enroll(bankAdmin, "clerk", BANKER, LATER);
        address[3] memory accounts = [bankAdmin, clerk, stranger];
        bytes32 slot = ISlots(address(members)).RECORDS_SLOT();
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 raw = vm.load(address(members), keccak256(abi.encode(accounts[i], uint256(slot))));
            assertEq(members.record(accounts[i]), uint256(raw), "record");
        }
        assertEq(members.record(clerk), 1 | (uint256(BANKER) << 64) | (uint256(LATER) << 96), "layout");
        requireNewVersion();
        decide(address(members), abi.encodeCall(IMembers.setRoles, (BANK, BANKER)));
        requireNewVersion();
    }

    function test_AnOrganizationComesAndGoes() public {
        vm.expectEmit(address(members));
        emit IMembers.OrganizationAdmitted(GUEST, "A guest", MERCHANT);
        admitGuest(stranger, MERCHANT);
        requireNewVersion();
        assertRoles(stranger, GUEST, MEMBER | ADMIN);
        address clerk = enroll(stranger, "clerk", MERCHANT, 0);
        vm.prank(stranger);
        members.addNode("key", "node", 1, LATER);
        vm.roll(200);
        vm.expectEmit(address(members));
        emit IMembers.OrganizationRemoved(GUEST);
        vm.prank(address(policies));
        members.remove(GUEST);
        requireNewVersion();
        assertRoles(stranger, 0, 0);
        assertRoles(clerk, 0, 0);
        assertEq(members.activeCount(), 3, "active");
        IMembers.Organization memory gone = members.organization(GUEST);
        assertEq(uint256(gone.status), uint256(IMembers.Status.Removed), "status");
        assertEq(gone.since, 200, "since");
        assertTrue(members.enrollment(clerk).isRevoked, "revoked");
        assertEq(members.certificate("node").revokedIn, 200, "node revoked");
        assertEq(members.certificate(sha256(der(GUEST))).revokedIn, 200, "root revoked");
    }

    /// Taken in again, an organization begins anew: nothing that it had is good until it is made known again.
    function test_NothingComesAliveAgain() public {
        admitGuest(stranger, MERCHANT);
        address clerk = enroll(stranger, "clerk", MERCHANT | ADMIN, 0);
        vm.startPrank(stranger);
        members.addNode("key", "node", 1, LATER);
        members.addNode("key", "bad node", 1, LATER);
        members.revokeCertificate("bad node");
        vm.stopPrank();
        vm.prank(address(policies));
        members.remove(GUEST);
        (address newAdmin,) = person("new admin");
        admitGuest(newAdmin, MERCHANT);

        assertRoles(stranger, 0, 0);
        assertRoles(clerk, 0, 0);
        assertTrue(members.record(clerk) != 0, "its record is there still");
        assertEq(members.organization(GUEST).admins, 1, "admins");
        assertEq(members.organizations().length, 4, "known once");
        assertTrue(members.certificate("node").revokedIn != 0, "node");
        assertEq(members.certificate(sha256(der(GUEST))).revokedIn, 0, "the root was made known again");
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotAdmin.selector, clerk));
        vm.prank(clerk);
        members.addRoot("root", 1, LATER);

        vm.startPrank(newAdmin);
        members.addNode("key", "node", 1, LATER);
        assertEq(members.certificate("node").revokedIn, 0, "node again");
        vm.expectRevert(abi.encodeWithSelector(IMembers.CertificateExists.selector, bytes32("bad node")));
        members.addNode("key", "bad node", 1, LATER);
        vm.stopPrank();
        assertEq(members.certificateCount(GUEST), 3, "certificates");
        enroll(newAdmin, "clerk", 0, 0);
        assertRoles(clerk, GUEST, MEMBER);
        assertEq(members.accountCount(GUEST), 3, "known once, too");
        assertEq(members.organization(GUEST).admins, 1, "an old admin is not counted off");
    }

    /// Who is free again by the removal of its organization may go elsewhere.
    function test_WhoseOrganizationIsGoneMayMove() public {
        admitGuest(stranger, MERCHANT);
        vm.prank(address(policies));
        members.remove(GUEST);
        enroll(bankAdmin, "stranger", 0, 0);
        assertRoles(stranger, BANK, MEMBER);
    }

    function test_WhatAnOrganizationMustBe() public {
        bytes32[10] memory bad = [
            bytes32(0),
            "1Bank",
            "-Bank",
            "Ba nk",
            "Ba.nk",
            unicode"Bänk",
            "abcdefghijklmnopqrstuvwxyz123456",
            bytes32(uint256(bytes32("Bank")) | 1),
            bytes32(uint256(uint8(65))),
            "Bank'"
        ];
        vm.startPrank(address(policies));
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidOrganization.selector, bad[i]));
            members.admit(bad[i], "name", 0, "root", 1, LATER, stranger);
        }
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidOrganization.selector, GUEST));
        members.admit(GUEST, "", 0, "root", 1, LATER, stranger);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidOrganization.selector, GUEST));
        members.admit(GUEST, string(new bytes(65)), 0, "root", 1, LATER, stranger);
        vm.expectRevert(abi.encodeWithSelector(IMembers.OrganizationExists.selector, BANK));
        members.admit(BANK, "again", 0, "root", 1, LATER, stranger);
        uint32[3] memory badRoles = [uint32(1), 2048, type(uint32).max];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidRoles.selector, badRoles[i]));
            members.admit(GUEST, "name", badRoles[i], "root", 1, LATER, stranger);
            vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidRoles.selector, badRoles[i]));
            members.setRoles(BANK, badRoles[i]);
        }
        members.admit("abcdefghijklmnopqrstuvwxyz-_345", "the longest", ALL_ROLES, "root", 1, LATER, stranger);
        vm.stopPrank();
    }

    function test_OnlyTheNetworkDecidesWhoTakesPart() public {
        vm.startPrank(bankAdmin);
        bytes memory refusal = abi.encodeWithSelector(IMembers.NotGovernor.selector, bankAdmin);
        vm.expectRevert(refusal);
        members.admit(GUEST, "A guest", 0, "root", 1, LATER, stranger);
        vm.expectRevert(refusal);
        members.setRoles(BANK, ALL_ROLES);
        vm.expectRevert(refusal);
        members.remove(SHOP);
        vm.expectRevert(refusal);
        members.appoint(BANK, stranger);
        vm.stopPrank();
        vm.startPrank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownOrganization.selector, GUEST));
        members.setRoles(GUEST, 0);
        vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownOrganization.selector, GUEST));
        members.remove(GUEST);
        members.remove(SHOP);
        vm.expectRevert(abi.encodeWithSelector(IMembers.OrganizationNotActive.selector, SHOP));
        members.appoint(SHOP, stranger);
        vm.expectRevert(abi.encodeWithSelector(IMembers.OrganizationNotActive.selector, SHOP));
        members.remove(SHOP);
        vm.stopPrank();
    }

    function test_SixtyFourOrganizations() public {
        vm.startPrank(address(policies));
        for (uint256 i = 3; i < 64; ++i) {
            members.admit(idOf(i), "name", 0, abi.encode(i), 1, LATER, address(uint160(1000 + i)));
        }
        vm.expectRevert(abi.encodeWithSelector(IMembers.TooMany.selector, "organizations"));
        members.admit(GUEST, "name", 0, "root", 1, LATER, stranger);
        members.remove(idOf(20));
        members.admit(GUEST, "name", 0, "root", 1, LATER, stranger);
        (bytes32[] memory ids,) = members.activeOrganizations();
        assertEq(ids.length, 64, "active");
        assertEq(ids[63], GUEST, "the last");
        vm.stopPrank();
    }

    function test_RolesAreWhatBothSidesGive() public {
        address clerk = enroll(shopAdmin, "clerk", MERCHANT | CARRIER, 0);
        assertRoles(clerk, SHOP, MEMBER | MERCHANT | CARRIER);
        decide(address(members), abi.encodeCall(IMembers.setRoles, (SHOP, CARRIER | AUDITOR)));
        assertRoles(clerk, SHOP, MEMBER | CARRIER);
        assertRoles(shopAdmin, SHOP, MEMBER | ADMIN);
        assertEq(members.enrollment(clerk).roles, MERCHANT | CARRIER, "as enrolled");
        decide(address(members), abi.encodeCall(IMembers.setRoles, (SHOP, MERCHANT)));
        assertRoles(clerk, SHOP, MEMBER | MERCHANT);
    }

    function test_NoRoleBeyondWhatIsGranted() public {
        uint32[4] memory wanted = [BANKER, MERCHANT | AUDITOR, MEMBER, uint32(1) << 31];
        uint32[4] memory excess = [BANKER, AUDITOR, MEMBER, uint32(1) << 31];
        vm.startPrank(shopAdmin);
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMembers.RoleNotGranted.selector, SHOP, excess[i]));
            members.enroll(stranger, wanted[i], 0, 0, 0, "");
        }
        vm.stopPrank();
    }

    function test_EnrollmentsEnd() public {
        address clerk = enroll(bankAdmin, "clerk", BANKER | ADMIN, NOW + 10);
        (bytes32 organization, uint32 roles, uint64 until) = members.rolesOf(members.record(clerk));
        assertEq(organization, BANK, "organization");
        assertEq(roles, MEMBER | ADMIN | BANKER, "roles");
        assertEq(until, NOW + 10, "until");
        vm.warp(NOW + 10);
        assertRoles(clerk, BANK, MEMBER | ADMIN | BANKER);
        vm.warp(NOW + 11);
        assertRoles(clerk, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotAdmin.selector, clerk));
        vm.prank(clerk);
        members.revokeAccount(bankAdmin);
        // It belongs to the bank still.
        vm.expectRevert(abi.encodeWithSelector(IMembers.Belongs.selector, clerk, BANK));
        vm.prank(shopAdmin);
        members.enroll(clerk, 0, 0, 0, 0, "");
        enroll(bankAdmin, "clerk", BANKER, LATER);
        assertRoles(clerk, BANK, MEMBER | BANKER);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidPeriod.selector, uint64(0), NOW + 10));
        vm.prank(bankAdmin);
        members.enroll(stranger, 0, NOW + 10, 0, 0, "");
    }

    function test_NobodyIsEnrolledWithoutConsent() public {
        bytes memory good = consentOf("stranger", BANK, BANKER, LATER, "certificate");
        vm.startPrank(bankAdmin);
        bytes memory refusal = abi.encodeWithSelector(IMembers.NoConsent.selector, stranger);
        vm.expectRevert(refusal);
        members.enroll(stranger, BANKER, LATER, "certificate", 1, "");
        vm.expectRevert(refusal);
        members.enroll(stranger, AUDITOR, LATER, "certificate", 1, good);
        vm.expectRevert(refusal);
        members.enroll(stranger, BANKER, 0, "certificate", 1, good);
        vm.expectRevert(refusal);
        members.enroll(stranger, BANKER, LATER, "other", 1, good);
        vm.stopPrank();
        bytes memory forBank = consentOf("stranger", BANK, 0, LATER, 0);
        vm.expectRevert(refusal);
        vm.prank(shopAdmin);
        members.enroll(stranger, 0, LATER, 0, 1, forBank);
        vm.startPrank(bankAdmin);
        members.enroll(stranger, BANKER, LATER, "certificate", 1, good);
        assertEq(members.nonces(stranger), 1, "nonce");
        // Once is once: not after it, and not after a revocation either.
        vm.expectRevert(refusal);
        members.enroll(stranger, BANKER, LATER, "certificate", 1, good);
        bytes memory next = consentOf("stranger", BANK, BANKER, LATER, 0);
        members.revokeAccount(stranger);
        vm.expectRevert(refusal);
        members.enroll(stranger, BANKER, LATER, 0, 1, next);
        vm.stopPrank();
    }

    function test_WhoMustNeverBeAMember() public {
        address[3] memory bad = [address(0), address(policies), address(members)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IMembers.NoConsent.selector, bad[i]);
            vm.expectRevert(refusal);
            vm.prank(bankAdmin);
            members.enroll(bad[i], 0, 0, 0, 0, "");
            vm.expectRevert(refusal);
            vm.prank(address(policies));
            members.appoint(BANK, bad[i]);
        }
    }

    /// Whatever an admin does, it is there afterwards.
    function test_NeverWithoutAnAdmin() public {
        bytes memory refusal = abi.encodeWithSelector(IMembers.LastAdmin.selector, BANK);
        address second = enroll(bankAdmin, "second", ADMIN, NOW + 10);
        vm.startPrank(bankAdmin);
        members.enroll(bankAdmin, ADMIN | BANKER, 0, "own", 1, "");
        vm.expectRevert(refusal);
        members.revokeAccount(bankAdmin);
        vm.expectRevert(refusal);
        members.enroll(bankAdmin, BANKER, 0, 0, 0, "");
        vm.expectRevert(refusal);
        members.revokeCertificate("own");
        vm.stopPrank();
        assertEq(members.organization(BANK).admins, 2, "admins");
        vm.expectEmit(address(members));
        emit IMembers.AccountRevoked(BANK, bankAdmin, second);
        vm.prank(second);
        members.revokeAccount(bankAdmin);
        assertEq(members.organization(BANK).admins, 1, "admins");
        assertTrue(members.certificate("own").revokedIn != 0, "its certificate");
        // Time can take the last one away. Then the network appoints somebody.
        vm.warp(NOW + 11);
        vm.prank(address(policies));
        members.appoint(BANK, second);
        assertRoles(second, BANK, MEMBER | ADMIN);
        assertEq(members.organization(BANK).admins, 1, "counted once");
    }

    function test_TheNetworkAppoints() public {
        bytes memory consent = consentOf("clerk", BANK, BANKER, LATER, "certificate");
        (address clerk,) = person("clerk");
        vm.prank(bankAdmin);
        members.enroll(clerk, BANKER, LATER, "certificate", 1, consent);
        vm.startPrank(address(policies));
        vm.expectRevert(abi.encodeWithSelector(IMembers.Belongs.selector, clerk, BANK));
        members.appoint(SHOP, clerk);
        members.appoint(BANK, clerk);
        vm.stopPrank();
        assertRoles(clerk, BANK, MEMBER | ADMIN | BANKER);
        IMembers.Enrollment memory enrolled = members.enrollment(clerk);
        assertEq(enrolled.validUntil, 0, "without an end");
        assertEq(enrolled.certificate, "certificate", "certificate");
        assertEq(members.certificate("certificate").revokedIn, 0, "good still");
        vm.prank(address(policies));
        members.appoint(BANK, stranger);
        assertEq(members.organization(BANK).admins, 3, "admins");
    }

    function test_AnAccountMovesAfterItsRevocationOnly() public {
        address clerk = enroll(shopAdmin, "clerk", MERCHANT, 0);
        bytes memory consent = consentOf("clerk", BRAND, MERCHANT, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IMembers.Belongs.selector, clerk, SHOP));
        vm.prank(brandAdmin);
        members.enroll(clerk, MERCHANT, 0, 0, 0, consent);
        vm.expectRevert(abi.encodeWithSelector(IMembers.Belongs.selector, clerk, SHOP));
        vm.prank(brandAdmin);
        members.revokeAccount(clerk);
        vm.startPrank(shopAdmin);
        members.revokeAccount(clerk);
        assertEq(members.record(clerk), 0, "record");
        IMembers.Enrollment memory before = members.enrollment(clerk);
        assertTrue(before.isRevoked && before.organization == SHOP && before.roles == MERCHANT, "what it was");
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotEnrolled.selector, clerk));
        members.revokeAccount(clerk);
        vm.expectRevert(abi.encodeWithSelector(IMembers.NotEnrolled.selector, stranger));
        members.revokeAccount(stranger);
        vm.stopPrank();
        enroll(brandAdmin, "clerk", MERCHANT, 0);
        assertRoles(clerk, BRAND, MEMBER | MERCHANT);
        assertTrue(!members.enrollment(clerk).isRevoked, "revoked");
        assertEq(members.accounts(SHOP, 0, 10)[1], clerk, "the shop knows it still");
        assertEq(members.accounts(BRAND, 1, 10)[0], clerk, "the brand does now");
        assertEq(members.accounts(BRAND, 2, 10).length, 0, "beyond the end");
        assertEq(members.accounts(BRAND, type(uint256).max, type(uint256).max).length, 0, "far beyond");
    }

    function test_Roots() public {
        vm.startPrank(bankAdmin);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidCertificate.selector, "der"));
        members.addRoot("", 1, LATER);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidCertificate.selector, "der"));
        members.addRoot(new bytes(2049), 1, LATER);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidPeriod.selector, LATER, LATER));
        members.addRoot("root", LATER, LATER);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidPeriod.selector, uint64(1), NOW - 1));
        members.addRoot("root", 1, NOW - 1);
        vm.expectRevert(abi.encodeWithSelector(IMembers.CertificateExists.selector, sha256(der(SHOP))));
        members.addRoot(der(SHOP), 1, LATER);
        bytes memory longest = new bytes(2048);
        vm.expectEmit(address(members));
        emit IMembers.CertificateAdded(BANK, sha256(longest), IMembers.Kind.Root, 0, LATER);
        members.addRoot(longest, 1, LATER);
        requireNewVersion();
        for (uint256 i = 2; i < 16; ++i) {
            members.addRoot(abi.encode(i), 1, LATER);
        }
        vm.expectRevert(abi.encodeWithSelector(IMembers.TooMany.selector, "roots"));
        members.addRoot("root", 1, LATER);
        vm.expectEmit(address(members));
        emit IMembers.CertificateRevoked(BANK, sha256(longest), bankAdmin);
        members.revokeCertificate(sha256(longest));
        requireNewVersion();
        assertEq(members.certificate(sha256(longest)).revokedIn, block.number, "revoked");
        vm.expectRevert(abi.encodeWithSelector(IMembers.CertificateExists.selector, sha256(longest)));
        members.addRoot(longest, 1, LATER);
        members.addRoot("root", 1, LATER);
        vm.stopPrank();
    }

    function test_CertificatesOfNodes() public {
        bytes32 before = members.version();
        vm.startPrank(bankAdmin);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidCertificate.selector, "key"));
        members.addNode(0, "node", 1, LATER);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidCertificate.selector, "fingerprint"));
        members.addNode("key", 0, 1, LATER);
        for (uint256 i = 1; i <= 256; ++i) {
            members.addNode("key", bytes32(i), 1, LATER);
        }
        vm.expectRevert(abi.encodeWithSelector(IMembers.TooMany.selector, "nodes"));
        members.addNode("key", "one more", 1, LATER);
        members.revokeCertificate(bytes32(uint256(7)));
        members.addNode("key", "one more", 1, LATER);
        assertEq(members.version(), before, "no change of organizations");
        vm.expectRevert(abi.encodeWithSelector(IMembers.CertificateIsRevoked.selector, bytes32(uint256(7))));
        members.revokeCertificate(bytes32(uint256(7)));
        vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownCertificate.selector, bytes32("unknown")));
        members.revokeCertificate("unknown");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IMembers.UnknownCertificate.selector, bytes32("one more")));
        vm.prank(shopAdmin);
        members.revokeCertificate("one more");
        assertEq(members.certificateCount(BANK), 258, "certificates");
        IMembers.Certificate[] memory page = members.certificates(BANK, 256, 10);
        assertEq(page.length, 2, "page");
        assertEq(page[1].fingerprint, "one more", "the last");
        assertEq(page[1].subject, "key", "subject");
    }

    function test_CertificatesOfClients() public {
        (address clerk,) = person("clerk");
        bytes memory consent = consentOf("clerk", BANK, 0, 0, "first");
        vm.startPrank(bankAdmin);
        vm.expectRevert(abi.encodeWithSelector(IMembers.InvalidPeriod.selector, uint64(NOW), NOW));
        members.enroll(bankAdmin, ADMIN, NOW, "own", NOW, "");
        members.enroll(clerk, 0, 0, "first", 1, consent);
        IMembers.Certificate memory first = members.certificate("first");
        assertEq(first.subject, bytes32(uint256(uint160(clerk))), "subject");
        assertEq(uint256(first.kind), uint256(IMembers.Kind.Client), "kind");
        assertEq(first.notAfter, 253_402_300_799, "RFC 5280's end of time");
        vm.stopPrank();

        // The same one again changes nothing; another one takes its place.
        consent = consentOf("clerk", BANK, BANKER, LATER, "first");
        vm.prank(bankAdmin);
        members.enroll(clerk, BANKER, LATER, "first", 1, consent);
        assertEq(members.certificate("first").revokedIn, 0, "the first, kept");
        consent = consentOf("clerk", BANK, BANKER, LATER, "second");
        vm.prank(bankAdmin);
        members.enroll(clerk, BANKER, LATER, "second", 1, consent);
        assertTrue(members.certificate("first").revokedIn != 0, "the first, replaced");
        assertEq(members.certificate("second").notAfter, LATER, "the second");
        consent = consentOf("clerk", BANK, BANKER, LATER, "first");
        vm.expectRevert(abi.encodeWithSelector(IMembers.CertificateExists.selector, bytes32("first")));
        vm.prank(bankAdmin);
        members.enroll(clerk, BANKER, LATER, "first", 1, consent);

        // Who revokes the certificate of a client, means the client.
        vm.expectEmit(address(members));
        emit IMembers.AccountRevoked(BANK, clerk, bankAdmin);
        vm.prank(bankAdmin);
        members.revokeCertificate("second");
        assertRoles(clerk, 0, 0);
        assertTrue(members.certificate("second").revokedIn != 0, "the second");
    }

    function testFuzz_RecordsAreRead(uint64 index, uint32 roles, uint64 end, uint128 rest) public view {
        // What is above counts for nothing.
        index %= 6;
        uint256 given = uint256(index) | (uint256(roles) << 64) | (uint256(end) << 96) | (uint256(rest) << 160);
        (bytes32 organization, uint32 effective, uint64 until) = members.rolesOf(given);
        if (index == 0 || index > 3 || (end != 0 && end < NOW)) {
            assertTrue(organization == 0 && effective == 0 && until == 0, "nothing");
            return;
        }
        assertEq(organization, [BANK, BRAND, SHOP][index - 1], "organization");
        uint32 granted = [BANKER | AUDITOR, MERCHANT, MERCHANT | CARRIER | SHOPPER][index - 1];
        assertEq(effective, (roles & (granted | ADMIN)) | MEMBER, "roles");
        assertEq(until, end, "until");
    }

    function test_FoundersWithoutSense() public {
        IMembers.Founder[] memory list = founders();
        list[1].admins = new address[](0);
        refuse(list, abi.encodeWithSelector(IMembers.InvalidOrganization.selector, BRAND));
        list = founders();
        list[1].id = BANK;
        refuse(list, abi.encodeWithSelector(IMembers.OrganizationExists.selector, BANK));
        list = founders();
        list[1].admins[0] = bankAdmin;
        refuse(list, abi.encodeWithSelector(IMembers.Belongs.selector, bankAdmin, BANK));
        list = founders();
        list[1].root = list[0].root;
        refuse(list, abi.encodeWithSelector(IMembers.CertificateExists.selector, sha256(list[0].root)));
    }

    function deployWith(IMembers.Founder[] memory list) external {
        deploy("Members", abi.encode(address(policies), list));
    }

    function refuse(IMembers.Founder[] memory list, bytes memory refusal) private {
        vm.expectRevert(refusal);
        this.deployWith(list);
    }

    function idOf(uint256 index) private pure returns (bytes32) {
        return bytes32(abi.encodePacked("Organization", bytes1(uint8(65 + index / 16)), bytes1(uint8(65 + index % 16))));
    }

    /// @dev The version is another one than at the last look, and nodes read the same.
    function requireNewVersion() private {
        bytes32 now_ = members.version();
        assertTrue(now_ != _version, "version");
        assertEq(vm.load(address(members), ISlots(address(members)).VERSION_SLOT()), now_, "slot of the version");
        _version = now_;
    }
}
