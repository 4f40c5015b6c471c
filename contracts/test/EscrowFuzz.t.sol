// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {vm} from "./Base.sol";
import {Market} from "./Market.sol";

contract EscrowFuzzTest is Market {
    /// Any terms are either refused for the reason given here, or kept as they are.
    function testFuzz_TermsAreRefusedOrKept(IEscrow.Terms memory given, uint8 kind) public {
        given = nearlySane(given, kind);
        bool refused = given.merchant == address(0) || given.merchant == address(escrow) || given.carrier == address(0)
            || given.carrier == address(escrow) || given.amount == 0 || given.amount >= 1 << 96
            || given.shippingFee > given.amount || given.shipBy < START || given.deliverBy < given.shipBy
            || given.deliverBy > START + 730 days || given.inspectionSeconds > 365 days;
        vm.prank(bank);
        pounds.issue(shopper, type(uint128).max);
        vm.prank(shopper);
        (bool success, bytes memory answer) = address(escrow).call(abi.encodeCall(IEscrow.authorize, (id, given)));
        assertTrue(success != refused, "refused");
        if (refused) {
            assertEq(bytes32(bytes4(answer)), bytes32(IEscrow.InvalidTerms.selector), "error");
            assertState(IEscrow.State.None);
        } else {
            assertEq(keccak256(abi.encode(escrow.order(id).terms)), keccak256(abi.encode(given)), "terms");
            assertTotals(given.amount, given.amount, 0, 0);
        }
    }

    /// Whatever is refunded before and after capture, everybody ends with what is theirs.
    function testFuzz_EverybodyGetsTheirShare(
        uint128 amount,
        uint128 shippingFee,
        uint256 before,
        uint256 afterwards,
        uint32 inspectionSeconds
    ) public {
        IEscrow.Terms memory given = terms();
        given.amount = uint128(bound(amount, 1, type(uint96).max));
        given.shippingFee = uint128(bound(shippingFee, 0, given.amount));
        given.inspectionSeconds = uint32(bound(inspectionSeconds, 1, INSPECTION_SECONDS_MAX));
        before = bound(before, 0, given.amount);
        afterwards = bound(afterwards, 0, given.amount - before);
        vm.startPrank(bank);
        pounds.issue(shopper, given.amount);
        pounds.issue(merchant, given.amount);
        vm.stopPrank();
        uint256 ofShopper = pounds.balanceOf(shopper);
        uint256 ofMerchant = pounds.balanceOf(merchant);

        authorize(given);
        ship();
        deliver();
        if (before != 0) refund(before);
        if (escrow.state(id) == IEscrow.State.Delivered) capture();
        if (afterwards != 0) refund(afterwards);

        uint256 refunded = before + afterwards;
        assertState(refunded == given.amount ? IEscrow.State.Refunded : IEscrow.State.Captured);
        assertEq(pounds.balanceOf(shopper), ofShopper + refunded - given.amount, "the shopper's balance");
        assertEq(pounds.balanceOf(carrier), given.shippingFee, "the carrier's balance");
        assertEq(
            pounds.balanceOf(merchant),
            ofMerchant + given.amount - given.shippingFee - refunded,
            "the merchant's balance"
        );
        assertTotals(given.amount, 0, given.amount - refunded, refunded);
    }

    /// A permit for anybody else, anything else or another time pays nothing.
    function testFuzz_OnlyTheShoppersPermitPays(uint256 key, uint256 value, uint256 deadline, uint256 bit) public {
        vm.prank(shopper);
        pounds.approve(address(escrow), 0);
        IEscrow.Permit memory permit = permitFor(shopperKey, pounds, AMOUNT, block.timestamp);
        uint256 change = key % 4;
        if (change == 0) permit = permitFor(bound(key, 1, type(uint128).max), pounds, AMOUNT, block.timestamp);
        else if (change == 1) permit.value = bound(value, AMOUNT + 1, type(uint256).max);
        else if (change == 2) permit.deadline = bound(deadline, block.timestamp + 1, type(uint256).max);
        else permit.r ^= bytes32(uint256(1) << (bit % 256));
        vm.expectRevert();
        vm.prank(shopper);
        escrow.authorizeWithPermit(id, terms(), permit);
    }

    /// @dev Folds random terms so that about half are sane, each limit being met now and then.
    function nearlySane(IEscrow.Terms memory given, uint8 kind) private view returns (IEscrow.Terms memory) {
        given.currency = address(pounds);
        given.amount = uint128(bound(given.amount, 1, type(uint96).max));
        given.shippingFee = uint128(bound(given.shippingFee, 0, given.amount));
        given.shipBy = uint64(bound(given.shipBy, START, START + 730 days));
        given.deliverBy = uint64(bound(given.deliverBy, given.shipBy, START + 730 days));
        given.inspectionSeconds = uint32(bound(given.inspectionSeconds, 0, 365 days));
        if (kind == 0) given.merchant = address(0);
        if (kind == 1) given.carrier = address(escrow);
        if (kind == 2) given.amount = 0;
        if (kind >> 4 == 1) given.amount = uint128(bound(given.amount + kind, 1 << 96, type(uint128).max));
        if (kind >> 4 == 2) given.shippingFee = given.amount + kind;
        if (kind >> 4 == 3) given.shipBy = uint64(START - kind);
        if (kind >> 4 == 4) given.deliverBy = given.shipBy - kind;
        if (kind >> 4 == 5) given.deliverBy = uint64(START) + 730 days + kind - 80;
        if (kind >> 4 == 6) given.inspectionSeconds = 365 days + kind - 96;
        return given;
    }
}
