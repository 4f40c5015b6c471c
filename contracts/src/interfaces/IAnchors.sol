// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Heads of hash-chained logs, so that nobody can rewrite a log that others rely on.
/// @notice A log is an account's own. Its entries may only become more: whoever holds a log can see that it leads to the
/// head anchored last, and through all heads before it.
interface IAnchors {
    /// @notice How far a log had come.
    struct Anchor {
        bytes32 head; // hash of the last entry, which covers all before it
        uint64 entries;
        uint64 anchoredIn; // block
        uint64 anchoredAt; // seconds
    }

    event Anchored(address indexed account, uint256 indexed index, bytes32 head, uint64 entries);

    /// @notice A log with a head has entries, and the other way round.
    error InvalidAnchor();
    /// @notice The log had more entries already, or as many.
    error NotMore(uint64 entries, uint64 before);
    error UnknownAnchor(address account, uint256 index);

    /// @notice Anchors the head of the caller's log.
    function anchor(bytes32 head, uint64 entries) external returns (uint256 index);

    function anchorCount(address account) external view returns (uint256);

    /// @notice One of an account's anchors, from 0.
    function anchorAt(address account, uint256 index) external view returns (Anchor memory);

    /// @notice An account's last anchor; empty without any.
    function lastAnchor(address account) external view returns (Anchor memory last);
}
