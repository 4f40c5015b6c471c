// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {ICurrency} from "../interfaces/ICurrency.sol";

/// @title One ISO 4217 currency on the ledger.
/// @notice Money exists here exactly as long as the issuer owes it off the ledger: `issue` against money
/// received, `redeem` against money paid out. Nobody else can create any, and nobody can freeze any.
contract Currency is ERC20, ERC20Permit, ICurrency {
    /// @notice The most decimals any ISO 4217 currency has (table A.1: CLF and UYW).
    uint8 public constant DECIMALS_MAX = 4;

    /// @inheritdoc ICurrency
    address public immutable issuer;

    uint8 private immutable _decimals;

    /// @param name_ The currency's name, for example "Pound sterling"; also the ERC-712 domain name of permits.
    /// @param code The ISO 4217 code, three upper-case letters, for example "GBP".
    /// @param decimals_ The minor unit: 2 for GBP, 0 for JPY, 3 for KWD.
    /// @param issuer_ The organization that issues and redeems.
    constructor(string memory name_, string memory code, uint8 decimals_, address issuer_)
        ERC20(name_, code)
        ERC20Permit(name_)
    {
        bytes memory letters = bytes(code);
        if (letters.length != 3) revert InvalidCode(code);
        for (uint256 i = 0; i < 3; ++i) {
            if (letters[i] < "A" || letters[i] > "Z") revert InvalidCode(code);
        }
        if (decimals_ > DECIMALS_MAX) revert InvalidDecimals(decimals_);
        if (issuer_ == address(0)) revert InvalidIssuer();
        issuer = issuer_;
        _decimals = decimals_;
    }

    /// @inheritdoc ICurrency
    function issue(address to, uint256 amount) external {
        if (msg.sender != issuer) revert NotIssuer(msg.sender);
        _mint(to, amount);
    }

    /// @inheritdoc ICurrency
    function redeem(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// @inheritdoc IERC20Metadata
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }
}
