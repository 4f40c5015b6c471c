// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Who takes part: organizations, their certificate authorities, their accounts and roles.
/// @notice An organization is admitted, given roles and removed by the network (the governor, which acts on a carried
/// proposal). What is its own (root certificates, accounts, certificates of nodes) its admins look after by
/// themselves, within the roles that the network has given it.
///
/// Roles are bits of a number: 0 member (whoever has a valid enrollment; never written down), 1 admin, 2 merchant,
/// 3 carrier, 4 bank, 5 auditor, 6 regulator, 7 oracle, 8 validator, 9 platform, 10 shopper. An account has what its
/// enrollment and the organization's roles have in common, and every organization may have admins.
interface IMembers {
    /// @notice Whether an organization takes part.
    enum Status {
        None,
        Active,
        Removed
    }

    /// @notice What a certificate is for.
    enum Kind {
        Root,
        Node,
        Client
    }

    /// @notice An organization of the network.
    /// @dev `id` is its MSP id in ASCII, left-aligned: a letter, then up to 30 letters, digits, `-` or `_`.
    struct Organization {
        bytes32 id;
        string name; // for people
        Status status;
        uint32 roles; // that its accounts may have
        uint64 since; // block of the last change of `status`
        uint32 admins; // accounts enrolled as admin and not revoked
    }

    /// @notice An account's enrollment.
    struct Enrollment {
        bytes32 organization;
        uint32 roles; // as enrolled; effective is what `rolesOf` says
        uint64 validUntil; // seconds, the last one in which it is valid; 0 for ever
        bool isRevoked; // or its organization was removed since
        bytes32 certificate; // fingerprint of the client's certificate, 0 without one
    }

    /// @notice An organization that is there from the beginning.
    struct Founder {
        bytes32 id;
        string name;
        uint32 roles;
        bytes root; // DER
        uint64 notBefore;
        uint64 notAfter;
        address[] admins; // at least one; nobody asks for their consent
    }

    /// @notice A certificate that an organization has made known.
    struct Certificate {
        bytes32 fingerprint; // SHA-256 of the DER bytes
        bytes32 organization;
        Kind kind;
        bytes32 subject; // the network key of a node, the account of a client (right-aligned), 0 for a root
        uint64 notBefore; // seconds
        uint64 notAfter; // seconds, the last one
        uint64 revokedIn; // block, 0 while it is not; for all that its organization had, the block of its removal
    }

    event OrganizationAdmitted(bytes32 indexed id, string name, uint32 roles);
    event OrganizationRolesChanged(bytes32 indexed id, uint32 roles);
    event OrganizationRemoved(bytes32 indexed id);
    event AccountEnrolled(
        bytes32 indexed organization, address indexed account, uint32 roles, uint64 validUntil, bytes32 certificate
    );
    event AccountRevoked(bytes32 indexed organization, address indexed account, address indexed by);
    event CertificateAdded(
        bytes32 indexed organization, bytes32 indexed fingerprint, Kind kind, bytes32 subject, uint64 notAfter
    );
    event CertificateRevoked(bytes32 indexed organization, bytes32 indexed fingerprint, address indexed by);

    /// @notice Only a carried proposal may do this.
    error NotGovernor(address caller);
    /// @notice Only an admin of an active organization may do this.
    error NotAdmin(address caller);
    /// @notice The id is not one, or the name is not 1 to 64 bytes, or nobody is named as admin.
    error InvalidOrganization(bytes32 id);
    /// @notice There are no such roles.
    error InvalidRoles(uint32 roles);
    error UnknownOrganization(bytes32 id);
    error OrganizationNotActive(bytes32 id);
    error OrganizationExists(bytes32 id);
    /// @notice The network has not given the organization these roles.
    error RoleNotGranted(bytes32 organization, uint32 roles);
    /// @notice The account belongs to another organization.
    error Belongs(address account, bytes32 organization);
    error NotEnrolled(address account);
    /// @notice An admin takes the role away from itself. Another admin can; so the organization always keeps one.
    error LastAdmin(bytes32 organization);
    /// @notice The account did not sign its enrollment, or is one that nobody may enroll.
    error NoConsent(address account);
    error InvalidPeriod(uint64 notBefore, uint64 notAfter);
    error InvalidCertificate(string field);
    error CertificateExists(bytes32 fingerprint);
    /// @notice The caller's organization has no such certificate.
    error UnknownCertificate(bytes32 fingerprint);
    error CertificateIsRevoked(bytes32 fingerprint);
    error TooMany(string what);

    // What the network decides.

    /// @notice Takes an organization in (or in again), with its first root certificate and admin.
    /// @dev What it had before it was removed stays ended: accounts and certificates are to be made known anew. The same
    /// certificates may be, unless they had been revoked.
    function admit(
        bytes32 id,
        string calldata name,
        uint32 roles,
        bytes calldata root,
        uint64 notBefore,
        uint64 notAfter,
        address admin
    ) external;

    /// @notice Changes the roles that an organization's accounts may have.
    function setRoles(bytes32 id, uint32 roles) external;

    /// @notice Removes an organization; all its accounts and certificates lose their rights at once.
    function remove(bytes32 id) external;

    /// @notice Gives an organization that lost its admins' keys a new one: somebody who is in no other organization.
    /// Who is in this one already keeps its roles and certificate, and has no end any more.
    function appoint(bytes32 id, address admin) external;

    // What an organization decides, by its admins.

    /// @notice Makes a root certificate of the caller's organization known. Several may be valid at a time.
    function addRoot(bytes calldata der, uint64 notBefore, uint64 notAfter) external;

    /// @notice Makes the certificate of a node known, whose network key (Ed25519) is `key`.
    function addNode(bytes32 key, bytes32 fingerprint, uint64 notBefore, uint64 notAfter) external;

    /// @notice Enrolls an account, or enrolls it anew with other roles, another end, another certificate (which revokes
    /// the one before). An admin with an end is an admin no more after it: keep one without, or the network has to
    /// appoint somebody.
    /// @param validUntil The last second, 0 for ever; it is the certificate's `notAfter` too.
    /// @param certificate_ The fingerprint of the client's certificate, 0 for none.
    /// @param notBefore Of the certificate; without one it does not matter.
    /// @param consent The account's EIP-712 signature (or ERC-1271) of
    /// `Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)`
    /// under the domain ("Hanse Members", "1", chain id, this contract). Who enrolls itself need not sign.
    function enroll(
        address account,
        uint32 roles,
        uint64 validUntil,
        bytes32 certificate_,
        uint64 notBefore,
        bytes calldata consent
    ) external;

    /// @notice Ends an account's enrollment, and revokes its certificate. No consent signed before is good any more.
    function revokeAccount(address account) external;

    /// @notice Revokes a certificate of the caller's organization, for ever. With an account's present certificate its
    /// enrollment ends too.
    function revokeCertificate(bytes32 fingerprint) external;

    // What anybody may read.

    /// @notice Changes with every change of an organization (not with enrollments and certificates of nodes).
    /// It is a hash over all changes, so that equal versions mean equal members on any branch of the chain.
    function version() external view returns (bytes32);

    function governor() external view returns (address);

    function organizations() external view returns (Organization[] memory list);

    function organization(bytes32 id) external view returns (Organization memory);

    /// @notice The active organizations and what their accounts may be, with bits 0 and 1.
    function activeOrganizations() external view returns (bytes32[] memory ids, uint32[] memory roles);

    /// @notice How many there are.
    function activeCount() external view returns (uint256);

    function enrollment(address account) external view returns (Enrollment memory);

    /// @notice Everybody that an organization ever enrolled, from `first` on, at most `count`.
    function accounts(bytes32 id, uint256 first, uint256 count) external view returns (address[] memory list);

    function accountCount(bytes32 id) external view returns (uint256);

    /// @notice The enrollment in one word, as `Policies.rightsOf` takes it; 0 for somebody unknown or revoked.
    /// @dev From the lowest bit: uint64 index of the organization from 1, uint32 roles, uint64 validUntil. It is the
    /// whole value of the storage slot keccak256(abi.encode(account, uint256(RECORDS_SLOT))), which nodes read.
    function record(address account) external view returns (uint256);

    /// @notice What a record amounts to now: its organization (0 when it has none that is active), its roles in
    /// effect with bit 0, and the last second in which that holds if nothing else changes (0 for ever).
    function rolesOf(uint256 record_) external view returns (bytes32 organization_, uint32 roles, uint64 until);

    /// @notice The organizations and roles in effect of several accounts.
    function standings(address[] calldata accounts_)
        external
        view
        returns (bytes32[] memory organizations_, uint32[] memory roles);

    /// @notice All certificates of an organization, oldest first, from `first` on, at most `count`.
    function certificates(bytes32 id, uint256 first, uint256 count) external view returns (Certificate[] memory list);

    function certificateCount(bytes32 id) external view returns (uint256);

    function certificate(bytes32 fingerprint) external view returns (Certificate memory);

    /// @notice The DER bytes of a root certificate.
    function rootBytes(bytes32 fingerprint) external view returns (bytes memory);

    /// @notice The next `nonce` of the account's consent.
    function nonces(address account) external view returns (uint256);
}
