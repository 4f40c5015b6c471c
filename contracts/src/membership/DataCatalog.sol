// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IDataCatalog} from "../interfaces/IDataCatalog.sol";
import {IMembers} from "../interfaces/IMembers.sol";
import {Roles} from "./Roles.sol";

/// @title The catalog of the data that the network keeps.
/// @notice Its governor is that of the members, which may retire any entry: also of an organization that is gone.
contract DataCatalog is IDataCatalog {
    /// @notice The longest name, purpose, legal basis, name of a collection.
    uint256 public constant TEXT_BYTES_MAX = 512;
    /// @notice How many contracts, and how many collections, an entry may cover.
    uint256 public constant COVERED_MAX = 32;
    /// @notice How many rules there may be.
    uint256 public constant RULES_MAX = 64;

    /// @inheritdoc IDataCatalog
    address public immutable members;

    Entry[] private _entries;
    mapping(bytes32 owner => mapping(bytes32 id => uint256)) private _places; // from 1
    Rule[] private _rules;

    /// @param members_ Who takes part.
    constructor(address members_) {
        members = members_;
    }

    /// @inheritdoc IDataCatalog
    function register(bytes32 id, Terms calldata terms) external {
        bytes32 owner = _requireAdmin();
        if (!Roles.isName(id)) revert InvalidEntry("id");
        _requireSane(terms);
        if (_places[owner][id] != 0) revert EntryExists(owner, id);
        Entry storage made = _entries.push();
        _places[owner][id] = _entries.length;
        made.owner = owner;
        made.id = id;
        made.revision = 1;
        made.registeredIn = uint64(block.number);
        made.changedIn = uint64(block.number);
        made.terms = terms;
        emit EntryRegistered(owner, id, msg.sender, terms);
    }

    /// @inheritdoc IDataCatalog
    function change(bytes32 id, Terms calldata terms) external {
        bytes32 owner = _requireAdmin();
        _requireSane(terms);
        Entry storage changed = _requireCurrent(owner, id);
        changed.revision += 1;
        changed.changedIn = uint64(block.number);
        changed.terms = terms;
        emit EntryChanged(owner, id, msg.sender, changed.revision, terms);
    }

    /// @inheritdoc IDataCatalog
    function retire(bytes32 owner, bytes32 id) external {
        if (msg.sender != IMembers(members).governor() && _requireAdmin() != owner) revert NotAdmin(msg.sender);
        _requireCurrent(owner, id).retiredIn = uint64(block.number);
        emit EntryRetired(owner, id, msg.sender);
    }

    /// @inheritdoc IDataCatalog
    function adopt(bytes32 owner, bytes32 id, uint32 revision) external {
        _requireGovernor();
        Entry storage adopted = _require(owner, id);
        if (adopted.revision != revision) revert OtherRevision(owner, id, adopted.revision);
        Terms storage terms = adopted.terms;
        if (terms.where != Place.Chain || terms.retentionDays == 0 || terms.contracts.length == 0) {
            revert NothingToDrop(owner, id);
        }
        uint256 place = _ruleOf(owner, id);
        if (place == _rules.length) {
            if (place == RULES_MAX) revert TooManyRules();
            _rules.push();
        }
        _rules[place] = Rule({
            owner: owner,
            id: id,
            revision: revision,
            retentionDays: terms.retentionDays,
            adoptedIn: uint64(block.number),
            contracts: terms.contracts
        });
        emit RuleAdopted(owner, id, revision, terms.retentionDays, terms.contracts);
    }

    /// @inheritdoc IDataCatalog
    function lift(bytes32 owner, bytes32 id) external {
        _requireGovernor();
        uint256 place = _ruleOf(owner, id);
        if (place == _rules.length) revert UnknownRule(owner, id);
        _rules[place] = _rules[_rules.length - 1];
        _rules.pop();
        emit RuleLifted(owner, id);
    }

    /// @inheritdoc IDataCatalog
    function rules() external view returns (Rule[] memory) {
        return _rules;
    }

    /// @inheritdoc IDataCatalog
    function entry(bytes32 owner, bytes32 id) external view returns (Entry memory) {
        return _require(owner, id);
    }

    /// @inheritdoc IDataCatalog
    function entryCount() external view returns (uint256) {
        return _entries.length;
    }

    /// @inheritdoc IDataCatalog
    function entries(uint256 first, uint256 count) external view returns (Entry[] memory list) {
        uint256 left = first < _entries.length ? _entries.length - first : 0;
        list = new Entry[](count < left ? count : left);
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _entries[first + i];
        }
    }

    function _requireGovernor() private view {
        if (msg.sender != IMembers(members).governor()) revert NotGovernor(msg.sender);
    }

    /// @dev The place of the rule that came of an entry, or behind the last.
    function _ruleOf(bytes32 owner, bytes32 id) private view returns (uint256 place) {
        while (place < _rules.length && (_rules[place].owner != owner || _rules[place].id != id)) ++place;
    }

    /// @dev The organization for which the caller may act.
    function _requireAdmin() private view returns (bytes32 organization) {
        uint32 roles;
        (organization, roles,) = IMembers(members).rolesOf(IMembers(members).record(msg.sender));
        if (roles & Roles.ADMIN == 0) revert NotAdmin(msg.sender);
    }

    function _requireCurrent(bytes32 owner, bytes32 id) private view returns (Entry storage current) {
        current = _require(owner, id);
        if (current.retiredIn != 0) revert EntryIsRetired(owner, id);
    }

    function _require(bytes32 owner, bytes32 id) private view returns (Entry storage) {
        uint256 place = _places[owner][id];
        if (place == 0) revert UnknownEntry(owner, id);
        return _entries[place - 1];
    }

    function _requireSane(Terms calldata terms) private pure {
        _requireText(terms.name, "name");
        _requireText(terms.purpose, "purpose");
        _requireText(terms.legalBasis, "legalBasis");
        if (terms.contracts.length > COVERED_MAX) revert InvalidEntry("contracts");
        if (terms.collections.length > COVERED_MAX) revert InvalidEntry("collections");
        for (uint256 i = 0; i < terms.collections.length; ++i) {
            _requireText(terms.collections[i], "collections");
        }
    }

    function _requireText(string calldata text, string memory field) private pure {
        if (bytes(text).length == 0 || bytes(text).length > TEXT_BYTES_MAX) revert InvalidEntry(field);
    }
}
