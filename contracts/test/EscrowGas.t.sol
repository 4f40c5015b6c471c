// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {vm} from "./Base.sol";
import {Market} from "./Market.sol";

/// @title What each step of an order costs a sender, whole transactions.
/// @dev Run with `npm run gas`, which compares with snapshots/EscrowGasTest.json. Everybody has used the currency
/// before, as in daily business: only the order itself is new to the ledger.
contract EscrowGasTest is Market {
    function setUp() public override {
        super.setUp();
        vm.startPrank(bank);
        pounds.issue(carrier, 1);
        pounds.issue(address(escrow), 1);
        vm.stopPrank();
        // The currency's number, the counters and the shopper's permit nonce exist already.
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        vm.startPrank(shopper);
        escrow.authorizeWithPermit("an order before", terms(), permit);
        escrow.cancel("an order before", REASON);
        pounds.approve(address(escrow), type(uint256).max);
        vm.stopPrank();
    }

    function test_GasOfAuthorize() public {
        authorize();
        vm.snapshotGasLastCall("authorize");
    }

    function test_GasOfAuthorizeWithPermit() public {
        vm.prank(shopper);
        pounds.approve(address(escrow), 0);
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        vm.prank(shopper);
        escrow.authorizeWithPermit(id, terms(), permit);
        vm.snapshotGasLastCall("authorize with permit");
    }

    function test_GasOfShip() public {
        reach(IEscrow.State.Authorized);
        ship();
        vm.snapshotGasLastCall("ship");
    }

    function test_GasOfDeliver() public {
        reach(IEscrow.State.Shipped);
        deliver();
        vm.snapshotGasLastCall("deliver, inspection follows");
    }

    function test_GasOfDeliverAndCapture() public {
        IEscrow.Terms memory given = terms();
        given.inspectionSeconds = 0;
        authorize(given);
        ship();
        deliver();
        vm.snapshotGasLastCall("deliver and capture");
    }

    function test_GasOfCapture() public {
        reach(IEscrow.State.Delivered);
        capture();
        vm.snapshotGasLastCall("capture");
    }

    function test_GasOfCancel() public {
        reach(IEscrow.State.Authorized);
        cancel(shopper);
        vm.snapshotGasLastCall("cancel");
    }

    function test_GasOfExpire() public {
        reach(IEscrow.State.Authorized);
        vm.warp(block.timestamp + SHIP_SECONDS + 1);
        expire();
        vm.snapshotGasLastCall("expire");
    }

    function test_GasOfRefundBeforeCapture() public {
        reach(IEscrow.State.Delivered);
        refund(AMOUNT / 2);
        vm.snapshotGasLastCall("refund before capture");
    }

    function test_GasOfRefundAfterCapture() public {
        reach(IEscrow.State.Captured);
        refund(AMOUNT / 2);
        vm.snapshotGasLastCall("refund after capture");
    }
}
