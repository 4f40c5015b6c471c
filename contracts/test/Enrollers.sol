// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IMembers} from "../src/interfaces/IMembers.sol";
import {Base, vm} from "./Base.sol";

/// @title Organizations and accounts that do whatever comes to mind, and a second bookkeeping of what comes of it.
/// @dev This contract is the governor. Every call is predicted: whether it succeeds, and what everybody is afterwards.
contract Enrollers is Base {
    uint256 private constant ORGANIZATIONS = 4;
    uint256 private constant PEOPLE = 9;
    uint32 private constant ADMIN = 2;
    uint32 private constant ROLES = 0x7fe;

    /// @dev What the second bookkeeping knows.
    struct Organization {
        bool isActive;
        uint32 roles;
        uint256 term; // how often it was taken in
    }

    struct Person {
        uint256 organization;
        uint256 term; // 0: in none
        uint32 roles;
        uint64 until;
    }

    IMembers public members;
    Organization[ORGANIZATIONS] private _organizations;
    Person[PEOPLE] private _people;
    bytes32 private _version;

    uint256[7] public successes;
    uint256[7] public refusals;
    uint256 public lateAdmins;
    uint256 public movers;

    constructor() {
        vm.warp(1_800_000_000);
        members = IMembers(deploy("Members", abi.encode(address(this), new IMembers.Founder[](0))));
        _version = members.version();
    }

    function admit(uint256 a, uint256 b, uint256 c) external {
        uint256 organization = a % ORGANIZATIONS;
        uint256 who = b % PEOPLE;
        uint32 roles = uint32(c) & ROLES;
        bool isRight = !_organizations[organization].isActive && isFree(who, ORGANIZATIONS);
        bytes memory root = abi.encode(organization, block.number, a, b, c);
        bytes memory data = abi.encodeCall(
            IMembers.admit, (idOf(organization), "name", roles, root, 1, type(uint64).max, accountOf(who))
        );
        if (!attempt(0, address(this), data, isRight)) return;
        noteVersion();
        uint256 term = _organizations[organization].term + 1;
        _organizations[organization] = Organization(true, roles, term);
        _people[who] = Person(organization, term, ADMIN, 0);
    }

    function setRoles(uint256 a, uint256 b) external {
        uint256 organization = a % ORGANIZATIONS;
        bytes memory data = abi.encodeCall(IMembers.setRoles, (idOf(organization), uint32(b) & ROLES));
        if (!attempt(1, address(this), data, _organizations[organization].isActive)) return;
        noteVersion();
        _organizations[organization].roles = uint32(b) & ROLES;
    }

    function remove(uint256 a) external {
        uint256 organization = a % ORGANIZATIONS;
        bytes memory data = abi.encodeCall(IMembers.remove, (idOf(organization)));
        if (!attempt(2, address(this), data, _organizations[organization].isActive)) return;
        noteVersion();
        _organizations[organization].isActive = false;
    }

    function appoint(uint256 a, uint256 b) external {
        uint256 organization = a % ORGANIZATIONS;
        uint256 who = b % PEOPLE;
        bool isRight = _organizations[organization].isActive && isFree(who, organization);
        bytes memory data = abi.encodeCall(IMembers.appoint, (idOf(organization), accountOf(who)));
        if (!attempt(3, address(this), data, isRight)) return;
        uint32 roles = isIn(who, organization) ? _people[who].roles : 0;
        _people[who] = Person(organization, _organizations[organization].term, roles | ADMIN, 0);
    }

    function enroll(uint256 a, uint256 b, uint256 c, uint256 d) external {
        uint256 by = a % PEOPLE;
        uint256 who = b % PEOPLE;
        uint256 organization = _people[by].organization;
        uint32 roles = uint32(c) & (c % 3 == 0 ? ROLES : _organizations[organization].roles | ADMIN);
        uint64 until = d % 2 == 0 ? 0 : uint64(block.timestamp + d % 50);
        bool isRight = isAdmin(by) && isFree(who, organization);
        isRight = isRight && roles & ~(_organizations[organization].roles | ADMIN) == 0;
        isRight = isRight && (by != who || roles & ADMIN != 0);
        bytes memory consent = consentOf(who, organization, roles, until);
        bytes memory data = abi.encodeCall(IMembers.enroll, (accountOf(who), roles, until, 0, 0, consent));
        uint256 before = _people[who].term == 0 ? organization : _people[who].organization;
        if (!attempt(4, accountOf(by), data, isRight)) return;
        if (before != organization) ++movers;
        _people[who] = Person(organization, _organizations[organization].term, roles, until);
    }

    function revoke(uint256 a, uint256 b) external {
        uint256 by = a % PEOPLE;
        uint256 who = b % PEOPLE;
        bool isRight = isAdmin(by) && by != who && isIn(who, _people[by].organization);
        bytes memory data = abi.encodeCall(IMembers.revokeAccount, (accountOf(who)));
        if (!attempt(5, accountOf(by), data, isRight)) return;
        _people[who].term = 0;
    }

    function wait(uint256 a) external {
        vm.warp(block.timestamp + a % 20);
        vm.roll(block.number + 1);
        ++successes[6];
    }

    function check() external {
        uint256 active = 0;
        uint256[ORGANIZATIONS] memory admins;
        for (uint256 who = 0; who < PEOPLE; ++who) {
            Person memory each = _people[who];
            (bytes32 organization, uint32 roles, uint64 until) = members.rolesOf(members.record(accountOf(who)));
            bool isThere = isIn(who, each.organization);
            if (isThere && each.roles & ADMIN != 0) ++admins[each.organization];
            if (isThere && (each.until == 0 || each.until >= block.timestamp)) {
                uint32 granted = _organizations[each.organization].roles | ADMIN;
                assertEq(organization, idOf(each.organization), "organization");
                assertEq(roles, (each.roles & granted) | 1, "roles");
                assertEq(until, each.until, "until");
            } else {
                if (isThere && each.roles & ADMIN != 0) ++lateAdmins;
                assertTrue(organization == 0 && roles == 0 && until == 0, "nothing");
            }
            if (each.term != 0) assertEq(members.enrollment(accountOf(who)).isRevoked, !isThere, "revoked");
        }
        for (uint256 i = 0; i < ORGANIZATIONS; ++i) {
            if (!_organizations[i].isActive) continue;
            ++active;
            assertEq(members.organization(idOf(i)).admins, admins[i], "admins");
            assertGe(admins[i], 1, "an active organization's admins");
        }
        (bytes32[] memory ids,) = members.activeOrganizations();
        assertEq(ids.length, active, "active organizations");
        assertEq(members.activeCount(), active, "active");
        assertEq(members.version(), _version, "version");
    }

    /// @dev A change of organizations makes another version, and nothing else does.
    function noteVersion() private {
        bytes32 now_ = members.version();
        assertTrue(now_ != _version, "a new version");
        _version = now_;
    }

    /// @dev Makes a call, and is surprised if it does not end as predicted.
    function attempt(uint256 kind, address by, bytes memory data, bool isRight) private returns (bool) {
        if (by != address(this)) vm.prank(by);
        (bool success,) = address(members).call(data);
        assertEq(success, isRight, "as predicted");
        if (success) ++successes[kind];
        else ++refusals[kind];
        return success;
    }

    function isIn(uint256 who, uint256 organization) private view returns (bool) {
        Person memory each = _people[who];
        Organization memory its = _organizations[organization];
        return each.term != 0 && each.organization == organization && its.isActive && each.term == its.term;
    }

    /// @dev Whether somebody is in no active organization but, at most, this one.
    function isFree(uint256 who, uint256 organization) private view returns (bool) {
        return _people[who].organization == organization || !isIn(who, _people[who].organization);
    }

    function isAdmin(uint256 who) private view returns (bool) {
        Person memory each = _people[who];
        bool isLate = each.until != 0 && each.until < block.timestamp;
        return isIn(who, each.organization) && !isLate && each.roles & ADMIN != 0;
    }

    function consentOf(uint256 who, uint256 organization, uint32 roles, uint64 until)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256(
            "Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)"
        );
        address account = accountOf(who);
        bytes32 content = keccak256(
            abi.encode(typehash, idOf(organization), account, roles, until, bytes32(0), members.nonces(account))
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Hanse Members"),
                keccak256("1"),
                block.chainid,
                address(members)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(who + 1, keccak256(abi.encodePacked(hex"1901", domain, content)));
        return abi.encodePacked(r, s, v);
    }

    function accountOf(uint256 who) private pure returns (address) {
        return vm.addr(who + 1);
    }

    function idOf(uint256 organization) private pure returns (bytes32) {
        return bytes32(abi.encodePacked("Organization-", bytes1(uint8(65 + organization))));
    }
}
