// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {ICurrency} from "../src/interfaces/ICurrency.sol";
import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {Base, vm} from "./Base.sol";

/// @title One escrow, one currency, one shopper, one merchant, one carrier.
abstract contract Market is Base {
    bytes32 internal constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// @dev 14 November 2023; any time would do.
    uint256 internal constant START = 1_700_000_000;
    uint64 internal constant SHIP_SECONDS = 2 days;
    uint64 internal constant DELIVER_SECONDS = 7 days;
    uint32 internal constant INSPECTION_SECONDS = 3 days;
    /// @dev The escrow's limits.
    uint64 internal constant DELIVERY_SECONDS_MAX = 730 days;
    uint32 internal constant INSPECTION_SECONDS_MAX = 365 days;
    uint128 internal constant AMOUNT = 10_500;
    uint128 internal constant SHIPPING_FEE = 500;
    bytes32 internal constant TRACKING = "tracking";
    bytes32 internal constant PROOF = "proof";
    bytes32 internal constant REASON = "reason";

    /// @dev The order that the short verbs below act on.
    bytes32 internal id = "order 1";

    IEscrow internal escrow;
    ICurrency internal pounds;
    address internal bank;
    address internal shopper;
    uint256 internal shopperKey;
    address internal merchant;
    address internal carrier;
    address internal stranger;

    function setUp() public virtual {
        vm.warp(START);
        (bank,) = person("bank");
        (shopper, shopperKey) = person("shopper");
        (merchant,) = person("merchant");
        (carrier,) = person("carrier");
        (stranger,) = person("stranger");
        escrow = IEscrow(deploy("Escrow", ""));
        pounds = newCurrency("Pound sterling", "GBP", 2, bank);
        vm.startPrank(bank);
        pounds.issue(shopper, 100_000_000);
        pounds.issue(merchant, 100_000);
        vm.stopPrank();
        vm.prank(shopper);
        pounds.approve(address(escrow), type(uint256).max);
        vm.prank(merchant);
        pounds.approve(address(escrow), type(uint256).max);
    }

    function newCurrency(string memory name, string memory code, uint8 decimals, address issuer)
        internal
        returns (ICurrency)
    {
        return ICurrency(deploy("Currency", abi.encode(name, code, decimals, issuer)));
    }

    function terms() internal view returns (IEscrow.Terms memory) {
        return IEscrow.Terms({
            merchant: merchant,
            carrier: carrier,
            currency: address(pounds),
            amount: AMOUNT,
            shippingFee: SHIPPING_FEE,
            shipBy: uint64(block.timestamp) + SHIP_SECONDS,
            deliverBy: uint64(block.timestamp) + DELIVER_SECONDS,
            inspectionSeconds: INSPECTION_SECONDS,
            document: keccak256("invoice and salt")
        });
    }

    function permitFor(uint256 key, ICurrency currency, uint256 value, uint256 deadline)
        internal
        view
        returns (IEscrow.Permit memory)
    {
        address owner = vm.addr(key);
        bytes32 content =
            keccak256(abi.encode(PERMIT_TYPEHASH, owner, address(escrow), value, currency.nonces(owner), deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", currency.DOMAIN_SEPARATOR(), content));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return IEscrow.Permit({value: value, deadline: deadline, v: v, r: r, s: s});
    }

    function authorize(IEscrow.Terms memory given) internal {
        vm.prank(shopper);
        escrow.authorize(id, given);
    }

    function authorize() internal {
        authorize(terms());
    }

    function ship() internal {
        vm.prank(merchant);
        escrow.ship(id, TRACKING);
    }

    function deliver() internal {
        vm.prank(carrier);
        escrow.deliver(id, PROOF);
    }

    function capture() internal {
        vm.prank(shopper);
        escrow.capture(id);
    }

    function cancel(address by) internal {
        vm.prank(by);
        escrow.cancel(id, REASON);
    }

    function expire() internal {
        vm.prank(stranger);
        escrow.expire(id);
    }

    function refund(uint256 amount) internal {
        vm.prank(merchant);
        escrow.refund(id, amount, REASON);
    }

    /// @dev Brings the order into a state by the shortest road.
    function reach(IEscrow.State wanted) internal {
        if (wanted == IEscrow.State.None) return;
        authorize();
        if (wanted == IEscrow.State.Authorized) return;
        if (wanted == IEscrow.State.Cancelled) return cancel(shopper);
        if (wanted == IEscrow.State.Expired) {
            vm.warp(block.timestamp + SHIP_SECONDS + 1);
            return expire();
        }
        ship();
        if (wanted == IEscrow.State.Shipped) return;
        deliver();
        if (wanted == IEscrow.State.Delivered) return;
        capture();
        if (wanted == IEscrow.State.Captured) return;
        refund(AMOUNT);
    }

    function assertState(IEscrow.State wanted) internal view {
        assertEq(uint256(escrow.state(id)), uint256(wanted), "state");
        assertEq(uint256(escrow.order(id).state), uint256(wanted), "state in the order");
    }

    /// @dev The counters of a currency, with `held` compared with the money that is really there.
    function assertTotals(uint256 paidIn, uint256 held, uint256 paidOut, uint256 refunded) internal view {
        IEscrow.Totals memory totals = escrow.totals(address(pounds));
        assertEq(totals.paidIn, paidIn, "paid in");
        assertEq(totals.held, held, "held");
        assertEq(totals.paidOut, paidOut, "paid out");
        assertEq(totals.refunded, refunded, "refunded");
        assertEq(pounds.balanceOf(address(escrow)), held, "the escrow's balance");
    }
}
