// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title What kinds of data the network keeps: whose they are, why, on what ground, where and how long.
/// @notice Each organization's admins register and change what is their organization's own, so an id counts within it.
/// Nothing is ever deleted: what was said before is in the events. This says what shall be, and does not enforce it.
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

    event EntryRegistered(bytes32 indexed owner, bytes32 indexed id, address indexed by, Terms terms);
    event EntryChanged(bytes32 indexed owner, bytes32 indexed id, address indexed by, uint32 revision, Terms terms);
    event EntryRetired(bytes32 indexed owner, bytes32 indexed id, address indexed by);

    /// @notice Only an admin of an active organization may do this; to retire an entry, of the one that owns it, or the
    /// governor.
    error NotAdmin(address caller);
    error InvalidEntry(string field);
    error EntryExists(bytes32 owner, bytes32 id);
    error UnknownEntry(bytes32 owner, bytes32 id);
    error EntryIsRetired(bytes32 owner, bytes32 id);

    /// @notice Registers a kind of data of the caller's organization.
    /// @param id ASCII, left-aligned: a letter, then up to 30 letters, digits, `-` or `_`.
    function register(bytes32 id, Terms calldata terms) external;

    /// @notice Replaces what is said about one.
    function change(bytes32 id, Terms calldata terms) external;

    /// @notice Says that no more such data are collected. For ever; the id is not used again.
    function retire(bytes32 owner, bytes32 id) external;

    function entry(bytes32 owner, bytes32 id) external view returns (Entry memory);

    function entryCount() external view returns (uint256);

    /// @notice Entries of all organizations, oldest first, from `first` on, at most `count`.
    function entries(uint256 first, uint256 count) external view returns (Entry[] memory list);

    function members() external view returns (address);
}
