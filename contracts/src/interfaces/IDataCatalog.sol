// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title What kinds of data the network keeps: whose they are, why, on what ground, where and how long.
/// @notice Each organization's admins register and change what is their organization's own, so an id counts within it.
/// Nothing is ever deleted here: what was said before is in the events. What an organization says of itself binds nobody;
/// what the network has adopted as a rule, every node carries out.
interface IDataCatalog {
    /// @notice Where the data are.
    enum Place {
        Chain, // for all to read, for ever
        Private, // in private collections, their hashes on the chain
        OffChain // elsewhere, at most their hashes on the chain
    }

    /// @notice What an organization says about a kind of data.
    struct Terms {
        string name; // for people
        string purpose;
        string legalBasis; // for instance "GDPR Art. 6(1)(b)"
        Place where;
        bool isPersonal;
        uint32 retentionDays; // 0 for ever
        address[] contracts; // that keep them
        string[] collections; // private ones, by name
    }

    /// @notice An entry of the catalog.
    struct Entry {
        bytes32 owner; // organization
        bytes32 id;
        uint32 revision; // from 1
        uint64 registeredIn; // block
        uint64 changedIn; // block
        uint64 retiredIn; // block, 0 while it is not
        Terms terms;
    }

    /// @notice A rule that nodes carry out: what is older goes, of transactions that call or create one of the contracts
    /// or in which one writes a log, and of the past of their storage. Hashes stay, by which all can still be proven.
    /// Of a contract under several rules the longest time counts.
    struct Rule {
        bytes32 owner; // of the entry that it comes from
        bytes32 id;
        uint32 revision;
        uint32 retentionDays; // not 0
        uint64 adoptedIn; // block
        address[] contracts;
    }

    event EntryRegistered(bytes32 indexed owner, bytes32 indexed id, address indexed by, Terms terms);
    event EntryChanged(bytes32 indexed owner, bytes32 indexed id, address indexed by, uint32 revision, Terms terms);
    event EntryRetired(bytes32 indexed owner, bytes32 indexed id, address indexed by);
    event RuleAdopted(
        bytes32 indexed owner, bytes32 indexed id, uint32 revision, uint32 retentionDays, address[] contracts
    );
    event RuleLifted(bytes32 indexed owner, bytes32 indexed id);

    /// @notice Only an admin of an active organization may do this; to retire an entry, of the one that owns it, or the
    /// governor.
    error NotAdmin(address caller);
    error InvalidEntry(string field);
    error EntryExists(bytes32 owner, bytes32 id);
    error UnknownEntry(bytes32 owner, bytes32 id);
    error EntryIsRetired(bytes32 owner, bytes32 id);
    error NotGovernor(address caller);
    /// @notice Somebody has changed the entry since the rule was proposed.
    error OtherRevision(bytes32 owner, bytes32 id, uint32 revision);
    /// @notice The entry is not of data on the chain, names no contract, or keeps them for ever.
    error NothingToDrop(bytes32 owner, bytes32 id);
    error UnknownRule(bytes32 owner, bytes32 id);
    error TooManyRules();

    /// @notice Registers a kind of data of the caller's organization.
    /// @param id ASCII, left-aligned: a letter, then up to 30 letters, digits, `-` or `_`.
    function register(bytes32 id, Terms calldata terms) external;

    /// @notice Replaces what is said about one.
    function change(bytes32 id, Terms calldata terms) external;

    /// @notice Says that no more such data are collected. For ever; the id is not used again.
    function retire(bytes32 owner, bytes32 id) external;

    /// @notice Makes a rule of what an entry says of its retention, in the place of the rule that came of it before. For
    /// the governor. Later changes of the entry do not change the rule, nor does its retirement.
    /// @param revision of the entry, as those who decide have seen it.
    function adopt(bytes32 owner, bytes32 id, uint32 revision) external;

    /// @notice Takes a rule away. What has gone by then does not come back. For the governor.
    function lift(bytes32 owner, bytes32 id) external;

    /// @notice All rules.
    function rules() external view returns (Rule[] memory);

    function entry(bytes32 owner, bytes32 id) external view returns (Entry memory);

    function entryCount() external view returns (uint256);

    /// @notice Entries of all organizations, oldest first, from `first` on, at most `count`.
    function entries(uint256 first, uint256 count) external view returns (Entry[] memory list);

    function members() external view returns (address);
}
