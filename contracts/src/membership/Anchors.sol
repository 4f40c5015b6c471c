// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IAnchors} from "../interfaces/IAnchors.sol";

/// @title Heads of hash-chained logs.
/// @notice Open to everybody the network lets send transactions; what somebody anchors binds nobody else.
contract Anchors is IAnchors {
    mapping(address account => Anchor[]) private _anchors;

    /// @inheritdoc IAnchors
    function anchor(bytes32 head, uint64 entries) external returns (uint256 index) {
        if (head == 0 || entries == 0) revert InvalidAnchor();
        Anchor[] storage own = _anchors[msg.sender];
        index = own.length;
        if (index != 0 && entries <= own[index - 1].entries) revert NotMore(entries, own[index - 1].entries);
        own.push(
            Anchor({
                head: head, entries: entries, anchoredIn: uint64(block.number), anchoredAt: uint64(block.timestamp)
            })
        );
        emit Anchored(msg.sender, index, head, entries);
    }

    /// @inheritdoc IAnchors
    function anchorCount(address account) external view returns (uint256) {
        return _anchors[account].length;
    }

    /// @inheritdoc IAnchors
    function anchorAt(address account, uint256 index) external view returns (Anchor memory) {
        if (index >= _anchors[account].length) revert UnknownAnchor(account, index);
        return _anchors[account][index];
    }

    /// @inheritdoc IAnchors
    function lastAnchor(address account) external view returns (Anchor memory last) {
        uint256 count = _anchors[account].length;
        if (count != 0) last = _anchors[account][count - 1];
    }
}
