// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Roles as bits of a number, and names as words.
library Roles {
    uint32 internal constant MEMBER = 1;
    uint32 internal constant ADMIN = 2;
    /// @dev What somebody has whom an organization serves rather than employs.
    uint32 internal constant CUSTOMER = MEMBER | SHOPPER;
    /// @dev What may be written down: all but the bit of members.
    uint32 internal constant ASSIGNABLE = (2 * SHOPPER - 1) & ~MEMBER;
    uint8 internal constant LAST_BIT = 10;

    uint32 private constant SHOPPER = uint32(1) << LAST_BIT;

    /// @dev Whether a word is a name: a letter, then letters, digits, `-` or `_`, 31 at most, then zeros.
    function isName(bytes32 word) internal pure returns (bool) {
        if (!_isLetter(word[0])) return false;
        uint256 end = 1;
        while (end < 31 && _isInner(word[end])) ++end;
        return uint256(word) << (8 * end) == 0;
    }

    function _isInner(bytes1 char) private pure returns (bool) {
        return _isLetter(char) || (char >= "0" && char <= "9") || char == "-" || char == "_";
    }

    function _isLetter(bytes1 char) private pure returns (bool) {
        return (char >= "A" && char <= "Z") || (char >= "a" && char <= "z");
    }
}
