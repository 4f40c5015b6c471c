// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ICurrency} from "../src/interfaces/ICurrency.sol";
import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {Base, vm} from "./Base.sol";
import {BlockingCurrency} from "./Tokens.sol";

/// @title People who trade at random, and a second bookkeeping that says what each of them must own.
/// @dev Anybody may be shopper, merchant and carrier, also of the same order; most calls come from who may make
/// them, some from who may not. Of the second bookkeeping, nothing is read from the escrow.
contract Bazaar is Base {
    /// @dev What the bookkeeping knows of an order.
    struct Entry {
        bytes32 id;
        bytes32 termsHash;
        address shopper;
        address merchant;
        address carrier;
        IERC20 currency;
        uint256 amount;
        uint256 shippingFee;
        uint256 inspectionSeconds;
        uint256 inspectedAt; // the end of the inspection, once delivered
        uint256 refunded;
        IEscrow.State state;
    }

    uint256 public constant ISSUED = 1e9;
    uint256 private constant ORDERS_MAX = 32;

    IEscrow public immutable escrow;
    IERC20[2] public currencies;
    address[] public people;
    Entry[] private _entries;
    uint256 public time = 1_700_000_000;

    /// @notice What a person got out of orders less what they paid in.
    mapping(IERC20 currency => mapping(address person => int256)) public net;
    /// @notice What was sent to the escrow without any order.
    mapping(IERC20 currency => uint256) public donated;
    /// @notice How often an order went from one state to another.
    mapping(IEscrow.State from => mapping(IEscrow.State to => uint256)) public visits;
    uint256 public refusals;
    uint256 public capturesAfterRefund;
    uint256 public withdrawals;

    constructor(IEscrow escrow_, ICurrency pounds) {
        escrow = escrow_;
        BlockingCurrency yen = new BlockingCurrency("Blocking yen", "JPY");
        currencies = [IERC20(address(pounds)), IERC20(address(yen))];
        string[5] memory names = ["Anna", "Bela", "Carla", "Dora", "Emil"];
        for (uint256 i = 0; i < names.length; ++i) {
            (address each,) = person(names[i]);
            people.push(each);
            vm.prank(pounds.issuer());
            pounds.issue(each, ISSUED);
            yen.issue(each, ISSUED);
            for (uint256 j = 0; j < currencies.length; ++j) {
                vm.prank(each);
                currencies[j].approve(address(escrow_), type(uint256).max);
            }
        }
    }

    /// @notice A shopper authorizes. Small amounts and short deadlines, so that every limit is met soon.
    function authorize(uint256 whoSeed, uint256 amountSeed, uint256 timeSeed) external atItsTime {
        if (_entries.length == ORDERS_MAX) return;
        IEscrow.Terms memory given;
        given.merchant = pick(whoSeed >> 8);
        given.carrier = pick(whoSeed >> 16);
        given.currency = address(currencies[(whoSeed >> 24) % 2]);
        given.amount = uint128(1 + amountSeed % 50);
        given.shippingFee = uint128((amountSeed >> 64) % (given.amount / (1 + (amountSeed >> 192) % 4) + 1));
        given.shipBy = uint64(time + timeSeed % 4 days);
        given.deliverBy = uint64(given.shipBy + (timeSeed >> 64) % 1 days);
        given.inspectionSeconds = uint32((timeSeed >> 128) % 4 == 0 ? 0 : (timeSeed >> 136) % 1 days);
        given.document = keccak256(abi.encode(whoSeed, amountSeed, timeSeed));

        Entry memory entry = Entry({
            id: keccak256(abi.encode(_entries.length)),
            termsHash: keccak256(abi.encode(given)),
            shopper: pick(whoSeed),
            merchant: given.merchant,
            carrier: given.carrier,
            currency: IERC20(given.currency),
            amount: given.amount,
            shippingFee: given.shippingFee,
            inspectionSeconds: given.inspectionSeconds,
            inspectedAt: 0,
            refunded: 0,
            state: IEscrow.State.Authorized
        });
        vm.prank(entry.shopper);
        escrow.authorize(entry.id, given);
        _entries.push(entry);
        net[entry.currency][entry.shopper] -= int256(entry.amount);
        ++visits[IEscrow.State.None][IEscrow.State.Authorized];
    }

    /// @notice Somebody does something about an order.
    function act(uint256 orderSeed, uint256 callSeed, uint256 whoSeed, uint256 amountSeed) external atItsTime {
        if (_entries.length == 0) return;
        // Mostly one of the last orders, so that orders live to their end.
        uint256 among = orderSeed % 4 == 0 || _entries.length < 3 ? _entries.length : 3;
        Entry storage entry = _entries[_entries.length - 1 - (orderSeed >> 8) % among];
        uint256 call = (callSeed >> 8) % 6 == 0 ? callSeed % 6 : fitting(entry.state, callSeed >> 16);
        uint256 left = entry.amount - entry.refunded;
        uint256 amount = (amountSeed >> 128) % 6 == 0 ? left : amountSeed % (left / 3 + 2);
        address caller = whoSeed % 8 == 0 ? pick(whoSeed >> 8) : entitled(entry, call, whoSeed);

        bytes32 before = glimpse(entry);
        vm.prank(caller);
        (bool success,) = address(escrow).call(dataOf(entry.id, call, amount));
        if (!success) {
            assertEq(glimpse(entry), before, "a refused call changes nothing");
            ++refusals;
            return;
        }
        IEscrow.State from = entry.state;
        assertTrue(isEntitled(entry, call, caller), "the caller has the role");
        record(entry, call, amount);
        entry.state = escrow.state(entry.id);
        assertTrue(isEdge(from, entry.state, call), "the state moved along an edge");
        ++visits[from][entry.state];
    }

    /// @notice Time passes.
    function wait(uint256 secondsSeed) external atItsTime {
        time += secondsSeed % 24 hours;
    }

    /// @notice The issuer of the second currency blocks or unblocks somebody.
    function toggleBlocked(uint256 whoSeed) external {
        address who = pick(whoSeed);
        blocking().setBlocked(who, !blocking().isBlocked(who));
    }

    /// @notice Somebody takes what was withheld.
    function withdraw(uint256 whoSeed, uint256 callerSeed) external atItsTime {
        address who = pick(whoSeed);
        bool mustSucceed = !blocking().isBlocked(who) && escrow.outstanding(address(blocking()), who) != 0;
        vm.prank(pick(callerSeed));
        (bool success,) = address(escrow).call(abi.encodeCall(IEscrow.withdraw, (address(blocking()), who)));
        assertTrue(success == mustSucceed, "withdrawn");
        if (success) ++withdrawals;
    }

    /// @notice Somebody sends the escrow money for nothing.
    function donate(uint256 whoSeed, uint256 amountSeed) external {
        IERC20 currency = currencies[whoSeed % 2];
        uint256 amount = amountSeed % 10;
        vm.prank(pick(whoSeed >> 8));
        require(currency.transfer(address(escrow), amount), "transfer");
        donated[currency] += amount;
        net[currency][pick(whoSeed >> 8)] -= int256(amount);
    }

    function entryCount() external view returns (uint256) {
        return _entries.length;
    }

    function entryAt(uint256 index) external view returns (Entry memory) {
        return _entries[index];
    }

    function peopleCount() external view returns (uint256) {
        return people.length;
    }

    function isOpen(IEscrow.State state) public pure returns (bool) {
        return state == IEscrow.State.Authorized || state == IEscrow.State.Shipped || state == IEscrow.State.Delivered;
    }

    /// @dev Books what a call that succeeded has to move.
    function record(Entry storage entry, uint256 call, uint256 amount) private {
        mapping(address person => int256) storage owned = net[entry.currency];
        uint256 ofMerchant = entry.amount - entry.shippingFee;
        if (call == 1) entry.inspectedAt = time + entry.inspectionSeconds;
        if (call == 1 && entry.inspectionSeconds != 0) return;
        if (call == 2 && entry.refunded != 0) ++capturesAfterRefund;
        if (call == 1 || call == 2) {
            owned[entry.merchant] += int256(ofMerchant - entry.refunded);
            owned[entry.carrier] += int256(entry.shippingFee);
        } else if (call == 3 || call == 4) {
            owned[entry.shopper] += int256(entry.amount);
            entry.refunded = entry.amount;
        } else if (call == 5) {
            owned[entry.shopper] += int256(amount);
            if (entry.state == IEscrow.State.Captured) {
                owned[entry.merchant] -= int256(amount);
            } else if (entry.refunded + amount >= ofMerchant) {
                owned[entry.merchant] -= int256(entry.refunded + amount - ofMerchant);
                owned[entry.carrier] += int256(entry.shippingFee);
            }
            entry.refunded += amount;
        }
    }

    /// @dev The law of the market as a list; `call` as in `dataOf`.
    function isEdge(IEscrow.State from, IEscrow.State to, uint256 call) private pure returns (bool) {
        if (from == IEscrow.State.Authorized) {
            return (to == IEscrow.State.Shipped && call == 0) || (to == IEscrow.State.Cancelled && call == 3)
                || (to == IEscrow.State.Expired && call == 4);
        }
        if (from == IEscrow.State.Shipped) {
            return (to == IEscrow.State.Delivered && call == 1) || (to == IEscrow.State.Captured && call == 1)
                || (to == IEscrow.State.Cancelled && call == 3) || (to == IEscrow.State.Expired && call == 4);
        }
        if (from == IEscrow.State.Delivered) {
            return (to == IEscrow.State.Captured && (call == 2 || call == 5))
                || (to == IEscrow.State.Delivered && call == 5) || (to == IEscrow.State.Refunded && call == 5);
        }
        return
            from == IEscrow.State.Captured && call == 5
                && (to == IEscrow.State.Captured || to == IEscrow.State.Refunded);
    }

    /// @dev In the order: ship, deliver, capture, cancel, expire, refund.
    function dataOf(bytes32 id, uint256 call, uint256 amount) private pure returns (bytes memory) {
        if (call == 0) return abi.encodeCall(IEscrow.ship, (id, "tracking"));
        if (call == 1) return abi.encodeCall(IEscrow.deliver, (id, "proof"));
        if (call == 2) return abi.encodeCall(IEscrow.capture, (id));
        if (call == 3) return abi.encodeCall(IEscrow.cancel, (id, "reason"));
        if (call == 4) return abi.encodeCall(IEscrow.expire, (id));
        return abi.encodeCall(IEscrow.refund, (id, amount, "reason"));
    }

    /// @dev A call that makes sense in a state, goods moving on more often than not.
    function fitting(IEscrow.State from, uint256 seed) private pure returns (uint256) {
        if (from == IEscrow.State.Authorized) return [uint256(0), 0, 0, 0, 0, 0, 3, 4][seed % 8];
        if (from == IEscrow.State.Shipped) return [uint256(1), 1, 1, 1, 1, 1, 3, 4][seed % 8];
        if (from == IEscrow.State.Delivered) return [uint256(2), 5, 5][seed % 3];
        return 5;
    }

    /// @dev Somebody who may make the call, if the time and the state are right.
    function entitled(Entry storage entry, uint256 call, uint256 seed) private view returns (address) {
        if (call == 0 || call == 5) return entry.merchant;
        if (call == 1) return entry.carrier;
        if (call == 3) return (seed >> 16) % 2 == 0 ? entry.merchant : entry.shopper;
        return (seed >> 16) % 2 == 0 ? pick(seed >> 24) : entry.shopper;
    }

    /// @dev Whether the caller has the role, given that the call succeeded from the entry's state.
    function isEntitled(Entry storage entry, uint256 call, address caller) private view returns (bool) {
        if (call == 0 || call == 5) return caller == entry.merchant;
        if (call == 1) return caller == entry.carrier;
        if (call == 2) return caller == entry.shopper || time >= entry.inspectedAt;
        if (call == 3) {
            return caller == entry.merchant || (entry.state == IEscrow.State.Authorized && caller == entry.shopper);
        }
        return true;
    }

    /// @dev Everything that a refused call must leave alone.
    function glimpse(Entry storage entry) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                escrow.order(entry.id),
                escrow.totals(address(entry.currency)),
                entry.currency.balanceOf(address(escrow)),
                entry.currency.balanceOf(entry.shopper)
            )
        );
    }

    function blocking() private view returns (BlockingCurrency) {
        return BlockingCurrency(address(currencies[1]));
    }

    function pick(uint256 seed) private view returns (address) {
        return people[seed % people.length];
    }

    modifier atItsTime() {
        vm.warp(time);
        _;
    }
}
