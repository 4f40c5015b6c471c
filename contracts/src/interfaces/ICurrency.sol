// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

/// @title One ISO 4217 currency as an ERC-20 token with ERC-2612 permits.
/// @notice `decimals()` is the currency's minor unit (2 for GBP, 0 for JPY), so one token unit is one
/// minor unit and no amount is ever fractional. The issuer is the bank that holds the money behind it.
interface ICurrency is IERC20Metadata, IERC20Permit {
    /// @notice The caller is not the issuer.
    error NotIssuer(address caller);

    /// @notice Not an ISO 4217 code: three upper-case letters.
    error InvalidCode(string code);

    /// @notice No ISO 4217 currency has so many decimals.
    error InvalidDecimals(uint8 decimals);

    /// @notice A currency needs an issuer.
    error InvalidIssuer();

    /// @notice The organization that issues and redeems this currency.
    function issuer() external view returns (address);

    /// @notice Creates `amount` minor units for `to`; only the issuer.
    function issue(address to, uint256 amount) external;

    /// @notice Destroys `amount` minor units of the caller's, against money paid out off the ledger.
    function redeem(uint256 amount) external;
}
