// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IMembers} from "../src/interfaces/IMembers.sol";
import {IPolicies} from "../src/interfaces/IPolicies.sol";
import {Base, vm} from "./Base.sol";

/// @title Three organizations with an admin each, and the policies by which they decide.
abstract contract Consortium is Base {
    bytes32 internal constant BANK = "Bank";
    bytes32 internal constant BRAND = "Brand-Factory_1";
    bytes32 internal constant SHOP = "Shop";
    bytes32 internal constant GUEST = "Guest";

    uint8 internal constant MEMBER_BIT = 0;
    uint8 internal constant ADMIN_BIT = 1;
    uint8 internal constant MERCHANT_BIT = 2;
    uint8 internal constant BANK_BIT = 4;
    uint32 internal constant MEMBER = 1;
    uint32 internal constant ADMIN = 2;
    uint32 internal constant MERCHANT = 4;
    uint32 internal constant CARRIER = 8;
    uint32 internal constant BANKER = 16;
    uint32 internal constant AUDITOR = 32;
    uint32 internal constant SHOPPER = 1024;
    uint32 internal constant ALL_ROLES = 0x7fe;

    uint64 internal constant LIFETIME_MAX = 1000;
    uint64 internal constant NOW = 1_800_000_000;
    uint64 internal constant LATER = NOW + 365 days;

    bytes internal constant ANYONE = hex"04";
    bytes internal constant NOBODY = hex"05";

    IMembers internal members;
    IPolicies internal policies;
    address internal bankAdmin;
    address internal brandAdmin;
    address internal shopAdmin;
    address internal stranger;

    function found() internal {
        vm.warp(NOW);
        vm.roll(100);
        (bankAdmin,) = person("bank's admin");
        (brandAdmin,) = person("brand's admin");
        (shopAdmin,) = person("shop's admin");
        (stranger,) = person("stranger");
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        policies = IPolicies(deploy("Policies", abi.encode(next, foundingPolicies(), foundingTopics(), LIFETIME_MAX)));
        members = IMembers(deploy("Members", abi.encode(address(policies), founders())));
        assertEq(address(members), next, "address of Members");
    }

    function founders() internal view returns (IMembers.Founder[] memory list) {
        list = new IMembers.Founder[](3);
        list[0] = founder(BANK, "A bank", BANKER | AUDITOR, bankAdmin);
        list[1] = founder(BRAND, "A brand", MERCHANT, brandAdmin);
        list[2] = founder(SHOP, "A shop", MERCHANT | CARRIER | SHOPPER, shopAdmin);
    }

    function founder(bytes32 id, string memory name, uint32 roles, address admin)
        internal
        pure
        returns (IMembers.Founder memory)
    {
        address[] memory admins = new address[](1);
        admins[0] = admin;
        return IMembers.Founder({
            id: id, name: name, roles: roles, root: der(id), notBefore: 1, notAfter: LATER, admins: admins
        });
    }

    /// @dev More than half of the organizations decide; on members all of the three.
    function foundingPolicies() internal pure virtual returns (IPolicies.NamedPolicy[] memory list) {
        list = new IPolicies.NamedPolicy[](9);
        list[0] = IPolicies.NamedPolicy("governance", share(ADMIN_BIT, 1, 2));
        list[1] = IPolicies.NamedPolicy("membership", share(ADMIN_BIT, 2, 3));
        list[2] = IPolicies.NamedPolicy("validators", share(ADMIN_BIT, 1, 2));
        list[3] = IPolicies.NamedPolicy("policies", share(ADMIN_BIT, 1, 2));
        list[4] = IPolicies.NamedPolicy("upgrades", share(ADMIN_BIT, 1, 2));
        list[5] = IPolicies.NamedPolicy("engine", share(ADMIN_BIT, 1, 2));
        list[6] = IPolicies.NamedPolicy("send", principal(0, MEMBER_BIT, 1));
        list[7] = IPolicies.NamedPolicy("deploy", principal(0, ADMIN_BIT, 1));
        list[8] = IPolicies.NamedPolicy("money", principal(BANK, ADMIN_BIT, 1));
    }

    function foundingTopics() internal view virtual returns (IPolicies.Topic[] memory) {
        return new IPolicies.Topic[](0);
    }

    function der(bytes32 of_) internal pure returns (bytes memory) {
        return abi.encodePacked("root of ", of_);
    }

    // Forms.

    function principal(bytes32 organization, uint8 role, uint8 least) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(2), organization, role, least);
    }

    function share(uint8 role, uint8 numerator, uint8 denominator) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(3), role, numerator, denominator);
    }

    function both(bytes memory first, bytes memory second) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), uint8(2), uint8(2), first, second);
    }

    function either(bytes memory first, bytes memory second) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), uint8(2), uint8(1), first, second);
    }

    // People.

    function keyOf(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(name)));
    }

    /// @dev Somebody new, enrolled by an admin.
    function enroll(address admin, string memory name, uint32 roles, uint64 validUntil)
        internal
        returns (address account)
    {
        (account,) = person(name);
        bytes32 id = members.enrollment(admin).organization;
        bytes memory consent = consentOf(name, id, roles, validUntil, 0);
        vm.prank(admin);
        members.enroll(account, roles, validUntil, 0, 0, consent);
    }

    function consentOf(string memory name, bytes32 id, uint32 roles, uint64 validUntil, bytes32 certificate)
        internal
        view
        returns (bytes memory)
    {
        address account = vm.addr(keyOf(name));
        return sign(name, consentDigest(id, account, roles, validUntil, certificate, members.nonces(account)));
    }

    function consentDigest(
        bytes32 id,
        address account,
        uint32 roles,
        uint64 validUntil,
        bytes32 certificate,
        uint256 nonce
    ) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)"
        );
        bytes32 content = keccak256(abi.encode(typehash, id, account, roles, validUntil, certificate, nonce));
        return digestFor("Hanse Members", address(members), content);
    }

    function approvalDigest(uint256 id) internal view returns (bytes32) {
        bytes32 typehash = keccak256("Approval(uint256 proposal,bytes32 content)");
        return digestFor(
            "Hanse Policies", address(policies), keccak256(abi.encode(typehash, id, policies.proposal(id).content))
        );
    }

    function digestFor(string memory name, address contract_, bytes32 content) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                contract_
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, content));
    }

    function sign(string memory name, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(name), digest);
        return abi.encodePacked(r, s, v);
    }

    function approval(string memory name, bytes32 digest) internal pure returns (IPolicies.Approval memory) {
        return IPolicies.Approval(vm.addr(keyOf(name)), sign(name, digest));
    }

    function single(IPolicies.Approval memory each) internal pure returns (IPolicies.Approval[] memory list) {
        list = new IPolicies.Approval[](1);
        list[0] = each;
    }

    // Decisions.

    function calls(address target, bytes memory data) internal pure returns (IPolicies.Call[] memory list) {
        list = new IPolicies.Call[](1);
        list[0] = IPolicies.Call(target, data);
    }

    function calls(address target, bytes memory data, address secondTarget, bytes memory secondData)
        internal
        pure
        returns (IPolicies.Call[] memory list)
    {
        list = new IPolicies.Call[](2);
        list[0] = IPolicies.Call(target, data);
        list[1] = IPolicies.Call(secondTarget, secondData);
    }

    function propose(address by, IPolicies.Call[] memory what) internal returns (uint256) {
        vm.prank(by);
        return policies.propose(what, "why", LIFETIME_MAX);
    }

    function approve(address by, uint256 id) internal {
        vm.prank(by);
        policies.approve(id);
    }

    /// @dev What all three want, up to the execution.
    function agree(IPolicies.Call[] memory what) internal returns (uint256 id) {
        id = propose(bankAdmin, what);
        approve(brandAdmin, id);
        approve(shopAdmin, id);
    }

    function decide(address target, bytes memory data) internal {
        policies.execute(agree(calls(target, data)));
    }

    function decide(bytes memory data) internal {
        decide(address(policies), data);
    }

    /// @dev The network takes somebody in; expecting a refusal is simpler as the governor.
    function admitGuest(address admin, uint32 roles) internal {
        vm.prank(address(policies));
        members.admit(GUEST, "A guest", roles, der(GUEST), 1, LATER, admin);
    }

    function rolesOf(address account) internal view returns (bytes32 organization, uint32 roles) {
        (organization, roles,) = members.rolesOf(members.record(account));
    }

    function assertRoles(address account, bytes32 organization, uint32 roles) internal view {
        (bytes32 actual, uint32 actualRoles) = rolesOf(account);
        assertEq(actual, organization, "organization");
        assertEq(actualRoles, roles, "roles");
    }
}
