// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Who may do what, and how that is changed.
/// @notice A policy is an expression over principals (`AND('Bank.admin', OR('Brand.admin', 'Retailer.admin'))`), kept in
/// a checked form of bytes:
///
/// | node | bytes | holds when |
/// | --- | --- | --- |
/// | threshold | 01 count threshold node... | at least `threshold` of `count` nodes hold; AND and OR are such |
/// | principal | 02 organization(32) role least | at least `least` different approvers have the role in the organization (0: in all together) |
/// | share | 03 role numerator denominator | organizations in which an approver has the role are more than that part of the active ones |
/// | anyone | 04 | always |
/// | nobody | 05 | never |
///
/// Numbers are one byte. A form is one node, at most 8 deep, with at most 64 nodes; `threshold` is 1 to `count`, `least`
/// 1 to 64 (to 8 of a named organization), `numerator` less than `denominator`. More approvers never make a form fail
/// that holds, so nobody gains by hiding an approval.
///
/// Rights: the policies named `send` and `deploy`, and access rules for contracts and methods, are evaluated for the
/// sender of a transaction alone. Nodes ask `rightsOf` and refuse transactions (in the pool, in blocks, in calls
/// between contracts) accordingly.
///
/// Endorsement: a transaction that changes a guarded contract, or a guarded storage slot, needs approvals for exactly
/// this transaction, recorded before by `endorse`.
///
/// Governance: what the network decides is a proposal of calls. It is executed when the policies of all calls hold for
/// the approvals there are, within its time. Policies, topics and the approvers' roles are those of the moment of
/// execution, before the first call.
///
/// Of each organization 8 accounts may approve one proposal or transaction, and 2 more that are shoppers or mere
/// members: however many customers an organization enrolls, nobody takes the place of those who decide for it.
interface IPolicies {
    struct Call {
        address target;
        bytes data;
    }

    enum ProposalStatus {
        None,
        Open,
        Executed,
        Expired,
        Withdrawn
    }

    struct Proposal {
        address proposer;
        ProposalStatus status;
        uint64 lastBlock; // in which it can be executed
        string description;
        Call[] calls;
        bytes32 content; // hash of calls and description, what approvals sign
    }

    struct Approval {
        address account;
        bytes signature; // EIP-712, or ERC-1271 for contracts
    }

    struct NamedPolicy {
        bytes32 name; // ASCII, left-aligned
        bytes form;
    }

    /// @notice Which named policy decides on calls to a contract.
    struct Topic {
        address target;
        bytes32 policy;
    }

    struct AccessRule {
        address target;
        bytes4 selector;
        bool isWhole; // all methods without a rule of their own, and plain transfers; `selector` is 0 then
        bytes form;
    }

    struct Guard {
        address target;
        bytes32 slot;
        bool isWhole; // every slot, the code and the balance; `slot` is 0 then
        bytes form;
    }

    /// @notice A call that a sender may not make, with the policy that it fails.
    struct Denial {
        address target;
        bytes4 selector;
        bool isWhole;
        bytes form;
    }

    /// @notice What a sender may do.
    /// @dev Where a method has a rule of its own, the rule for the whole contract does not count: methods that are
    /// allowed although the whole is denied are in `exceptions`.
    struct Rights {
        bool maySend;
        bool mayDeploy;
        bool isExpired; // it would have had other rights before its enrollment ran out
        uint64 until; // the last second in which this holds, if nobody changes anything; 0 for ever
        Denial[] denials;
        Denial[] exceptions; // without forms
        bytes send; // the policy's form, when it may not
        bytes deploy;
    }

    event PolicySet(bytes32 indexed name, bytes form);
    event AccessSet(address indexed target, bytes4 indexed selector, bool isWhole, bytes form);
    event GuardSet(address indexed target, bytes32 indexed slot, bool isWhole, bytes form);
    event TopicSet(address indexed target, bytes32 indexed policy);
    event Proposed(uint256 indexed id, address indexed proposer, uint64 lastBlock, string description);
    event Approved(uint256 indexed id, address indexed account);
    event ApprovalWithdrawn(uint256 indexed id, address indexed account);
    event Executed(uint256 indexed id, address indexed by);
    event Withdrawn(uint256 indexed id);
    event Endorsed(bytes32 indexed transaction, address indexed account);

    error NotGovernor(address caller);
    /// @notice Only an admin of an active organization may propose.
    error NotAdmin(address caller);
    /// @notice Only a member with a valid enrollment may approve.
    error NotMember(address caller);
    error InvalidForm(uint256 offset, string why);
    error InvalidName(bytes32 name);
    error UnknownPolicy(bytes32 name);
    /// @notice What governs cannot be taken away, or made something that nobody could ever meet.
    error MustRemain(bytes32 name);
    error UnknownProposal(uint256 id);
    error NotOpen(uint256 id, ProposalStatus status);
    error NotProposer(uint256 id, address caller);
    error InvalidProposal(string why);
    error InvalidRule(string name);
    error AlreadyApproved(uint256 id, address account);
    error NotApproved(uint256 id, address account);
    error InvalidSignature(address account);
    /// @notice The approvals do not meet the policy.
    error PolicyNotMet(bytes32 policy, bytes form);
    error CallFailed(uint256 index, bytes reason);
    error TooMany(string what);
    /// @notice The sender of the transaction may not make this call. Nodes revert a contract with it; no contract does.
    /// @param target The contract that it wanted to call, 0 when it wanted to create one.
    error Forbidden(address sender, address target, bytes4 selector);

    // Set by carried proposals only (and in the constructor).

    /// @notice Sets a named policy; an empty form removes it. The eight that must be there cannot be removed, nor one
    /// that is a topic.
    function setPolicy(bytes32 name, bytes calldata form) external;

    /// @notice Says who may call a contract, or a method of it; an empty form removes the rule. Not for this contract.
    function setAccess(address target, bytes4 selector, bool isWhole, bytes calldata form) external;

    /// @notice Says whose endorsement a change of a contract, or of a slot, needs; an empty form removes it.
    /// Not for this contract.
    function setGuard(address target, bytes32 slot, bool isWhole, bytes calldata form) external;

    /// @notice Says which named policy decides on calls of a proposal to `target`; 0 for `governance`. `policies` decides
    /// on calls to this contract and `membership` on calls to `members()`, always.
    function setTopic(address target, bytes32 policy_) external;

    // Governance.

    /// @notice Proposes calls, made by this contract when carried. The proposer approves.
    /// @param lifetime Blocks in which it can be approved and executed, 1 to `lifetimeMax`.
    function propose(Call[] calldata calls, string calldata description, uint64 lifetime) external returns (uint256 id);

    function approve(uint256 id) external;

    /// @notice Hands in approvals that were signed elsewhere:
    /// `Approval(uint256 proposal,bytes32 content)` under the domain ("Hanse Policies", "1", chain id, this contract).
    /// @dev At most 64 at a time. Passes over who has approved already, so that nobody can spoil the others by handing
    /// one in first, and who has withdrawn: that approval can be given again only by `approve`. The caller's own needs
    /// no signature.
    function approveFor(uint256 id, Approval[] calldata approvals) external;

    function withdrawApproval(uint256 id) external;

    /// @notice The proposer takes the proposal back.
    function withdraw(uint256 id) external;

    /// @notice Carries out a proposal whose policies hold now; anybody may.
    function execute(uint256 id) external;

    // Endorsement.

    /// @notice Records approvals of one transaction to come:
    /// `Endorsement(address sender,uint64 nonce,address to,uint256 value,bytes32 data)`, where `data` is the hash of the
    /// input and `to` is 0 for a deployment.
    /// @dev As `approveFor` does. Nothing takes an endorsement back but a revocation of the account, or the nonce.
    function endorse(
        address sender,
        uint64 nonce,
        address to,
        uint256 value,
        bytes32 data,
        Approval[] calldata approvals
    ) external returns (bytes32 transaction);

    /// @notice Whether the endorsements of a transaction suffice for a form now.
    function isEndorsed(bytes32 transaction, bytes calldata form) external view returns (bool);

    function endorsementHash(address sender, uint64 nonce, address to, uint256 value, bytes32 data)
        external
        view
        returns (bytes32);

    function endorsers(bytes32 transaction) external view returns (address[] memory);

    // What anybody may read.

    /// @notice Changes with every change of policies, rules and guards.
    /// It is a hash over all changes, so that equal versions mean equal rules on any branch of the chain.
    function version() external view returns (bytes32);

    /// @notice The rights of a sender with this record (`Members.record`) now.
    function rightsOf(uint256 record) external view returns (Rights memory rights);

    /// @notice Whether a form holds for these approvers now (at most 64; each counts once).
    function holds(bytes calldata form, address[] calldata approvers_) external view returns (bool);

    /// @notice Reverts with `InvalidForm` unless this is a form.
    function check(bytes calldata form) external pure;

    function policy(bytes32 name) external view returns (bytes memory form);

    function policies() external view returns (NamedPolicy[] memory list);

    function accessRules() external view returns (AccessRule[] memory);

    function guards() external view returns (Guard[] memory);

    function topic(address target) external view returns (bytes32 policy_);

    function topics() external view returns (address[] memory targets, bytes32[] memory names);

    function proposalCount() external view returns (uint256);

    function proposal(uint256 id) external view returns (Proposal memory known);

    function approvers(uint256 id) external view returns (address[] memory);

    /// @notice Whether a proposal could be executed now, and if not, the first policy that is not met.
    function isCarried(uint256 id) external view returns (bool, bytes32 missing);

    /// @notice The governing policy that nobody could meet, whoever approves, or `send` if no admin can send anything;
    /// 0 when all is well. No execution leaves this contract in such a state.
    function deadlock() external view returns (bytes32 name);

    function lifetimeMax() external view returns (uint64);

    function members() external view returns (address);
}
