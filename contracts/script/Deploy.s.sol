// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {Escrow} from "../src/orders/Escrow.sol";
import {Currency} from "../src/token/Currency.sol";

/// @notice The cheatcodes of forge that a deployment uses.
interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @title Puts a currency and the escrow on a ledger.
/// @notice Whoever signs becomes the issuer of the pound:
/// `npx forge script script/Deploy.s.sol --rpc-url URL --broadcast --private-key KEY`.
contract Deploy {
    /// @notice Tells forge that this is a script.
    bool public constant IS_SCRIPT = true;

    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    /// @notice Deploys both and says where they are.
    function run() external returns (Currency pounds, Escrow escrow) {
        vm.startBroadcast();
        pounds = new Currency("Pound sterling", "GBP", 2, msg.sender);
        escrow = new Escrow();
        vm.stopBroadcast();
    }
}
