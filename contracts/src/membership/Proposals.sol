// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IMembers} from "../interfaces/IMembers.sol";
import {IPolicies} from "../interfaces/IPolicies.sol";
import {Forms} from "./Forms.sol";
import {Roles} from "./Roles.sol";
import {Rulebook} from "./Rulebook.sol";
import {Signers} from "./Signers.sol";

/// @title How the network decides, and who endorses a transaction.
/// @notice **No call escapes its policy.** Before the first call of a proposal the policies of all its calls must hold, as
/// they are then; so a proposal cannot loosen what decides on itself. Calls are made from here and only while `execute`
/// runs, and it cannot run within itself: no proposal is carried out amidst another one. A contract in between that
/// passes a call on is not this contract to the one that is called.
///
/// **Signatures** name this contract, the chain, and one proposal's number and content, or one transaction's sender and
/// nonce. One can be handed in by anybody, once; after a withdrawal it is worth nothing.
abstract contract Proposals is Rulebook, EIP712, ReentrancyGuardTransient {
    using Signers for Signers.Set;

    /// @notice How many calls a proposal may have.
    uint256 public constant CALLS_MAX = 32;
    /// @notice How long its description may be.
    uint256 public constant DESCRIPTION_BYTES_MAX = 1024;

    bytes32 private constant APPROVAL_TYPEHASH = keccak256("Approval(uint256 proposal,bytes32 content)");
    bytes32 private constant ENDORSEMENT_TYPEHASH =
        keccak256("Endorsement(address sender,uint64 nonce,address to,uint256 value,bytes32 data)");

    /// @inheritdoc IPolicies
    uint64 public immutable lifetimeMax;

    /// @dev `Proposal.status` is Open here until it is Executed or Withdrawn; time makes it Expired.
    Proposal[] private _proposals;
    mapping(uint256 id => Signers.Set) private _approvals;
    mapping(bytes32 transaction => Signers.Set) private _endorsements;

    constructor(uint64 lifetimeMax_) EIP712("Hanse Policies", "1") {
        if (lifetimeMax_ == 0 || lifetimeMax_ > type(uint32).max) revert InvalidRule("lifetimeMax");
        lifetimeMax = lifetimeMax_;
    }

    /// @inheritdoc IPolicies
    function propose(Call[] calldata calls, string calldata description, uint64 lifetime)
        external
        returns (uint256 id)
    {
        (bytes32 organization, uint32 roles) = _standingOf(msg.sender);
        if (roles & Roles.ADMIN == 0) revert NotAdmin(msg.sender);
        if (calls.length == 0 || calls.length > CALLS_MAX) revert InvalidProposal("calls");
        if (bytes(description).length > DESCRIPTION_BYTES_MAX) revert InvalidProposal("description");
        if (lifetime == 0 || lifetime > lifetimeMax) revert InvalidProposal("lifetime");
        id = _proposals.length;
        Proposal storage made = _proposals.push();
        made.proposer = msg.sender;
        made.status = ProposalStatus.Open;
        made.lastBlock = uint64(block.number) + lifetime;
        made.description = description;
        for (uint256 i = 0; i < calls.length; ++i) {
            made.calls.push(calls[i]);
        }
        made.content = keccak256(abi.encode(calls, description));
        emit Proposed(id, msg.sender, made.lastBlock, description);
        _approvals[id].add(msg.sender, organization, roles);
        emit Approved(id, msg.sender);
    }

    /// @inheritdoc IPolicies
    function approve(uint256 id) external {
        _requireOpen(id);
        if (_approvals[id].contains(msg.sender)) revert AlreadyApproved(id, msg.sender);
        (bytes32 organization, uint32 roles) = _standingOf(msg.sender);
        _approvals[id].add(msg.sender, organization, roles);
        emit Approved(id, msg.sender);
    }

    /// @inheritdoc IPolicies
    function approveFor(uint256 id, Approval[] calldata approvals) external {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(APPROVAL_TYPEHASH, id, _requireOpen(id).content)));
        Signers.Set storage set = _approvals[id];
        (bytes32[] memory organizations, uint32[] memory roles) = _standingsOf(approvals);
        for (uint256 i = 0; i < approvals.length; ++i) {
            address account = approvals[i].account;
            if (set.knows(account)) continue;
            _requireSigned(approvals[i], digest);
            set.add(account, organizations[i], roles[i]);
            emit Approved(id, account);
        }
    }

    /// @inheritdoc IPolicies
    function withdrawApproval(uint256 id) external {
        _requireOpen(id);
        if (!_approvals[id].contains(msg.sender)) revert NotApproved(id, msg.sender);
        _approvals[id].remove(msg.sender);
        emit ApprovalWithdrawn(id, msg.sender);
    }

    /// @inheritdoc IPolicies
    function withdraw(uint256 id) external {
        Proposal storage open = _requireOpen(id);
        if (msg.sender != open.proposer) revert NotProposer(id, msg.sender);
        open.status = ProposalStatus.Withdrawn;
        emit Withdrawn(id);
    }

    /// @inheritdoc IPolicies
    function execute(uint256 id) external nonReentrant {
        Proposal storage open = _requireOpen(id);
        bytes32 missing = _missing(id);
        if (missing != 0) revert PolicyNotMet(missing, _form(missing));
        open.status = ProposalStatus.Executed;
        emit Executed(id, msg.sender);
        for (uint256 i = 0; i < open.calls.length; ++i) {
            Call memory each = open.calls[i];
            // Where nothing is, a call would succeed and do nothing.
            if (each.target.code.length == 0) revert CallFailed(i, "");
            (bool isDone, bytes memory answer) = each.target.call(each.data);
            if (!isDone) revert CallFailed(i, answer);
        }
        bytes32 name = _deadlock();
        if (name != 0) revert MustRemain(name);
    }

    /// @inheritdoc IPolicies
    function endorse(
        address sender,
        uint64 nonce,
        address to,
        uint256 value,
        bytes32 data,
        Approval[] calldata approvals
    ) external returns (bytes32 transaction) {
        transaction = endorsementHash(sender, nonce, to, value, data);
        Signers.Set storage set = _endorsements[transaction];
        (bytes32[] memory organizations, uint32[] memory roles) = _standingsOf(approvals);
        for (uint256 i = 0; i < approvals.length; ++i) {
            address account = approvals[i].account;
            if (set.knows(account)) continue;
            _requireSigned(approvals[i], transaction);
            set.add(account, organizations[i], roles[i]);
            emit Endorsed(transaction, account);
        }
    }

    /// @inheritdoc IPolicies
    function isEndorsed(bytes32 transaction, bytes calldata form) external view returns (bool) {
        Forms.check(form);
        return Forms.holds(form, _crowdOf(_endorsements[transaction].accounts));
    }

    /// @inheritdoc IPolicies
    function endorsementHash(address sender, uint64 nonce, address to, uint256 value, bytes32 data)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(ENDORSEMENT_TYPEHASH, sender, nonce, to, value, data)));
    }

    /// @inheritdoc IPolicies
    function endorsers(bytes32 transaction) external view returns (address[] memory) {
        return _endorsements[transaction].accounts;
    }

    /// @inheritdoc IPolicies
    function proposalCount() external view returns (uint256) {
        return _proposals.length;
    }

    /// @inheritdoc IPolicies
    function proposal(uint256 id) external view returns (Proposal memory known) {
        _requireKnown(id);
        known = _proposals[id];
        known.status = _statusOf(_proposals[id]);
    }

    /// @inheritdoc IPolicies
    function approvers(uint256 id) external view returns (address[] memory) {
        _requireKnown(id);
        return _approvals[id].accounts;
    }

    /// @inheritdoc IPolicies
    function isCarried(uint256 id) external view returns (bool, bytes32 missing) {
        _requireKnown(id);
        if (_statusOf(_proposals[id]) != ProposalStatus.Open) return (false, 0);
        missing = _missing(id);
        return (missing == 0, missing);
    }

    /// @dev The first policy of a proposal's calls that does not hold; 0 when all do.
    function _missing(uint256 id) private view returns (bytes32) {
        Forms.Crowd memory crowd = _crowdOf(_approvals[id].accounts);
        Call[] storage calls = _proposals[id].calls;
        bytes32[] memory met = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            bytes32 name = _topic(calls[i].target);
            uint256 place = 0;
            while (place < i && met[place] != name) ++place;
            if (place == i && !Forms.holds(_form(name), crowd)) return name;
            met[i] = name;
        }
        return 0;
    }

    function _standingOf(address account) private view returns (bytes32 organization, uint32 roles) {
        (organization, roles,) = IMembers(members).rolesOf(IMembers(members).record(account));
    }

    function _standingsOf(Approval[] calldata approvals) private view returns (bytes32[] memory, uint32[] memory) {
        if (approvals.length > Forms.APPROVERS_MAX) revert TooMany("approvals");
        address[] memory accounts = new address[](approvals.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            accounts[i] = approvals[i].account;
        }
        return IMembers(members).standings(accounts);
    }

    /// @dev Who sends this itself need not sign.
    function _requireSigned(Approval calldata approval, bytes32 digest) private view {
        if (approval.account == msg.sender && approval.signature.length == 0) return;
        if (!SignatureChecker.isValidSignatureNowCalldata(approval.account, digest, approval.signature)) {
            revert InvalidSignature(approval.account);
        }
    }

    function _requireKnown(uint256 id) private view {
        if (id >= _proposals.length) revert UnknownProposal(id);
    }

    function _requireOpen(uint256 id) private view returns (Proposal storage open) {
        _requireKnown(id);
        open = _proposals[id];
        ProposalStatus status = _statusOf(open);
        if (status != ProposalStatus.Open) revert NotOpen(id, status);
    }

    function _statusOf(Proposal storage known) private view returns (ProposalStatus) {
        bool isLate = known.status == ProposalStatus.Open && block.number > known.lastBlock;
        return isLate ? ProposalStatus.Expired : known.status;
    }
}
