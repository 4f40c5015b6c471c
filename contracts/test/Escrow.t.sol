// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {vm} from "./Base.sol";
import {Market} from "./Market.sol";

contract EscrowAuthorizeTest is Market {
    function test_PaysIntoEscrow() public {
        uint256 balance = pounds.balanceOf(shopper);
        vm.expectEmit(address(escrow));
        emit IEscrow.Authorized(id, shopper, merchant, terms());
        authorize();

        assertEq(pounds.balanceOf(shopper), balance - AMOUNT, "the shopper's balance");
        assertTotals(AMOUNT, AMOUNT, 0, 0);
        IEscrow.Order memory order = escrow.order(id);
        assertEq(keccak256(abi.encode(order.terms)), keccak256(abi.encode(terms())), "terms");
        assertEq(order.shopper, shopper, "shopper");
        assertEq(order.authorizedAt, START, "authorized at");
        assertEq(order.shippedAt + order.deliveredAt + order.closedAt + order.refunded, 0, "nothing else happened");
        assertState(IEscrow.State.Authorized);
    }

    function test_UnknownOrderIsAllZero() public view {
        IEscrow.Order memory unknown;
        assertEq(keccak256(abi.encode(escrow.order(id))), keccak256(abi.encode(unknown)), "order");
        assertState(IEscrow.State.None);
        assertTotals(0, 0, 0, 0);
    }

    function test_AnIdIsUsedOnce() public {
        for (uint256 i = 1; i <= uint256(type(IEscrow.State).max); ++i) {
            id = bytes32(i);
            vm.warp(START);
            reach(IEscrow.State(i));
            vm.expectRevert(abi.encodeWithSelector(IEscrow.OrderExists.selector, id));
            authorize();
        }
    }

    function test_RefusesTermsThatMakeNoSense() public {
        IEscrow.Terms memory given = terms();
        given.merchant = address(0);
        assertRefused(given, "merchant");
        given.merchant = address(escrow);
        assertRefused(given, "merchant");

        given = terms();
        given.carrier = address(0);
        assertRefused(given, "carrier");
        given.carrier = address(escrow);
        assertRefused(given, "carrier");

        given = terms();
        given.currency = address(0);
        assertRefused(given, "currency");
        given.currency = stranger;
        assertRefused(given, "currency");

        given = terms();
        given.amount = 0;
        given.shippingFee = 0;
        assertRefused(given, "amount");
        given.amount = uint128(type(uint96).max) + 1;
        assertRefused(given, "amount");

        given = terms();
        given.shippingFee = AMOUNT + 1;
        assertRefused(given, "shippingFee");

        given = terms();
        given.shipBy = uint64(block.timestamp) - 1;
        assertRefused(given, "shipBy");

        given = terms();
        given.deliverBy = given.shipBy - 1;
        assertRefused(given, "deliverBy");
        given.deliverBy = uint64(block.timestamp + DELIVERY_SECONDS_MAX) + 1;
        assertRefused(given, "deliverBy");
        given.deliverBy = type(uint64).max;
        assertRefused(given, "deliverBy");

        given = terms();
        given.inspectionSeconds = INSPECTION_SECONDS_MAX + 1;
        assertRefused(given, "inspectionSeconds");
    }

    function test_TakesTermsAtTheirLimits() public {
        IEscrow.Terms memory given = terms();
        given.carrier = merchant;
        given.amount = 1;
        given.shippingFee = 1;
        given.shipBy = uint64(block.timestamp);
        given.deliverBy = uint64(block.timestamp);
        authorize(given);
        assertEq(keccak256(abi.encode(escrow.order(id).terms)), keccak256(abi.encode(given)), "the least");

        id = "order 2";
        given.amount = type(uint96).max;
        given.shippingFee = type(uint96).max;
        given.deliverBy = uint64(block.timestamp + DELIVERY_SECONDS_MAX);
        given.shipBy = given.deliverBy;
        given.inspectionSeconds = INSPECTION_SECONDS_MAX;
        vm.prank(bank);
        pounds.issue(shopper, type(uint96).max);
        authorize(given);
        assertEq(keccak256(abi.encode(escrow.order(id).terms)), keccak256(abi.encode(given)), "the most");
    }

    function test_NeedsTheMoney() public {
        vm.prank(shopper);
        pounds.approve(address(escrow), AMOUNT - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), AMOUNT - 1, AMOUNT
            )
        );
        authorize();

        vm.startPrank(stranger);
        pounds.approve(address(escrow), AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, stranger, 0, AMOUNT));
        escrow.authorize(id, terms());
        assertState(IEscrow.State.None);
    }

    function assertRefused(IEscrow.Terms memory given, string memory what) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidTerms.selector, what));
        authorize(given);
    }
}

contract EscrowPermitTest is Market {
    function setUp() public override {
        super.setUp();
        vm.prank(shopper);
        pounds.approve(address(escrow), 0);
    }

    function test_PaysWithoutAnApproval() public {
        vm.expectEmit(address(escrow));
        emit IEscrow.Authorized(id, shopper, merchant, terms());
        authorizeWith(permitFor(shopperKey, pounds, AMOUNT, block.timestamp));
        assertState(IEscrow.State.Authorized);
        assertTotals(AMOUNT, AMOUNT, 0, 0);
        assertEq(pounds.allowance(shopper, address(escrow)), 0, "nothing is left of the allowance");
    }

    // The permit is visible before it is in a block, and anybody may send it to the currency first. That used to
    // be a way of making other people's payments fail; it changes nothing here.
    function test_PermitSentAheadDoesNotStopTheOrder() public {
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        vm.prank(stranger);
        pounds.permit(shopper, address(escrow), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        authorizeWith(permit);
        assertState(IEscrow.State.Authorized);
    }

    function test_AFailedPermitIsNoAllowance() public {
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, AMOUNT)
        );
        authorizeWith(permit);
    }

    function test_APermitForTooLittleIsNotEnough() public {
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT - 1, block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), AMOUNT - 1, AMOUNT
            )
        );
        authorizeWith(permit);
    }

    function test_NobodySpendsAnothersPermit() public {
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, AMOUNT)
        );
        vm.prank(stranger);
        escrow.authorizeWithPermit(id, terms(), permit);
    }

    function test_ChecksTheTermsToo() public {
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        IEscrow.Terms memory given = terms();
        given.amount = 0;
        given.shippingFee = 0;
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidTerms.selector, "amount"));
        vm.prank(shopper);
        escrow.authorizeWithPermit(id, given, permit);

        authorizeWith(permit);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.OrderExists.selector, id));
        authorizeWith(permit);
    }

    function authorizeWith(IEscrow.Permit memory permit) private {
        vm.prank(shopper);
        escrow.authorizeWithPermit(id, terms(), permit);
    }
}

contract EscrowLifeTest is Market {
    function test_ShipsUntilTheDeadline() public {
        authorize();
        vm.warp(START + SHIP_SECONDS);
        vm.expectEmit(address(escrow));
        emit IEscrow.Shipped(id, carrier, TRACKING);
        ship();
        assertState(IEscrow.State.Shipped);
        assertEq(escrow.order(id).shippedAt, START + SHIP_SECONDS, "shipped at");
        assertTotals(AMOUNT, AMOUNT, 0, 0);
    }

    function test_DoesNotShipAfterTheDeadline() public {
        authorize();
        vm.warp(START + SHIP_SECONDS + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, START + SHIP_SECONDS));
        ship();
    }

    function test_DeliversUntilTheDeadline() public {
        reach(IEscrow.State.Shipped);
        vm.warp(START + DELIVER_SECONDS);
        vm.expectEmit(address(escrow));
        emit IEscrow.Delivered(id, carrier, PROOF);
        deliver();
        assertState(IEscrow.State.Delivered);
        assertEq(escrow.order(id).deliveredAt, START + DELIVER_SECONDS, "delivered at");
        assertTotals(AMOUNT, AMOUNT, 0, 0);
    }

    function test_DoesNotDeliverAfterTheDeadline() public {
        reach(IEscrow.State.Shipped);
        vm.warp(START + DELIVER_SECONDS + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, START + DELIVER_SECONDS));
        deliver();
    }

    function test_DeliveryWithoutInspectionCaptures() public {
        IEscrow.Terms memory given = terms();
        given.inspectionSeconds = 0;
        authorize(given);
        ship();
        uint256 balance = pounds.balanceOf(merchant);
        vm.expectEmit(address(escrow));
        emit IEscrow.Delivered(id, carrier, PROOF);
        vm.expectEmit(address(escrow));
        emit IEscrow.Captured(id, AMOUNT - SHIPPING_FEE, SHIPPING_FEE);
        deliver();
        assertState(IEscrow.State.Captured);
        assertEq(pounds.balanceOf(merchant), balance + AMOUNT - SHIPPING_FEE, "the merchant's balance");
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertTotals(AMOUNT, 0, AMOUNT, 0);
    }

    function test_TheShopperCapturesAtOnce() public {
        reach(IEscrow.State.Delivered);
        uint256 balance = pounds.balanceOf(merchant);
        vm.warp(START + 5);
        vm.expectEmit(address(escrow));
        emit IEscrow.Captured(id, AMOUNT - SHIPPING_FEE, SHIPPING_FEE);
        capture();
        assertState(IEscrow.State.Captured);
        assertEq(escrow.order(id).closedAt, START + 5, "closed at");
        assertEq(pounds.balanceOf(merchant), balance + AMOUNT - SHIPPING_FEE, "the merchant's balance");
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertTotals(AMOUNT, 0, AMOUNT, 0);
    }

    function test_AnybodyCapturesAfterTheInspection() public {
        reach(IEscrow.State.Delivered);
        vm.warp(START + INSPECTION_SECONDS - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, START + INSPECTION_SECONDS));
        vm.prank(stranger);
        escrow.capture(id);

        vm.warp(START + INSPECTION_SECONDS);
        vm.prank(stranger);
        escrow.capture(id);
        assertState(IEscrow.State.Captured);
    }

    function test_TheInspectionMayEndAfterTheDeadlines() public {
        IEscrow.Terms memory given = terms();
        given.inspectionSeconds = INSPECTION_SECONDS_MAX;
        authorize(given);
        ship();
        vm.warp(given.deliverBy);
        deliver();
        vm.warp(uint256(given.deliverBy) + given.inspectionSeconds);
        vm.prank(stranger);
        escrow.capture(id);
        assertState(IEscrow.State.Captured);
    }

    function test_TheFeeMayBeNothingOrEverything() public {
        IEscrow.Terms memory given = terms();
        given.shippingFee = 0;
        authorize(given);
        ship();
        deliver();
        capture();
        assertEq(pounds.balanceOf(carrier), 0, "without a fee");

        id = "order 2";
        given.shippingFee = AMOUNT;
        authorize(given);
        ship();
        deliver();
        uint256 balance = pounds.balanceOf(merchant);
        capture();
        assertEq(pounds.balanceOf(carrier), AMOUNT, "with nothing but a fee");
        assertEq(pounds.balanceOf(merchant), balance, "the merchant's balance");
        assertTotals(2 * AMOUNT, 0, 2 * AMOUNT, 0);
    }

    function test_TheShopperCancelsBeforeShipping() public {
        uint256 balance = pounds.balanceOf(shopper);
        authorize();
        vm.warp(START + SHIP_SECONDS);
        vm.expectEmit(address(escrow));
        emit IEscrow.Cancelled(id, shopper, REASON);
        cancel(shopper);
        assertReturned(balance, IEscrow.State.Cancelled);
    }

    function test_TheMerchantCancelsBeforeDelivery() public {
        uint256 balance = pounds.balanceOf(shopper);
        authorize();
        cancel(merchant);
        assertReturned(balance, IEscrow.State.Cancelled);

        id = "order 2";
        authorize();
        ship();
        vm.warp(START + DELIVER_SECONDS);
        vm.expectEmit(address(escrow));
        emit IEscrow.Cancelled(id, merchant, REASON);
        cancel(merchant);
        assertState(IEscrow.State.Cancelled);
        assertTotals(2 * AMOUNT, 0, 0, 2 * AMOUNT);
    }

    function test_AfterADeadlineThereIsNothingToCancel() public {
        authorize();
        vm.warp(START + SHIP_SECONDS + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, START + SHIP_SECONDS));
        cancel(shopper);

        vm.warp(START);
        ship();
        vm.warp(START + DELIVER_SECONDS + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, START + DELIVER_SECONDS));
        cancel(merchant);
    }

    function test_ExpiresWhenNotShipped() public {
        uint256 balance = pounds.balanceOf(shopper);
        authorize();
        vm.warp(START + SHIP_SECONDS);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, START + SHIP_SECONDS));
        expire();

        vm.warp(START + SHIP_SECONDS + 1);
        vm.expectEmit(address(escrow));
        emit IEscrow.Expired(id);
        expire();
        assertReturned(balance, IEscrow.State.Expired);
    }

    function test_ExpiresWhenNotDelivered() public {
        uint256 balance = pounds.balanceOf(shopper);
        reach(IEscrow.State.Shipped);
        vm.warp(START + DELIVER_SECONDS);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, START + DELIVER_SECONDS));
        expire();

        vm.warp(START + DELIVER_SECONDS + 1);
        expire();
        assertReturned(balance, IEscrow.State.Expired);
    }

    /// Each state × each call × each person: 8 × 6 × 5, and exactly eight of these may.
    function test_EveryOtherCallIsRefused() public {
        address[5] memory people = [shopper, merchant, carrier, stranger, bank];
        uint256 allowed = 0;
        for (uint256 from = 0; from <= uint256(type(IEscrow.State).max); ++from) {
            for (uint256 call = 0; call < 6; ++call) {
                for (uint256 i = 0; i < people.length; ++i) {
                    id = keccak256(abi.encode(from, call, i));
                    vm.warp(START);
                    reach(IEscrow.State(from));
                    bytes memory expected = refusal(IEscrow.State(from), call, people[i]);
                    vm.prank(people[i]);
                    (bool success, bytes memory answer) = address(escrow).call(callOf(call));
                    assertTrue(success == (expected.length == 0), "allowed");
                    if (success) ++allowed;
                    else assertEq(keccak256(answer), keccak256(expected), "the reason");
                }
            }
        }
        assertEq(allowed, 8, "allowed calls");
    }

    /// @dev In the order: ship, deliver, capture, cancel, expire, refund.
    function callOf(uint256 call) private view returns (bytes memory) {
        if (call == 0) return abi.encodeCall(IEscrow.ship, (id, TRACKING));
        if (call == 1) return abi.encodeCall(IEscrow.deliver, (id, PROOF));
        if (call == 2) return abi.encodeCall(IEscrow.capture, (id));
        if (call == 3) return abi.encodeCall(IEscrow.cancel, (id, REASON));
        if (call == 4) return abi.encodeCall(IEscrow.expire, (id));
        return abi.encodeCall(IEscrow.refund, (id, 1, REASON));
    }

    /// @dev The error that the law of the market asks for, empty when the call is allowed.
    function refusal(IEscrow.State from, uint256 call, address caller) private view returns (bytes memory) {
        bytes memory allowed;
        bytes memory notAllowed = abi.encodeWithSelector(IEscrow.NotAllowed.selector, id, caller);
        if (from == IEscrow.State.Authorized) {
            if (call == 0) return caller == merchant ? allowed : notAllowed;
            if (call == 3) return caller == merchant || caller == shopper ? allowed : notAllowed;
            if (call == 4) return abi.encodeWithSelector(IEscrow.TooEarly.selector, START + SHIP_SECONDS);
        } else if (from == IEscrow.State.Shipped) {
            if (call == 1) return caller == carrier ? allowed : notAllowed;
            if (call == 3) return caller == merchant ? allowed : notAllowed;
            if (call == 4) return abi.encodeWithSelector(IEscrow.TooEarly.selector, START + DELIVER_SECONDS);
        } else if (from == IEscrow.State.Delivered) {
            if (call == 2 && caller == shopper) return allowed;
            if (call == 2) return abi.encodeWithSelector(IEscrow.TooEarly.selector, START + INSPECTION_SECONDS);
            if (call == 5) return caller == merchant ? allowed : notAllowed;
        } else if (from == IEscrow.State.Captured) {
            if (call == 5) return caller == merchant ? allowed : notAllowed;
        }
        return abi.encodeWithSelector(IEscrow.WrongState.selector, id, from);
    }

    function assertReturned(uint256 balance, IEscrow.State state) private view {
        assertState(state);
        assertEq(pounds.balanceOf(shopper), balance, "the shopper's balance");
        assertEq(escrow.order(id).refunded, AMOUNT, "refunded");
        assertEq(escrow.order(id).closedAt, block.timestamp, "closed at");
        assertTotals(AMOUNT, 0, 0, AMOUNT);
    }
}

contract EscrowRefundTest is Market {
    function test_ComesOutOfEscrowBeforeCapture() public {
        reach(IEscrow.State.Delivered);
        uint256 ofShopper = pounds.balanceOf(shopper);
        uint256 ofMerchant = pounds.balanceOf(merchant);
        vm.expectEmit(address(escrow));
        emit IEscrow.Refunded(id, 4000, REASON);
        refund(4000);
        assertState(IEscrow.State.Delivered);
        assertEq(pounds.balanceOf(shopper), ofShopper + 4000, "the shopper's balance");
        assertEq(escrow.order(id).refunded, 4000, "refunded");
        assertTotals(AMOUNT, AMOUNT - 4000, 0, 4000);

        vm.expectEmit(address(escrow));
        emit IEscrow.Captured(id, 6000, SHIPPING_FEE);
        capture();
        assertState(IEscrow.State.Captured);
        assertEq(pounds.balanceOf(merchant), ofMerchant + 6000, "the merchant's balance");
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertTotals(AMOUNT, 0, AMOUNT - 4000, 4000);
    }

    function test_OfTheMerchantsWholePartPaysTheCarrier() public {
        reach(IEscrow.State.Delivered);
        refund(AMOUNT - SHIPPING_FEE - 1);
        assertState(IEscrow.State.Delivered);
        assertEq(pounds.balanceOf(carrier), 0, "the carrier's balance, while the merchant has a penny to get");

        vm.expectEmit(address(escrow));
        emit IEscrow.Captured(id, 0, SHIPPING_FEE);
        vm.expectEmit(address(escrow));
        emit IEscrow.Refunded(id, 1, REASON);
        refund(1);
        assertState(IEscrow.State.Captured);
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertEq(escrow.order(id).closedAt, block.timestamp, "closed at");
        assertTotals(AMOUNT, 0, SHIPPING_FEE, AMOUNT - SHIPPING_FEE);
    }

    function test_OfTheWholeAmountBeforeCaptureCostsTheMerchantTheFee() public {
        uint256 ofShopper = pounds.balanceOf(shopper);
        reach(IEscrow.State.Delivered);
        uint256 ofMerchant = pounds.balanceOf(merchant);
        refund(AMOUNT);
        assertState(IEscrow.State.Refunded);
        assertEq(pounds.balanceOf(shopper), ofShopper, "the shopper's balance");
        assertEq(pounds.balanceOf(merchant), ofMerchant - SHIPPING_FEE, "the merchant's balance");
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertTotals(AMOUNT, 0, 0, AMOUNT);
    }

    function test_OfTheWholeAmountWithoutAFeeNeedsNoMoneyOfTheMerchants() public {
        IEscrow.Terms memory given = terms();
        given.shippingFee = 0;
        uint256 ofShopper = pounds.balanceOf(shopper);
        authorize(given);
        ship();
        deliver();
        vm.prank(merchant);
        pounds.approve(address(escrow), 0);
        vm.recordLogs();
        refund(AMOUNT);
        assertEq(vm.getRecordedLogs().length, 2, "Refunded and the currency's Transfer, nothing captured");
        assertState(IEscrow.State.Refunded);
        assertEq(pounds.balanceOf(shopper), ofShopper, "the shopper's balance");
        assertEq(escrow.order(id).closedAt, block.timestamp, "closed at");
        assertTotals(AMOUNT, 0, 0, AMOUNT);
    }

    function test_ComesFromTheMerchantAfterCapture() public {
        reach(IEscrow.State.Captured);
        uint256 ofShopper = pounds.balanceOf(shopper);
        uint256 ofMerchant = pounds.balanceOf(merchant);
        vm.warp(START + 1000 days);
        vm.expectEmit(address(escrow));
        emit IEscrow.Refunded(id, 3000, REASON);
        refund(3000);
        assertState(IEscrow.State.Captured);
        assertTotals(AMOUNT, 0, AMOUNT - 3000, 3000);

        refund(AMOUNT - 3000);
        assertState(IEscrow.State.Refunded);
        assertEq(pounds.balanceOf(shopper), ofShopper + AMOUNT, "the shopper's balance");
        assertEq(pounds.balanceOf(merchant), ofMerchant - AMOUNT, "the merchant's balance");
        assertEq(pounds.balanceOf(carrier), SHIPPING_FEE, "the carrier keeps the fee");
        assertEq(escrow.order(id).closedAt, START, "closed at capture");
        assertTotals(AMOUNT, 0, 0, AMOUNT);
    }

    function test_IsNeverMoreThanWasPaid() public {
        reach(IEscrow.State.Delivered);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, AMOUNT + 1, AMOUNT));
        refund(AMOUNT + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, type(uint256).max, AMOUNT));
        refund(type(uint256).max);
        refund(500);
        capture();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, AMOUNT, AMOUNT - 500));
        refund(AMOUNT);
    }

    function test_OfNothingIsRefused() public {
        reach(IEscrow.State.Delivered);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidTerms.selector, "amount"));
        refund(0);
    }

    function test_NeedsTheMerchantsAllowanceAfterCapture() public {
        reach(IEscrow.State.Captured);
        vm.prank(merchant);
        pounds.approve(address(escrow), 0);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, 1));
        refund(1);
        assertEq(escrow.order(id).refunded, 0, "refunded");
        assertTotals(AMOUNT, 0, AMOUNT, 0);
    }
}

/// @dev The escrow keeps times in 32 bits. Nothing must be stuck when they run out, on 7 February 2106.
contract EscrowLastDayTest is Market {
    uint256 private constant LAST = type(uint32).max;

    function setUp() public override {
        super.setUp();
        vm.warp(LAST - 10 days);
    }

    function test_NoDeadlineBeyond() public {
        IEscrow.Terms memory given = terms();
        given.deliverBy = uint64(LAST);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidTerms.selector, "deliverBy"));
        authorize(given);
        given.deliverBy = uint64(LAST) - 1;
        authorize(given);
        assertState(IEscrow.State.Authorized);
    }

    function test_OpenOrdersCloseAfterwards() public {
        IEscrow.Terms memory given = terms();
        given.shipBy = uint64(LAST) - 1;
        given.deliverBy = uint64(LAST) - 1;
        given.inspectionSeconds = 30 days;
        authorize(given);
        id = "order 2";
        authorize(given);
        ship();
        deliver();

        vm.warp(LAST + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, LAST + 20 days));
        vm.prank(stranger);
        escrow.capture(id);
        vm.warp(LAST + 50 days);
        vm.prank(stranger);
        escrow.capture(id);
        assertState(IEscrow.State.Captured);
        refund(AMOUNT);
        assertState(IEscrow.State.Refunded);
        id = "order 1";
        expire();
        assertState(IEscrow.State.Expired);
        assertTotals(2 * AMOUNT, 0, 0, 2 * AMOUNT);

        id = "order 3";
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidTerms.selector, "deliverBy"));
        authorize(terms());
    }
}
