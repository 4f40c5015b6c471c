// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {Bazaar} from "./Bazaar.sol";
import {Market} from "./Market.sol";

/// @title What must hold whatever people do, in whatever order, at whatever time.
contract EscrowInvariantsTest is Market {
    /// @dev What forge may call at random.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Bazaar private bazaar;

    function setUp() public override {
        super.setUp();
        bazaar = new Bazaar(escrow, pounds);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(bazaar);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        // An entry that stands there more often is called more often.
        bytes4[] memory selectors = new bytes4[](12);
        for (uint256 i = 0; i < 6; ++i) {
            selectors[i] = Bazaar.act.selector;
        }
        selectors[6] = Bazaar.authorize.selector;
        selectors[7] = Bazaar.authorize.selector;
        selectors[8] = Bazaar.wait.selector;
        selectors[9] = Bazaar.toggleBlocked.selector;
        selectors[10] = Bazaar.withdraw.selector;
        selectors[11] = Bazaar.donate.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(bazaar), selectors);
    }

    /// One walk serves all three, so that there can be more walks.
    function invariant_TheMarketIsSound() public view {
        assertMoneyIsConserved();
        assertOrdersAddUpToTheCounters();
        assertOrdersStayWhatTheyAre();
    }

    function assertMoneyIsConserved() private view {
        for (uint256 i = 0; i < 2; ++i) {
            IERC20 currency = bazaar.currencies(i);
            IEscrow.Totals memory totals = escrow.totals(address(currency));
            assertEq(totals.paidIn, totals.held + totals.paidOut + totals.refunded, "the counters add up");

            uint256 waiting = 0;
            for (uint256 j = 0; j < bazaar.peopleCount(); ++j) {
                address person_ = bazaar.people(j);
                uint256 outstanding = escrow.outstanding(address(currency), person_);
                waiting += outstanding;
                int256 owns = int256(currency.balanceOf(person_) + outstanding);
                int256 shouldOwn = int256(bazaar.ISSUED()) + bazaar.net(currency, person_);
                assertTrue(owns == shouldOwn, "everybody owns what the second bookkeeping says");
            }
            uint256 balance = currency.balanceOf(address(escrow));
            assertGe(balance, totals.held, "the escrow has what it holds");
            assertEq(balance, totals.held + waiting + bazaar.donated(currency), "and nothing else but what waits");
        }
    }

    function assertOrdersAddUpToTheCounters() private view {
        for (uint256 i = 0; i < 2; ++i) {
            IERC20 currency = bazaar.currencies(i);
            IEscrow.Totals memory sum;
            for (uint256 j = 0; j < bazaar.entryCount(); ++j) {
                Bazaar.Entry memory entry = bazaar.entryAt(j);
                if (address(entry.currency) != address(currency)) continue;
                sum.paidIn += entry.amount;
                sum.refunded += entry.refunded;
                if (bazaar.isOpen(entry.state)) sum.held += entry.amount - entry.refunded;
                else sum.paidOut += entry.amount - entry.refunded;
            }
            IEscrow.Totals memory totals = escrow.totals(address(currency));
            assertEq(totals.paidIn, sum.paidIn, "paid in");
            assertEq(totals.held, sum.held, "held");
            assertEq(totals.paidOut, sum.paidOut, "paid out");
            assertEq(totals.refunded, sum.refunded, "refunded");
        }
    }

    /// An order is what it was after the last call about it: neither time nor other orders move it.
    function assertOrdersStayWhatTheyAre() private view {
        for (uint256 i = 0; i < bazaar.entryCount(); ++i) {
            Bazaar.Entry memory entry = bazaar.entryAt(i);
            IEscrow.Order memory order = escrow.order(entry.id);
            assertEq(uint256(order.state), uint256(entry.state), "state");
            assertEq(keccak256(abi.encode(order.terms)), entry.termsHash, "terms");
            assertEq(order.shopper, entry.shopper, "shopper");
            assertEq(order.refunded, entry.refunded, "refunded");
            assertTrue((order.closedAt == 0) == bazaar.isOpen(entry.state), "closed");
        }
    }

    /// The invariants are worth something only if the bazaar goes everywhere. On this walk it does.
    function test_TheBazaarGoesEverywhere() public {
        uint256[8][8] memory visits;
        uint256 refusals = 0;
        uint256 withdrawals = 0;
        uint256 capturesAfterRefund = 0;
        for (uint256 walk = 0; walk < 6; ++walk) {
            escrow = IEscrow(deploy("Escrow", ""));
            bazaar = new Bazaar(escrow, newCurrency("Pound sterling", "GBP", 2, bank));
            for (uint256 step = 0; step < 300; ++step) {
                walkOn(uint256(keccak256(abi.encode(walk, step))));
            }
            invariant_TheMarketIsSound();
            for (uint256 from = 0; from < 8; ++from) {
                for (uint256 to = 0; to < 8; ++to) {
                    visits[from][to] += bazaar.visits(IEscrow.State(from), IEscrow.State(to));
                }
            }
            refusals += bazaar.refusals();
            withdrawals += bazaar.withdrawals();
            capturesAfterRefund += bazaar.capturesAfterRefund();
        }
        uint256 edges = 0;
        for (uint256 from = 0; from < 8; ++from) {
            for (uint256 to = 0; to < 8; ++to) {
                if (visits[from][to] != 0) ++edges;
            }
        }
        assertEq(edges, 13, "edges, as in the README");
        assertGe(refusals, 100, "refused calls");
        assertGe(withdrawals, 3, "withdrawals");
        assertGe(capturesAfterRefund, 5, "captures of what was refunded in part");
    }

    function walkOn(uint256 seed) private {
        uint256 a = uint256(keccak256(abi.encode(seed, "a")));
        uint256 b = uint256(keccak256(abi.encode(seed, "b")));
        uint256 c = uint256(keccak256(abi.encode(seed, "c")));
        uint256 d = uint256(keccak256(abi.encode(seed, "d")));
        uint256 what = seed % 12;
        if (what < 6) bazaar.act(a, b, c, d);
        else if (what < 8) bazaar.authorize(a, b, c);
        else if (what == 8) bazaar.wait(a);
        else if (what == 9) bazaar.toggleBlocked(a);
        else if (what == 10) bazaar.withdraw(a, b);
        else bazaar.donate(a, b);
    }
}
