// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";

import {IMembers} from "../interfaces/IMembers.sol";
import {IPolicies} from "../interfaces/IPolicies.sol";
import {Forms} from "./Forms.sol";
import {Roles} from "./Roles.sol";

/// @title The policies themselves: named ones, access rules, guards, topics; and what they amount to for one sender.
/// @notice **What a proposal cannot do.** This contract is the only one that may change these, and it calls only what a
/// carried proposal says. Policies decide on calls to this contract by `policies`, on calls to Members by `membership`;
/// no topic changes that. No access rule or guard is about this contract, so that none can stand in the way of the
/// proposal that removes it.
///
/// **Deadlocks.** `deadlock` says whether a governing policy is left that nobody can meet: it supposes that every active
/// organization approves with as many accounts as may, in all roles that it has been given. So it finds policies that
/// name an organization which is not there, a role which it has not, more of something than there is. It does not find
/// an organization that will not, or whose keys are lost. `membership` can help there (`Members.appoint`), as long as
/// it does not itself need that organization. Therefore let no governing policy need each of its organizations.
abstract contract Rulebook is IPolicies {
    using StorageSlot for bytes32;

    /// @notice Where the version is, and nothing else. Nodes read it directly.
    /// @dev keccak256("hanse.policies.version") - 1 and so on, as ERC-7201 says.
    bytes32 public constant VERSION_SLOT =
        keccak256(abi.encode(uint256(keccak256("hanse.policies.version")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice How many policies may have names.
    uint256 public constant POLICIES_MAX = 64;
    /// @notice How many access rules there may be.
    uint256 public constant ACCESS_RULES_MAX = 256;
    /// @notice How many guards.
    uint256 public constant GUARDS_MAX = 64;
    /// @notice How many contracts may have a topic of their own.
    uint256 public constant TOPICS_MAX = 64;

    bytes32 internal constant GOVERNANCE = "governance";
    bytes32 internal constant MEMBERSHIP = "membership";
    bytes32 internal constant POLICIES = "policies";
    bytes32 private constant VALIDATORS = "validators";
    bytes32 private constant UPGRADES = "upgrades";
    bytes32 private constant ENGINE = "engine";
    bytes32 internal constant SEND = "send";
    bytes32 internal constant DEPLOY = "deploy";

    /// @inheritdoc IPolicies
    address public immutable members;

    bytes32[] private _names;
    mapping(bytes32 name => bytes) private _forms;
    AccessRule[] private _accessRules;
    mapping(bytes32 key => uint256) private _accessPlaces; // from 1
    Guard[] private _guards;
    mapping(bytes32 key => uint256) private _guardPlaces; // from 1
    address[] private _topicTargets;
    mapping(address target => bytes32) private _topicOf;
    mapping(bytes32 name => uint256) private _topicUses;

    /// @param members_ Who takes part. It is not asked anything here, so it may be put there afterwards.
    /// @param policies_ All named policies from the beginning.
    /// @param topics_ Which of them decide on calls to which contract.
    constructor(address members_, NamedPolicy[] memory policies_, Topic[] memory topics_) {
        members = members_;
        for (uint256 i = 0; i < policies_.length; ++i) {
            if (_forms[policies_[i].name].length != 0) revert InvalidName(policies_[i].name);
            _setPolicy(policies_[i].name, policies_[i].form);
        }
        bytes32[8] memory needed = _governing();
        for (uint256 i = 0; i < needed.length; ++i) {
            if (_forms[needed[i]].length == 0) revert UnknownPolicy(needed[i]);
        }
        for (uint256 i = 0; i < topics_.length; ++i) {
            _setTopic(topics_[i].target, topics_[i].policy);
        }
    }

    modifier onlyItself() {
        _requireItself();
        _;
    }

    /// @inheritdoc IPolicies
    function setPolicy(bytes32 name, bytes calldata form) external onlyItself {
        _setPolicy(name, form);
    }

    /// @inheritdoc IPolicies
    function setAccess(address target, bytes4 selector, bool isWhole, bytes calldata form) external onlyItself {
        if (target == address(this)) revert MustRemain(POLICIES);
        if (isWhole) selector = 0;
        bytes32 key = keccak256(abi.encode(target, selector, isWhole));
        uint256 place = _accessPlaces[key];
        if (form.length == 0) {
            if (place == 0) revert InvalidRule("access");
            AccessRule storage last = _accessRules[_accessRules.length - 1];
            _accessPlaces[keccak256(abi.encode(last.target, last.selector, last.isWhole))] = place;
            _accessPlaces[key] = 0;
            if (place != _accessRules.length) _accessRules[place - 1] = last;
            _accessRules.pop();
        } else {
            Forms.check(form);
            if (place != 0) {
                _accessRules[place - 1].form = form;
            } else {
                if (_accessRules.length == ACCESS_RULES_MAX) revert TooMany("access rules");
                _accessRules.push(AccessRule({target: target, selector: selector, isWhole: isWhole, form: form}));
                _accessPlaces[key] = _accessRules.length;
            }
        }
        _noteChange(abi.encode("access", target, selector, isWhole, form));
        emit AccessSet(target, selector, isWhole, form);
    }

    /// @inheritdoc IPolicies
    function setGuard(address target, bytes32 slot, bool isWhole, bytes calldata form) external onlyItself {
        if (target == address(this)) revert MustRemain(POLICIES);
        if (isWhole) slot = 0;
        bytes32 key = keccak256(abi.encode(target, slot, isWhole));
        uint256 place = _guardPlaces[key];
        if (form.length == 0) {
            if (place == 0) revert InvalidRule("guard");
            Guard storage last = _guards[_guards.length - 1];
            _guardPlaces[keccak256(abi.encode(last.target, last.slot, last.isWhole))] = place;
            _guardPlaces[key] = 0;
            if (place != _guards.length) _guards[place - 1] = last;
            _guards.pop();
        } else {
            Forms.check(form);
            if (place != 0) {
                _guards[place - 1].form = form;
            } else {
                if (_guards.length == GUARDS_MAX) revert TooMany("guards");
                _guards.push(Guard({target: target, slot: slot, isWhole: isWhole, form: form}));
                _guardPlaces[key] = _guards.length;
            }
        }
        _noteChange(abi.encode("guard", target, slot, isWhole, form));
        emit GuardSet(target, slot, isWhole, form);
    }

    /// @inheritdoc IPolicies
    function setTopic(address target, bytes32 policy_) external onlyItself {
        _setTopic(target, policy_);
    }

    /// @inheritdoc IPolicies
    function version() external view returns (bytes32) {
        return VERSION_SLOT.getBytes32Slot().value;
    }

    /// @inheritdoc IPolicies
    function rightsOf(uint256 record) external view returns (Rights memory rights) {
        (bytes32 organization, uint32 roles, uint64 until) = IMembers(members).rolesOf(record);
        uint256 active = IMembers(members).activeCount();
        rights = _rightsOf(Forms.crowdOf(organization, roles, active));
        rights.until = until;
        // The record without its end: what it would be if time had not passed.
        uint256 endless = record & type(uint96).max;
        if (organization != 0 || endless == record) return rights;
        (organization, roles,) = IMembers(members).rolesOf(endless);
        if (organization == 0) return rights;
        Rights memory before = _rightsOf(Forms.crowdOf(organization, roles, active));
        rights.isExpired = keccak256(abi.encode(before.maySend, before.mayDeploy, before.denials, before.exceptions))
            != keccak256(abi.encode(rights.maySend, rights.mayDeploy, rights.denials, rights.exceptions));
    }

    /// @inheritdoc IPolicies
    function holds(bytes calldata form, address[] calldata approvers_) external view returns (bool) {
        Forms.check(form);
        if (approvers_.length > Forms.APPROVERS_MAX) revert TooMany("approvers");
        address[] memory different = new address[](approvers_.length);
        uint256 count = 0;
        for (uint256 i = 0; i < approvers_.length; ++i) {
            uint256 place = 0;
            while (place < count && different[place] != approvers_[i]) ++place;
            if (place == count) different[count++] = approvers_[i];
        }
        assembly ("memory-safe") {
            mstore(different, count)
        }
        return Forms.holds(form, _crowdOf(different));
    }

    /// @inheritdoc IPolicies
    function check(bytes calldata form) external pure {
        Forms.check(form);
    }

    /// @inheritdoc IPolicies
    function policy(bytes32 name) external view returns (bytes memory form) {
        return _forms[name];
    }

    /// @inheritdoc IPolicies
    function policies() external view returns (NamedPolicy[] memory list) {
        list = new NamedPolicy[](_names.length);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = NamedPolicy({name: _names[i], form: _forms[_names[i]]});
        }
    }

    /// @inheritdoc IPolicies
    function accessRules() external view returns (AccessRule[] memory) {
        return _accessRules;
    }

    /// @inheritdoc IPolicies
    function guards() external view returns (Guard[] memory) {
        return _guards;
    }

    /// @inheritdoc IPolicies
    function topic(address target) external view returns (bytes32 policy_) {
        return _topic(target);
    }

    /// @inheritdoc IPolicies
    function topics() external view returns (address[] memory targets, bytes32[] memory names) {
        targets = _topicTargets;
        names = new bytes32[](targets.length);
        for (uint256 i = 0; i < targets.length; ++i) {
            names[i] = _topicOf[targets[i]];
        }
    }

    /// @inheritdoc IPolicies
    function deadlock() external view returns (bytes32 name) {
        return _deadlock();
    }

    function _topic(address target) internal view returns (bytes32) {
        if (target == address(this)) return POLICIES;
        if (target == members) return MEMBERSHIP;
        bytes32 own = _topicOf[target];
        return own == 0 ? GOVERNANCE : own;
    }

    function _form(bytes32 name) internal view returns (bytes memory) {
        return _forms[name];
    }

    /// @dev What these accounts, all different, are now.
    function _crowdOf(address[] memory accounts) internal view returns (Forms.Crowd memory) {
        (bytes32[] memory organizations, uint32[] memory roles) = IMembers(members).standings(accounts);
        return Forms.crowdOf(organizations, roles, IMembers(members).activeCount());
    }

    function _deadlock() internal view returns (bytes32) {
        (bytes32[] memory ids, uint32[] memory roles) = IMembers(members).activeOrganizations();
        Forms.Crowd memory everybody = Forms.crowdOf(ids, roles, ids.length);
        everybody.isEverybody = true;
        bytes32[8] memory names = _governing();
        for (uint256 i = 0; i < 6; ++i) {
            if (!Forms.holds(_forms[names[i]], everybody)) return names[i];
        }
        // Who may send can hand in what others signed; but a proposal is made by an admin.
        bytes memory send = _forms[SEND];
        for (uint256 i = 0; i < ids.length; ++i) {
            if (Forms.holds(send, Forms.crowdOf(ids[i], Roles.ADMIN | Roles.MEMBER, ids.length))) return 0;
        }
        return SEND;
    }

    /// @dev Names that always have a policy. The first six govern.
    function _governing() private pure returns (bytes32[8] memory) {
        return [GOVERNANCE, MEMBERSHIP, POLICIES, VALIDATORS, UPGRADES, ENGINE, SEND, DEPLOY];
    }

    function _setPolicy(bytes32 name, bytes memory form) private {
        if (!Roles.isName(name)) revert InvalidName(name);
        bool isThere = _forms[name].length != 0;
        if (form.length == 0) {
            if (!isThere) revert UnknownPolicy(name);
            _requireDispensable(name);
            uint256 place = 0;
            while (_names[place] != name) ++place;
            _names[place] = _names[_names.length - 1];
            _names.pop();
        } else {
            Forms.check(form);
            if (!isThere) {
                if (_names.length == POLICIES_MAX) revert TooMany("policies");
                _names.push(name);
            }
        }
        _forms[name] = form;
        _noteChange(abi.encode("policy", name, form));
        emit PolicySet(name, form);
    }

    function _requireDispensable(bytes32 name) private view {
        bytes32[8] memory names = _governing();
        for (uint256 i = 0; i < names.length; ++i) {
            if (names[i] == name) revert MustRemain(name);
        }
        if (_topicUses[name] != 0) revert MustRemain(name);
    }

    function _setTopic(address target, bytes32 policy_) private {
        if (target == address(this)) revert MustRemain(POLICIES);
        if (target == members) revert MustRemain(MEMBERSHIP);
        if (policy_ != 0 && _forms[policy_].length == 0) revert UnknownPolicy(policy_);
        bytes32 before = _topicOf[target];
        if (before != 0) --_topicUses[before];
        if (policy_ != 0) ++_topicUses[policy_];
        _topicOf[target] = policy_;
        if (before == 0 && policy_ != 0) {
            if (_topicTargets.length == TOPICS_MAX) revert TooMany("topics");
            _topicTargets.push(target);
        } else if (before != 0 && policy_ == 0) {
            uint256 place = 0;
            while (_topicTargets[place] != target) ++place;
            _topicTargets[place] = _topicTargets[_topicTargets.length - 1];
            _topicTargets.pop();
        }
        _noteChange(abi.encode("topic", target, policy_));
        emit TopicSet(target, policy_);
    }

    /// @dev Chained over the content, so that equal versions mean equal rules on any branch of the chain.
    function _noteChange(bytes memory what) private {
        StorageSlot.Bytes32Slot storage slot = VERSION_SLOT.getBytes32Slot();
        slot.value = keccak256(abi.encode(slot.value, what));
    }

    function _requireItself() private view {
        if (msg.sender != address(this)) revert NotGovernor(msg.sender);
    }

    function _rightsOf(Forms.Crowd memory sender) private view returns (Rights memory rights) {
        rights.maySend = Forms.holds(_forms[SEND], sender);
        if (!rights.maySend) rights.send = _forms[SEND];
        rights.mayDeploy = Forms.holds(_forms[DEPLOY], sender);
        if (!rights.mayDeploy) rights.deploy = _forms[DEPLOY];

        AccessRule[] memory rules = _accessRules;
        bool[] memory isAllowed = new bool[](rules.length);
        uint256 denied = 0;
        for (uint256 i = 0; i < rules.length; ++i) {
            isAllowed[i] = Forms.holds(rules[i].form, sender);
            if (!isAllowed[i]) ++denied;
        }
        rights.denials = new Denial[](denied);
        rights.exceptions = new Denial[](rules.length - denied);
        denied = 0;
        uint256 excepted = 0;
        for (uint256 i = 0; i < rules.length; ++i) {
            AccessRule memory rule = rules[i];
            if (!isAllowed[i]) {
                rights.denials[denied++] = Denial(rule.target, rule.selector, rule.isWhole, rule.form);
            } else if (!rule.isWhole) {
                uint256 whole = _accessPlaces[keccak256(abi.encode(rule.target, bytes4(0), true))];
                if (whole == 0 || isAllowed[whole - 1]) continue;
                rights.exceptions[excepted++] = Denial(rule.target, rule.selector, false, "");
            }
        }
        Denial[] memory exceptions = rights.exceptions;
        assembly ("memory-safe") {
            mstore(exceptions, excepted)
        }
    }
}
