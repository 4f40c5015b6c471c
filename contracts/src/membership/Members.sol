// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";

import {IMembers} from "../interfaces/IMembers.sol";
import {Roles} from "./Roles.sol";

/// @title Organizations, their certificate authorities, their accounts and roles.
/// @notice The network takes organizations in and gives them roles; within these each organization looks after its own.
///
/// **Never without an admin.** Only an admin in effect can act for an organization, and no admin can take the role from
/// itself. So whatever admins do, the one who did it is left. Time can take the last one away, if all admins are
/// enrolled with an end; then the network appoints somebody.
///
/// **Removal ends an admission, not an organization.** Records and certificates belong to the admission under which they
/// were made known. When it has ended they amount to nothing, at once and without touching them; who is taken in again
/// begins a new one, under which none of them comes alive by itself.
///
/// A certificate's fingerprint belongs to who makes it known first. Whether it is what it is said to be, and who signed
/// it, is checked by those who read it: this contract does not read DER.
/// @dev Nodes read two slots directly: `RECORDS_SLOT` is where the mapping of records is, `VERSION_SLOT` holds the
/// version and nothing else.
contract Members is IMembers, EIP712 {
    using StorageSlot for bytes32;

    /// @notice Where records are: that of an account in keccak256(abi.encode(account, RECORDS_SLOT)).
    /// @dev keccak256("hanse.members.records") - 1 and so on, as ERC-7201 says.
    bytes32 public constant RECORDS_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.members.records")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice Where the version is.
    bytes32 public constant VERSION_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.members.version")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice How many organizations may be active.
    uint256 public constant ORGANIZATIONS_MAX = 64;
    /// @notice How many may be known, those that were removed included.
    uint256 public constant KNOWN_MAX = 256;
    /// @notice How many root certificates of an organization may be unrevoked.
    uint256 public constant ROOTS_MAX = 16;
    /// @notice How many certificates of nodes.
    uint256 public constant NODES_MAX = 256;
    /// @notice The longest root certificate.
    uint256 public constant ROOT_BYTES_MAX = 2048;
    /// @notice The longest name.
    uint256 public constant NAME_BYTES_MAX = 64;

    /// @dev The end of what has none, as RFC 5280 (4.1.2.5) writes it: 9999-12-31 23:59:59.
    uint64 private constant NO_END = 253_402_300_799;
    bytes32 private constant CONSENT_TYPEHASH = keccak256(
        "Enrollment(bytes32 organization,address account,uint32 roles,uint64 validUntil,bytes32 certificate,uint256 nonce)"
    );

    /// @dev From the day an organization is taken in to the day it is removed.
    struct Admission {
        bytes32 organization;

        uint64 begunIn;
        uint64 endedIn; // 0 while it lasts
        uint32 roles;
        uint32 admins;
        uint16 roots;
        uint16 nodes;
    }

    /// @dev `Certificate`, packed.
    struct Filed {
        uint32 admission;
        Kind kind;
        uint64 notBefore;
        uint64 notAfter;
        uint64 revokedIn;

        bytes32 subject;
    }

    /// @inheritdoc IMembers
    address public immutable governor;
    /// @inheritdoc IMembers
    uint256 public activeCount;

    Admission[] private _admissions; // the first is number 1
    bytes32[] private _ids; // of everybody who was ever taken in
    mapping(bytes32 id => uint256) private _lastAdmission; // its number
    mapping(bytes32 id => string) private _names;
    mapping(bytes32 id => address[]) private _accounts;
    mapping(bytes32 id => mapping(address account => bool)) private _isListed;
    mapping(address account => uint256) private _revoked; // the record that it had
    mapping(address account => bytes32) private _certificateOf;
    mapping(bytes32 id => bytes32[]) private _fingerprints;
    mapping(bytes32 fingerprint => Filed) private _certificates;
    mapping(bytes32 fingerprint => bytes) private _roots;
    /// @inheritdoc IMembers
    mapping(address account => uint256) public nonces;

    /// @param governor_ Who acts for the network, on carried proposals.
    /// @param founders Who is there from the beginning.
    constructor(address governor_, Founder[] memory founders) EIP712("Hanse Members", "1") {
        governor = governor_;
        for (uint256 i = 0; i < founders.length; ++i) {
            Founder memory founder = founders[i];
            if (founder.admins.length == 0) revert InvalidOrganization(founder.id);
            uint64 number = _admit(founder.id, founder.name, founder.roles);
            _addRoot(number, founder.root, founder.notBefore, founder.notAfter);
            for (uint256 j = 0; j < founder.admins.length; ++j) {
                _appoint(number, founder.admins[j]);
            }
        }
    }

    modifier onlyGovernor() {
        _requireGovernor();
        _;
    }

    /// @inheritdoc IMembers
    function admit(
        bytes32 id,
        string calldata name,
        uint32 roles,
        bytes calldata root,
        uint64 notBefore,
        uint64 notAfter,
        address admin
    ) external onlyGovernor {
        uint64 number = _admit(id, name, roles);
        _addRoot(number, root, notBefore, notAfter);
        _appoint(number, admin);
    }

    /// @inheritdoc IMembers
    function setRoles(bytes32 id, uint32 roles) external onlyGovernor {
        (, Admission storage admission) = _requireActive(id);
        _requireRoles(roles);
        admission.roles = roles;
        _noteChange(msg.data);
        emit OrganizationRolesChanged(id, roles);
    }

    /// @inheritdoc IMembers
    function remove(bytes32 id) external onlyGovernor {
        (, Admission storage admission) = _requireActive(id);
        admission.endedIn = uint64(block.number);
        --activeCount;
        _noteChange(msg.data);
        emit OrganizationRemoved(id);
    }

    /// @inheritdoc IMembers
    function appoint(bytes32 id, address admin) external onlyGovernor {
        (uint64 number,) = _requireActive(id);
        _appoint(number, admin);
    }

    /// @inheritdoc IMembers
    function addRoot(bytes calldata der, uint64 notBefore, uint64 notAfter) external {
        uint64 number = _requireAdmin();
        _addRoot(number, der, notBefore, notAfter);
        _noteChange(abi.encode("root", number, keccak256(der)));
    }

    /// @inheritdoc IMembers
    function addNode(bytes32 key, bytes32 fingerprint, uint64 notBefore, uint64 notAfter) external {
        uint64 number = _requireAdmin();
        if (key == 0) revert InvalidCertificate("key");
        Admission storage own = _admissions[number - 1];
        if (own.nodes == NODES_MAX) revert TooMany("nodes");
        ++own.nodes;
        _file(number, Kind.Node, fingerprint, key, notBefore, notAfter);
    }

    /// @inheritdoc IMembers
    function enroll(
        address account,
        uint32 roles,
        uint64 validUntil,
        bytes32 certificate_,
        uint64 notBefore,
        bytes calldata consent
    ) external {
        uint64 number = _requireAdmin();
        Admission storage own = _admissions[number - 1];
        uint32 excess = roles & ~(own.roles | Roles.ADMIN);
        if (excess != 0) revert RoleNotGranted(own.organization, excess);
        if (validUntil != 0 && validUntil < block.timestamp) revert InvalidPeriod(notBefore, validUntil);
        _requireFree(number, account);
        if (account != msg.sender) {
            _requireConsent(own.organization, account, roles, validUntil, certificate_, consent);
        } else if (roles & Roles.ADMIN == 0) {
            revert LastAdmin(own.organization);
        }
        _changeCertificate(number, account, certificate_, notBefore, validUntil == 0 ? NO_END : validUntil);
        _enroll(number, account, roles, validUntil);
    }

    /// @inheritdoc IMembers
    function revokeAccount(address account) external {
        uint64 number = _requireAdmin();
        uint256 given = _records()[account];
        if (given == 0) revert NotEnrolled(account);
        if (_numberIn(given) != number) {
            _requireFree(number, account);
            revert NotEnrolled(account);
        }
        _revoke(number, account);
    }

    /// @inheritdoc IMembers
    function revokeCertificate(bytes32 fingerprint) external {
        uint64 number = _requireAdmin();
        Filed storage filed = _certificates[fingerprint];
        bytes32 own = _admissions[number - 1].organization;
        if (filed.admission == 0 || _admissions[filed.admission - 1].organization != own) {
            revert UnknownCertificate(fingerprint);
        }
        if (filed.revokedIn != 0) revert CertificateIsRevoked(fingerprint);
        if (filed.kind == Kind.Client && filed.admission == number) {
            // An account's certificate is its present one: whatever ends that, revokes it.
            _revoke(number, address(uint160(uint256(filed.subject))));
        } else {
            _revokeCertificate(number, fingerprint);
        }
    }

    /// @inheritdoc IMembers
    function version() external view returns (bytes32) {
        return VERSION_SLOT.getBytes32Slot().value;
    }

    /// @inheritdoc IMembers
    function organizations() external view returns (Organization[] memory list) {
        list = new Organization[](_ids.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _organization(_ids[i]);
        }
    }

    /// @inheritdoc IMembers
    function organization(bytes32 id) external view returns (Organization memory) {
        return _organization(id);
    }

    /// @inheritdoc IMembers
    function activeOrganizations() external view returns (bytes32[] memory ids, uint32[] memory roles) {
        ids = new bytes32[](activeCount);
        roles = new uint32[](ids.length);
        uint256 count = 0;
        for (uint256 i = 0; count < ids.length; ++i) {
            Admission storage admission = _admissions[_lastAdmission[_ids[i]] - 1];
            if (admission.endedIn != 0) continue;
            ids[count] = _ids[i];
            roles[count] = admission.roles | Roles.ADMIN | Roles.MEMBER;
            ++count;
        }
    }

    /// @inheritdoc IMembers
    function enrollment(address account) external view returns (Enrollment memory) {
        uint256 given = _records()[account];
        bool isRevoked = given == 0;
        if (isRevoked) given = _revoked[account];
        if (given == 0) {
            Enrollment memory nobody;
            return nobody;
        }
        Admission storage admission = _admissions[_numberIn(given) - 1];
        return Enrollment({
            organization: admission.organization,
            roles: _rolesIn(given),
            validUntil: _endIn(given),
            isRevoked: isRevoked || admission.endedIn != 0,
            certificate: _certificateOf[account]
        });
    }

    /// @inheritdoc IMembers
    function accounts(bytes32 id, uint256 first, uint256 count) external view returns (address[] memory list) {
        address[] storage all = _accounts[id];
        list = new address[](_pageLength(all.length, first, count));
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = all[first + i];
        }
    }

    /// @inheritdoc IMembers
    function accountCount(bytes32 id) external view returns (uint256) {
        return _accounts[id].length;
    }

    /// @inheritdoc IMembers
    function record(address account) external view returns (uint256) {
        return _records()[account];
    }

    /// @inheritdoc IMembers
    function rolesOf(uint256 record_) external view returns (bytes32 organization_, uint32 roles, uint64 until) {
        return _rolesOf(record_);
    }

    /// @inheritdoc IMembers
    function standings(address[] calldata accounts_)
        external
        view
        returns (bytes32[] memory organizations_, uint32[] memory roles)
    {
        organizations_ = new bytes32[](accounts_.length);
        roles = new uint32[](accounts_.length);
        mapping(address account => uint256) storage records = _records();
        for (uint256 i = 0; i < accounts_.length; ++i) {
            (organizations_[i], roles[i],) = _rolesOf(records[accounts_[i]]);
        }
    }

    /// @inheritdoc IMembers
    function certificates(bytes32 id, uint256 first, uint256 count) external view returns (Certificate[] memory list) {
        bytes32[] storage all = _fingerprints[id];
        list = new Certificate[](_pageLength(all.length, first, count));
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _certificate(all[first + i]);
        }
    }

    /// @inheritdoc IMembers
    function certificateCount(bytes32 id) external view returns (uint256) {
        return _fingerprints[id].length;
    }

    /// @inheritdoc IMembers
    function certificate(bytes32 fingerprint) external view returns (Certificate memory) {
        return _certificate(fingerprint);
    }

    /// @inheritdoc IMembers
    function rootBytes(bytes32 fingerprint) external view returns (bytes memory) {
        return _roots[fingerprint];
    }

    /// @dev Begins an admission, which has neither certificate nor admin yet.
    function _admit(bytes32 id, string memory name, uint32 roles) private returns (uint64 number) {
        if (!Roles.isName(id) || bytes(name).length == 0 || bytes(name).length > NAME_BYTES_MAX) {
            revert InvalidOrganization(id);
        }
        _requireRoles(roles);
        uint256 last = _lastAdmission[id];
        if (last == 0) {
            if (_ids.length == KNOWN_MAX) revert TooMany("organizations");
            _ids.push(id);
        } else if (_admissions[last - 1].endedIn == 0) {
            revert OrganizationExists(id);
        }
        if (activeCount == ORGANIZATIONS_MAX) revert TooMany("organizations");
        ++activeCount;
        _admissions.push(
            Admission({
                organization: id, begunIn: uint64(block.number), endedIn: 0, roles: roles, admins: 0, roots: 0, nodes: 0
            })
        );
        number = uint64(_admissions.length);
        _lastAdmission[id] = number;
        _names[id] = name;
        _noteChange(abi.encode("admission", id, roles, number));
        emit OrganizationAdmitted(id, name, roles);
    }

    function _appoint(uint64 number, address admin) private {
        _requireFree(number, admin);
        uint256 given = _records()[admin];
        bool isOwn = _numberIn(given) == number;
        if (!isOwn) _changeCertificate(number, admin, 0, 0, 0);
        _enroll(number, admin, isOwn ? _rolesIn(given) | Roles.ADMIN : Roles.ADMIN, 0);
    }

    function _enroll(uint64 number, address account, uint32 roles, uint64 validUntil) private {
        Admission storage admission = _admissions[number - 1];
        mapping(address => uint256) storage records = _records();
        uint256 given = records[account];
        if (_numberIn(given) == number && _rolesIn(given) & Roles.ADMIN != 0) --admission.admins;
        if (roles & Roles.ADMIN != 0) ++admission.admins;
        records[account] = uint256(number) | (uint256(roles) << 64) | (uint256(validUntil) << 96);
        ++nonces[account];
        bytes32 id = admission.organization;
        if (!_isListed[id][account]) {
            _isListed[id][account] = true;
            _accounts[id].push(account);
        }
        emit AccountEnrolled(id, account, roles, validUntil, _certificateOf[account]);
    }

    /// @dev Ends an enrollment under the admission `number`.
    function _revoke(uint64 number, address account) private {
        Admission storage admission = _admissions[number - 1];
        if (account == msg.sender) revert LastAdmin(admission.organization);
        mapping(address => uint256) storage records = _records();
        uint256 given = records[account];
        if (_rolesIn(given) & Roles.ADMIN != 0) --admission.admins;
        _revoked[account] = given;
        records[account] = 0;
        ++nonces[account];
        emit AccountRevoked(admission.organization, account, msg.sender);
        bytes32 fingerprint = _certificateOf[account];
        if (fingerprint != 0) _revokeCertificate(number, fingerprint);
    }

    function _addRoot(uint64 number, bytes memory der, uint64 notBefore, uint64 notAfter) private {
        if (der.length == 0 || der.length > ROOT_BYTES_MAX) revert InvalidCertificate("der");
        Admission storage own = _admissions[number - 1];
        if (own.roots == ROOTS_MAX) revert TooMany("roots");
        ++own.roots;
        bytes32 fingerprint = sha256(der);
        _file(number, Kind.Root, fingerprint, 0, notBefore, notAfter);
        if (_roots[fingerprint].length == 0) _roots[fingerprint] = der;
    }

    /// @dev Gives an account its certificate, and revokes the one that it had under this admission.
    function _changeCertificate(uint64 number, address account, bytes32 next, uint64 notBefore, uint64 notAfter)
        private
    {
        bytes32 present = _certificateOf[account];
        if (present != 0) {
            Filed storage filed = _certificates[present];
            bool isGood = filed.admission == number && filed.revokedIn == 0;
            if (isGood && present == next) return;
            if (isGood) _revokeCertificate(number, present);
        }
        _certificateOf[account] = next;
        if (next != 0) _file(number, Kind.Client, next, bytes32(uint256(uint160(account))), notBefore, notAfter);
    }

    /// @dev Makes a certificate known; or known again, when the organization had it under an admission that has ended.
    function _file(uint64 number, Kind kind, bytes32 fingerprint, bytes32 subject, uint64 notBefore, uint64 notAfter)
        private
    {
        if (fingerprint == 0) revert InvalidCertificate("fingerprint");
        if (notBefore >= notAfter || notAfter < block.timestamp) revert InvalidPeriod(notBefore, notAfter);
        bytes32 id = _admissions[number - 1].organization;
        Filed storage filed = _certificates[fingerprint];
        if (filed.admission == 0) {
            _fingerprints[id].push(fingerprint);
        } else {
            Admission storage before = _admissions[filed.admission - 1];
            bool isSame = before.organization == id && filed.kind == kind && filed.subject == subject;
            if (!isSame || before.endedIn == 0 || filed.revokedIn != 0) revert CertificateExists(fingerprint);
        }
        // Four billion admissions are more than the network will decide on.
        // forge-lint: disable-next-line(unsafe-typecast)
        filed.admission = uint32(number);
        filed.kind = kind;
        filed.notBefore = notBefore;
        filed.notAfter = notAfter;
        filed.subject = subject;
        emit CertificateAdded(id, fingerprint, kind, subject, notAfter);
    }

    /// @dev `number` is the admission of the organization that lasts.
    function _revokeCertificate(uint64 number, bytes32 fingerprint) private {
        Filed storage filed = _certificates[fingerprint];
        filed.revokedIn = uint64(block.number);
        Admission storage own = _admissions[number - 1];
        if (filed.admission == number && filed.kind == Kind.Root) --own.roots;
        if (filed.admission == number && filed.kind == Kind.Node) --own.nodes;
        if (filed.kind == Kind.Root) _noteChange(abi.encode("revocation", fingerprint));
        emit CertificateRevoked(own.organization, fingerprint, msg.sender);
    }

    /// @dev Chained over the content, so that equal versions mean equal members on any branch of the chain.
    function _noteChange(bytes memory what) private {
        StorageSlot.Bytes32Slot storage slot = VERSION_SLOT.getBytes32Slot();
        slot.value = keccak256(abi.encode(slot.value, what));
    }

    function _requireGovernor() private view {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
    }

    /// @dev The admission for which the caller may act.
    function _requireAdmin() private view returns (uint64 number) {
        uint256 given = _records()[msg.sender];
        (, uint32 roles,) = _rolesOf(given);
        if (roles & Roles.ADMIN == 0) revert NotAdmin(msg.sender);
        return _numberIn(given);
    }

    function _requireActive(bytes32 id) private view returns (uint64 number, Admission storage admission) {
        // Smaller than a 64-bit number.
        // forge-lint: disable-next-line(unsafe-typecast)
        number = uint64(_lastAdmission[id]);
        if (number == 0) revert UnknownOrganization(id);
        admission = _admissions[number - 1];
        if (admission.endedIn != 0) revert OrganizationNotActive(id);
    }

    /// @dev Refuses who belongs elsewhere, even if only until its end came; and who must never be a member: the governor
    /// could approve its own proposals.
    function _requireFree(uint64 number, address account) private view {
        if (account == address(0) || account == governor || account == address(this)) revert NoConsent(account);
        uint64 other = _numberIn(_records()[account]);
        if (other == 0 || other == number) return;
        Admission storage admission = _admissions[other - 1];
        if (admission.endedIn == 0) revert Belongs(account, admission.organization);
    }

    function _requireConsent(
        bytes32 id,
        address account,
        uint32 roles,
        uint64 validUntil,
        bytes32 fingerprint,
        bytes calldata consent
    ) private view {
        bytes32 content = keccak256(
            abi.encode(CONSENT_TYPEHASH, id, account, roles, validUntil, fingerprint, nonces[account])
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(account, _hashTypedDataV4(content), consent)) {
            revert NoConsent(account);
        }
    }

    function _requireRoles(uint32 roles) private pure {
        if (roles & ~Roles.ASSIGNABLE != 0) revert InvalidRoles(roles);
    }

    function _rolesOf(uint256 given) private view returns (bytes32, uint32, uint64) {
        uint64 number = _numberIn(given);
        if (number == 0 || number > _admissions.length) return (0, 0, 0);
        uint64 end = _endIn(given);
        if (end != 0 && end < block.timestamp) return (0, 0, 0);
        Admission storage admission = _admissions[number - 1];
        if (admission.endedIn != 0) return (0, 0, 0);
        uint32 roles = (_rolesIn(given) & (admission.roles | Roles.ADMIN)) | Roles.MEMBER;
        return (admission.organization, roles, end);
    }

    function _organization(bytes32 id) private view returns (Organization memory) {
        uint256 number = _lastAdmission[id];
        if (number == 0) {
            Organization memory unknown;
            return unknown;
        }
        Admission storage admission = _admissions[number - 1];
        bool isActive = admission.endedIn == 0;
        return Organization({
            id: id,
            name: _names[id],
            status: isActive ? Status.Active : Status.Removed,
            roles: admission.roles,
            since: isActive ? admission.begunIn : admission.endedIn,
            admins: admission.admins
        });
    }

    function _certificate(bytes32 fingerprint) private view returns (Certificate memory) {
        Filed storage filed = _certificates[fingerprint];
        if (filed.admission == 0) {
            Certificate memory unknown;
            return unknown;
        }
        Admission storage admission = _admissions[filed.admission - 1];
        return Certificate({
            fingerprint: fingerprint,
            organization: admission.organization,
            kind: filed.kind,
            subject: filed.subject,
            notBefore: filed.notBefore,
            notAfter: filed.notAfter,
            revokedIn: filed.revokedIn != 0 ? filed.revokedIn : admission.endedIn
        });
    }

    function _records() private pure returns (mapping(address account => uint256) storage records) {
        bytes32 slot = RECORDS_SLOT;
        assembly ("memory-safe") {
            records.slot := slot
        }
    }

    function _pageLength(uint256 length, uint256 first, uint256 count) private pure returns (uint256) {
        if (first >= length) return 0;
        return count < length - first ? count : length - first;
    }

    // What a record consists of; the casts cut the other parts off.

    function _numberIn(uint256 given) private pure returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(given);
    }

    function _rolesIn(uint256 given) private pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(given >> 64);
    }

    function _endIn(uint256 given) private pure returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(given >> 96);
    }
}
