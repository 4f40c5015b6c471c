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
        uint64 validUntil; // seconds; 0 for ever
        bool isRevoked;
        bytes32 certificate; // fingerprint of the client's certificate, 0 without one
    }

    /// @notice A certificate that an organization has made known.
    struct Certificate {
        bytes32 fingerprint; // SHA-256 of the DER bytes
        bytes32 organization;
        Kind kind;
        bytes32 subject; // the network key of a node, the account of a client (right-aligned), 0 for a root
        uint64 notBefore; // seconds
        uint64 notAfter; // seconds
        uint64 revokedIn; // block, 0 while it is not
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
    error InvalidOrganization(bytes32 id);
    error UnknownOrganization(bytes32 id);
    error OrganizationNotActive(bytes32 id);
    error OrganizationExists(bytes32 id);
    /// @notice The network has not given the organization these roles.
    error RoleNotGranted(bytes32 organization, uint32 roles);
    /// @notice The account belongs to another organization.
    error Belongs(address account, bytes32 organization);
    error NotEnrolled(address account);
    /// @notice Nobody could act for the organization any more.
    error LastAdmin(bytes32 organization);
    /// @notice The account did not sign its enrollment.
    error NoConsent(address account);
    error InvalidPeriod(uint64 notBefore, uint64 notAfter);
    error InvalidCertificate(string field);
    error CertificateExists(bytes32 fingerprint);
    error UnknownCertificate(bytes32 fingerprint);
    error TooMany(string what);

    // What the network decides.

    /// @notice Takes an organization in (or in again), with its first root certificate and admin.
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

    /// @notice Gives an organization that lost its admins' keys a new one.
    function appoint(bytes32 id, address admin) external;

    // What an organization decides, by its admins.

    /// @notice Makes a root certificate of the caller's organization known. Several may be valid at a time.
    function addRoot(bytes calldata der, uint64 notBefore, uint64 notAfter) external;

    /// @notice Makes the certificate of a node known, whose network key (Ed25519) is `key`.
    function addNode(bytes32 key, bytes32 fingerprint, uint64 notBefore, uint64 notAfter) external;

    /// @notice Enrolls an account, or enrolls it anew with other roles, another end, another certificate.
    /// @param consent The account's EIP-712 signature (or ERC-1271) of
    /// `Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)`.
    function enroll(
        address account,
        uint32 roles,
        uint64 validUntil,
        bytes32 certificate,
        uint64 notBefore,
        bytes calldata consent
    ) external;

    /// @notice Ends an account's enrollment.
    function revokeAccount(address account) external;

    /// @notice Revokes a certificate of the caller's organization, for ever.
    function revokeCertificate(bytes32 fingerprint) external;

    // What anybody may read.

    /// @notice Changes with every change of an organization (not with enrollments and certificates of nodes).
    function version() external view returns (uint64);

    function governor() external view returns (address);

    function organizations() external view returns (Organization[] memory);

    function organization(bytes32 id) external view returns (Organization memory);

    function enrollment(address account) external view returns (Enrollment memory);

    /// @notice Everybody that an organization ever enrolled, from `first` on, at most `count`.
    function accounts(bytes32 id, uint256 first, uint256 count) external view returns (address[] memory);

    function accountCount(bytes32 id) external view returns (uint256);

    /// @notice The enrollment in one word, as `Policies.rightsOf` takes it; 0 for somebody unknown or revoked.
    /// @dev From the lowest bit: uint64 index of the organization from 1, uint32 roles, uint64 validUntil. It is the
    /// whole value of the storage slot keccak256(abi.encode(account, uint256(RECORDS_SLOT))), which nodes read.
    function record(address account) external view returns (uint256);

    /// @notice What a record amounts to now: its organization (0 when it has none that is active), its roles in
    /// effect with bit 0, and until when that holds if nothing else changes (0 for ever).
    function rolesOf(uint256 record_) external view returns (bytes32 organization_, uint32 roles, uint64 until);

    /// @notice All certificates of an organization, oldest first, from `first` on, at most `count`.
    function certificates(bytes32 id, uint256 first, uint256 count) external view returns (Certificate[] memory);

    function certificateCount(bytes32 id) external view returns (uint256);

    function certificate(bytes32 fingerprint) external view returns (Certificate memory);

    /// @notice The DER bytes of a root certificate.
    function rootBytes(bytes32 fingerprint) external view returns (bytes memory);

    /// @notice The next `nonce` of the account's consent.
    function nonces(address account) external view returns (uint256);
}
