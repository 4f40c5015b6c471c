// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {vm} from "./Base.sol";
import {Market} from "./Market.sol";
import {BlockingCurrency, CallingCurrency, FeeCurrency, IMoneyListener, RefusingToken, SilentToken} from "./Tokens.sol";

/// @title Shopper, merchant and carrier in one, who calls the escrow back whenever money moves.
contract Reentrant is IMoneyListener {
    address private immutable _escrow;
    bytes[] private _attempts;
    bytes[] public answers;

    constructor(address escrow) {
        _escrow = escrow;
    }

    function approve(CallingCurrency currency) external {
        currency.approve(_escrow, type(uint256).max);
    }

    function arm(bytes[] calldata attempts) external {
        delete answers;
        delete _attempts;
        for (uint256 i = 0; i < attempts.length; ++i) {
            _attempts.push(attempts[i]);
        }
    }

    function act(bytes calldata data) external {
        (bool success, bytes memory answer) = _escrow.call(data);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function onMoney() external {
        for (uint256 i = 0; i < _attempts.length; ++i) {
            (, bytes memory answer) = _escrow.call(_attempts[i]);
            answers.push(answer);
        }
    }

    function answerCount() external view returns (uint256) {
        return answers.length;
    }
}

contract EscrowReentrancyTest is Market {
    CallingCurrency private currency;
    Reentrant private reentrant;
    IEscrow.Permit private noPermit;

    function setUp() public override {
        super.setUp();
        currency = new CallingCurrency();
        reentrant = new Reentrant(address(escrow));
        currency.issue(address(reentrant), 100 * AMOUNT);
        reentrant.approve(currency);
        noPermit.value = type(uint256).max;

        // An order for each call, in the state in which it succeeds.
        open("to deliver");
        open("to capture");
        open("to refund");
        open("to cancel");
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 each = [bytes32("to deliver"), "to capture", "to refund"][i];
            reentrant.act(abi.encodeCall(IEscrow.ship, (each, TRACKING)));
            if (i != 0) reentrant.act(abi.encodeCall(IEscrow.deliver, (each, PROOF)));
        }
        reentrant.act(abi.encodeCall(IEscrow.capture, (bytes32("to refund"))));
        // One more than an attempt needs: the money that was withheld from the reentrant.
        open("withheld");
        currency.setBlocked(address(reentrant), true);
        reentrant.act(abi.encodeCall(IEscrow.cancel, (bytes32("withheld"), REASON)));
        currency.setBlocked(address(reentrant), false);
        IEscrow.Terms memory given = reentrantTerms();
        given.shipBy = uint64(block.timestamp);
        reentrant.act(abi.encodeCall(IEscrow.authorize, ("to expire", given)));
        vm.warp(block.timestamp + 1);
    }

    /// Each call that moves money × each call made from within it.
    function test_NoCallFromWithinACall() public {
        uint256 balance = currency.balanceOf(address(reentrant)) + currency.balanceOf(address(escrow));
        bytes[] memory outer = calls();
        for (uint256 i = 0; i < outer.length; ++i) {
            bytes[] memory inner = calls();
            reentrant.arm(inner);
            reentrant.act(outer[i]);
            assertGe(reentrant.answerCount(), inner.length, "money moved, so the reentrant was called");
            bytes32 refused =
                keccak256(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
            for (uint256 j = 0; j < reentrant.answerCount(); ++j) {
                assertEq(keccak256(reentrant.answers(j)), refused, "the answer to a call from within");
            }
        }
        assertEq(
            currency.balanceOf(address(reentrant)) + currency.balanceOf(address(escrow)), balance, "money in the market"
        );
    }

    /// What is read in the middle of a call is the state after it.
    function test_NothingStaleIsReadFromWithin() public {
        assertSeen(abi.encodeCall(IEscrow.cancel, ("to cancel", REASON)), "to cancel", IEscrow.State.Cancelled);
        assertSeen(abi.encodeCall(IEscrow.expire, ("to expire")), "to expire", IEscrow.State.Expired);
        assertSeen(abi.encodeCall(IEscrow.capture, ("to capture")), "to capture", IEscrow.State.Captured);
        assertSeen(abi.encodeCall(IEscrow.refund, ("to refund", AMOUNT, REASON)), "to refund", IEscrow.State.Refunded);
        assertSeen(abi.encodeCall(IEscrow.authorize, ("new", reentrantTerms())), "new", IEscrow.State.Authorized);
        assertEq(escrow.outstanding(address(currency), address(reentrant)), AMOUNT, "outstanding");
        reentrant.arm(one(abi.encodeCall(IEscrow.outstanding, (address(currency), address(reentrant)))));
        reentrant.act(abi.encodeCall(IEscrow.withdraw, (address(currency), address(reentrant))));
        assertEq(abi.decode(reentrant.answers(0), (uint256)), 0, "outstanding while it is paid");
    }

    function assertSeen(bytes memory outer, bytes32 orderId, IEscrow.State seen) private {
        reentrant.arm(one(abi.encodeCall(IEscrow.state, (orderId))));
        reentrant.act(outer);
        assertEq(uint256(abi.decode(reentrant.answers(0), (IEscrow.State))), uint256(seen), "state");
    }

    function one(bytes memory call) private pure returns (bytes[] memory list) {
        list = new bytes[](1);
        list[0] = call;
    }

    /// @dev Every call of the escrow that moves money. Each succeeds when it comes from outside.
    function calls() private view returns (bytes[] memory list) {
        list = new bytes[](8);
        list[0] = abi.encodeCall(IEscrow.authorize, ("new", reentrantTerms()));
        list[1] = abi.encodeCall(IEscrow.authorizeWithPermit, ("new with permit", reentrantTerms(), noPermit));
        list[2] = abi.encodeCall(IEscrow.deliver, ("to deliver", PROOF));
        list[3] = abi.encodeCall(IEscrow.capture, ("to capture"));
        list[4] = abi.encodeCall(IEscrow.cancel, ("to cancel", REASON));
        list[5] = abi.encodeCall(IEscrow.expire, ("to expire"));
        list[6] = abi.encodeCall(IEscrow.refund, ("to refund", 1, REASON));
        list[7] = abi.encodeCall(IEscrow.withdraw, (address(currency), address(reentrant)));
    }

    function open(bytes32 orderId) private {
        IEscrow.Terms memory given = reentrantTerms();
        if (orderId == "to deliver") given.inspectionSeconds = 0;
        reentrant.act(abi.encodeCall(IEscrow.authorize, (orderId, given)));
    }

    function reentrantTerms() private view returns (IEscrow.Terms memory given) {
        given = terms();
        given.merchant = address(reentrant);
        given.carrier = address(reentrant);
        given.currency = address(currency);
    }
}

contract EscrowBlockedTest is Market {
    BlockingCurrency private yen;

    function setUp() public override {
        super.setUp();
        yen = new BlockingCurrency("Blocking yen", "JPY");
        yen.issue(shopper, 10 * AMOUNT);
        vm.prank(shopper);
        yen.approve(address(escrow), type(uint256).max);
    }

    function test_ABlockedCarrierDoesNotHoldUpTheMerchant() public {
        toDelivered();
        yen.setBlocked(carrier, true);
        vm.expectEmit(address(escrow));
        emit IEscrow.Withheld(address(yen), carrier, SHIPPING_FEE);
        capture();
        assertState(IEscrow.State.Captured);
        assertEq(yen.balanceOf(merchant), AMOUNT - SHIPPING_FEE, "the merchant's balance");
        assertEq(escrow.outstanding(address(yen), carrier), SHIPPING_FEE, "outstanding");
        assertEq(escrow.totals(address(yen)).held, 0, "held");
        assertEq(yen.balanceOf(address(escrow)), SHIPPING_FEE, "the escrow's balance");

        vm.expectRevert(abi.encodeWithSelector(BlockingCurrency.Blocked.selector, carrier));
        escrow.withdraw(address(yen), carrier);

        yen.setBlocked(carrier, false);
        vm.expectEmit(address(escrow));
        emit IEscrow.Withdrawn(address(yen), carrier, SHIPPING_FEE);
        vm.prank(stranger);
        escrow.withdraw(address(yen), carrier);
        assertEq(yen.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertEq(yen.balanceOf(address(escrow)), 0, "the escrow's balance afterwards");

        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingOutstanding.selector, address(yen), carrier));
        escrow.withdraw(address(yen), carrier);
    }

    function test_ABlockedMerchantDoesNotHoldUpTheCarrier() public {
        toDelivered();
        yen.setBlocked(merchant, true);
        capture();
        assertEq(yen.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
        assertEq(escrow.outstanding(address(yen), merchant), AMOUNT - SHIPPING_FEE, "outstanding");
    }

    function test_MoneyOfABlockedShopperAddsUp() public {
        for (uint256 i = 1; i <= 2; ++i) {
            id = bytes32(i);
            authorize(yenTerms());
            yen.setBlocked(shopper, true);
            cancel(merchant);
            assertState(IEscrow.State.Cancelled);
            assertEq(escrow.outstanding(address(yen), shopper), i * AMOUNT, "outstanding");
            yen.setBlocked(shopper, false);
        }
        id = "order 3";
        toDelivered();
        yen.setBlocked(shopper, true);
        refund(1);
        yen.setBlocked(shopper, false);
        escrow.withdraw(address(yen), shopper);
        assertEq(yen.balanceOf(shopper), 9 * AMOUNT + 1, "the shopper's balance");
        assertEq(yen.balanceOf(address(escrow)), AMOUNT - 1, "what is held for the third order");
    }

    // Whoever captures chooses the gas. With just too little of it the payment inside failed while the rest went
    // on, would the money be withheld from the merchant; the rest must therefore never go on.
    function test_TooLittleGasWithholdsNothing() public {
        toDelivered();
        uint256 gasGiven = 30_000;
        vm.startPrank(shopper);
        while (true) {
            try escrow.capture{gas: gasGiven}(id) {
                break;
            } catch {
                gasGiven += 100;
            }
        }
        vm.stopPrank();
        assertState(IEscrow.State.Captured);
        assertEq(escrow.outstanding(address(yen), merchant), 0, "withheld from the merchant");
        assertEq(escrow.outstanding(address(yen), carrier), 0, "withheld from the carrier");
    }

    function toDelivered() private {
        authorize(yenTerms());
        ship();
        deliver();
    }

    function yenTerms() private view returns (IEscrow.Terms memory given) {
        given = terms();
        given.currency = address(yen);
    }
}

contract EscrowOddTokensTest is Market {
    function test_RefusesATokenThatTakesAFee() public {
        FeeCurrency token = new FeeCurrency();
        token.issue(shopper, AMOUNT);
        vm.prank(shopper);
        token.approve(address(escrow), AMOUNT);
        IEscrow.Terms memory given = terms();
        given.currency = address(token);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountMismatch.selector, AMOUNT, AMOUNT - 1));
        authorize(given);
    }

    function test_TakesATokenThatReturnsNothing() public {
        SilentToken token = new SilentToken();
        token.issue(shopper, AMOUNT);
        vm.prank(shopper);
        token.approve(address(escrow), AMOUNT);
        IEscrow.Terms memory given = terms();
        given.currency = address(token);
        // It has no permit either; the allowance does.
        IEscrow.Permit memory none;
        vm.prank(shopper);
        escrow.authorizeWithPermit(id, given, none);
        ship();
        deliver();
        capture();
        assertEq(token.balanceOf(merchant), AMOUNT - SHIPPING_FEE, "the merchant's balance");
        assertEq(token.balanceOf(carrier), SHIPPING_FEE, "the carrier's balance");
    }

    function test_ATokenThatSaysFalseHasNotPaid() public {
        RefusingToken token = new RefusingToken();
        token.issue(shopper, AMOUNT);
        vm.prank(shopper);
        token.approve(address(escrow), AMOUNT);
        IEscrow.Terms memory given = terms();
        given.currency = address(token);
        token.setRefuses(true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        authorize(given);

        token.setRefuses(false);
        authorize(given);
        ship();
        deliver();
        token.setRefuses(true);
        capture();
        assertEq(escrow.outstanding(address(token), merchant), AMOUNT - SHIPPING_FEE, "outstanding");
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        escrow.withdraw(address(token), merchant);
        token.setRefuses(false);
        escrow.withdraw(address(token), merchant);
        assertEq(token.balanceOf(merchant), AMOUNT - SHIPPING_FEE, "the merchant's balance");
    }

    /// Counters that overflow stop new orders, never the closing of old ones.
    function test_AFloodOfMoneyStrandsNothing() public {
        SilentToken token = new SilentToken();
        token.issue(shopper, type(uint256).max);
        IEscrow.Terms memory given = terms();
        given.currency = address(token);
        given.amount = type(uint96).max;
        given.shippingFee = 0;
        uint256 orders = uint256(type(uint112).max) / type(uint96).max;
        vm.prank(shopper);
        token.approve(address(escrow), type(uint256).max);
        // Only the last few of the 65,536 orders that fit are made; the counter is set to what came before.
        bytes32 slot = keccak256(abi.encode(address(token), uint256(1)));
        given.amount = 1;
        authorize(given);
        given.amount = type(uint96).max;
        uint256 number = uint256(vm.load(address(escrow), slot)) >> 224;
        vm.store(address(escrow), slot, bytes32((number << 224) | ((orders - 1) * type(uint96).max)));
        id = "order 2";
        authorize(given);
        assertEq(escrow.totals(address(token)).paidIn, orders * type(uint96).max, "paid in");
        id = "order 3";
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        authorize(given);
        id = "order 2";
        cancel(shopper);
        assertState(IEscrow.State.Cancelled);
    }
}
