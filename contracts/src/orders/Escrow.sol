// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title Escrow of every order, in every currency.
/// @notice Holds the shopper's money between authorization and capture. It has no owner, no fee, no pause and
/// no upgrade: the terms of the order are the only law, and each party can act for itself.
/// @dev An order is five storage slots, written once at authorization; the later steps rewrite one of them.
/// To fit, amounts have 96 bits, times 32 bits (until the year 2106, see `_now`), and the currency is the
/// number under which it was first seen. What is not stored twice cannot disagree: the state comes from the
/// times (`_stateOf`), `held` from the three counters (`totals`).
///
/// Currencies whose balances change on their own (rebasing) are not supported.
contract Escrow is IEscrow, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice How far ahead `deliverBy` may lie.
    uint256 public constant DELIVERY_SECONDS_MAX = 730 days;

    /// @notice The longest inspection.
    uint256 public constant INSPECTION_SECONDS_MAX = 365 days;

    /// @dev One order; a blank line between slots.
    struct Record {
        address merchant;
        uint96 shippingFee;

        address carrier;
        uint32 currencyNumber;
        uint32 inspectionSeconds;
        uint32 shipBy;

        address shopper;
        uint96 amount;

        // The slot that changes.
        uint32 authorizedAt;
        uint32 shippedAt;
        uint32 deliveredAt;
        uint32 closedAt;
        uint32 deliverBy;
        uint96 refunded;

        bytes32 document;
    }

    /// @dev One currency. `paidIn` bounds the other counters, so that only an authorization can overflow.
    struct Account {
        uint112 paidIn;
        uint112 paidOut;
        uint32 number; // its place in `_currencies`, from 1; 0: not seen yet

        uint256 refunded;
    }

    mapping(bytes32 orderId => Record) private _orders;
    mapping(address currency => Account) private _accounts;
    mapping(address currency => mapping(address recipient => uint256)) private _outstanding;
    IERC20[] private _currencies;

    /// @inheritdoc IEscrow
    function authorize(bytes32 orderId, Terms calldata terms) external nonReentrant {
        _open(orderId, terms);
        _collect(terms);
    }

    /// @inheritdoc IEscrow
    function authorizeWithPermit(bytes32 orderId, Terms calldata terms, Permit calldata permit) external nonReentrant {
        _open(orderId, terms);
        // Whether it succeeds does not matter: `_collect` needs the allowance, wherever it comes from.
        try IERC20Permit(terms.currency)
            .permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
        _collect(terms);
    }

    /// @inheritdoc IEscrow
    /// @dev Moves no money and calls nobody, hence no reentrancy guard.
    function ship(bytes32 orderId, bytes32 tracking) external {
        Record storage record = _recordIn(orderId, State.Authorized);
        if (msg.sender != record.merchant) revert NotAllowed(orderId, msg.sender);
        _requireInTime(record);

        record.shippedAt = _now();
        emit Shipped(orderId, record.carrier, tracking);
    }

    /// @inheritdoc IEscrow
    function deliver(bytes32 orderId, bytes32 proof) external nonReentrant {
        Record storage record = _recordIn(orderId, State.Shipped);
        if (msg.sender != record.carrier) revert NotAllowed(orderId, msg.sender);
        _requireInTime(record);

        record.deliveredAt = _now();
        emit Delivered(orderId, msg.sender, proof);
        if (record.inspectionSeconds == 0) _capture(orderId, record);
    }

    /// @inheritdoc IEscrow
    function capture(bytes32 orderId) external nonReentrant {
        Record storage record = _recordIn(orderId, State.Delivered);
        if (msg.sender != record.shopper) {
            uint64 until = uint64(record.deliveredAt) + record.inspectionSeconds;
            if (block.timestamp < until) revert TooEarly(until);
        }
        _capture(orderId, record);
    }

    /// @inheritdoc IEscrow
    function cancel(bytes32 orderId, bytes32 reason) external nonReentrant {
        Record storage record = _orders[orderId];
        State current = _stateOf(record);
        if (current != State.Authorized && current != State.Shipped) revert WrongState(orderId, current);
        bool isShopperInTime = current == State.Authorized && msg.sender == record.shopper;
        if (!isShopperInTime && msg.sender != record.merchant) revert NotAllowed(orderId, msg.sender);
        // After the deadline it expires instead: this is how `_stateOf` tells the two apart.
        _requireInTime(record);

        emit Cancelled(orderId, msg.sender, reason);
        _void(record);
    }

    /// @inheritdoc IEscrow
    function expire(bytes32 orderId) external nonReentrant {
        Record storage record = _orders[orderId];
        State current = _stateOf(record);
        if (current != State.Authorized && current != State.Shipped) revert WrongState(orderId, current);
        uint32 deadline = _deadlineOf(record);
        if (block.timestamp <= deadline) revert TooEarly(deadline);

        emit Expired(orderId);
        _void(record);
    }

    /// @inheritdoc IEscrow
    function refund(bytes32 orderId, uint256 amount, bytes32 reason) external nonReentrant {
        Record storage record = _orders[orderId];
        State current = _stateOf(record);
        if (current != State.Delivered && current != State.Captured) revert WrongState(orderId, current);
        if (msg.sender != record.merchant) revert NotAllowed(orderId, msg.sender);
        if (amount == 0) revert InvalidTerms("amount");
        uint256 left = record.amount - record.refunded;
        if (amount > left) revert AmountTooHigh(amount, left);

        // Before capture the merchant's part of the money is still here, and it is used first.
        uint256 shippingFee = record.shippingFee;
        uint256 fromEscrow = 0;
        uint256 toCarrier = 0;
        if (current == State.Delivered) {
            fromEscrow = left - shippingFee;
            if (amount < fromEscrow) {
                fromEscrow = amount;
            } else {
                record.closedAt = _now();
                toCarrier = shippingFee;
            }
        }
        uint256 fromMerchant = amount - fromEscrow;
        // `amount` fits, being at most `left`.
        // forge-lint: disable-next-line(unsafe-typecast)
        record.refunded += uint96(amount);
        IERC20 currency = _currencyOf(record);
        Account storage account = _accounts[address(currency)];
        account.refunded += amount;
        // Never negative: after capture this order's own payout is at least `left`; before, `fromMerchant` is
        // at most the shipping fee. Never too much: all payouts together are at most `paidIn`.
        // forge-lint: disable-next-line(unsafe-typecast)
        account.paidOut = uint112(account.paidOut + toCarrier - fromMerchant);

        if (toCarrier != 0) emit Captured(orderId, 0, toCarrier);
        emit Refunded(orderId, amount, reason);
        address shopper = record.shopper;
        if (fromMerchant != 0) currency.safeTransferFrom(msg.sender, shopper, fromMerchant);
        _pay(currency, shopper, fromEscrow);
        _pay(currency, record.carrier, toCarrier);
    }

    /// @inheritdoc IEscrow
    function withdraw(address currency, address recipient) external nonReentrant {
        uint256 amount = _outstanding[currency][recipient];
        if (amount == 0) revert NothingOutstanding(currency, recipient);
        _outstanding[currency][recipient] = 0;
        emit Withdrawn(currency, recipient, amount);
        IERC20(currency).safeTransfer(recipient, amount);
    }

    /// @inheritdoc IEscrow
    function order(bytes32 orderId) external view returns (Order memory) {
        Record storage record = _orders[orderId];
        if (record.authorizedAt == 0) {
            Order memory unknown;
            return unknown;
        }
        return Order({
            terms: Terms({
                merchant: record.merchant,
                carrier: record.carrier,
                currency: address(_currencyOf(record)),
                amount: record.amount,
                shippingFee: record.shippingFee,
                shipBy: record.shipBy,
                deliverBy: record.deliverBy,
                inspectionSeconds: record.inspectionSeconds,
                document: record.document
            }),
            shopper: record.shopper,
            state: _stateOf(record),
            authorizedAt: record.authorizedAt,
            shippedAt: record.shippedAt,
            deliveredAt: record.deliveredAt,
            closedAt: record.closedAt,
            refunded: record.refunded
        });
    }

    /// @inheritdoc IEscrow
    function state(bytes32 orderId) external view returns (State) {
        return _stateOf(_orders[orderId]);
    }

    /// @inheritdoc IEscrow
    function totals(address currency) external view returns (Totals memory) {
        Account storage account = _accounts[currency];
        uint256 paidIn = account.paidIn;
        uint256 paidOut = account.paidOut;
        uint256 refunded = account.refunded;
        return Totals({paidIn: paidIn, held: paidIn - paidOut - refunded, paidOut: paidOut, refunded: refunded});
    }

    /// @inheritdoc IEscrow
    function outstanding(address currency, address recipient) external view returns (uint256) {
        return _outstanding[currency][recipient];
    }

    /// @dev Checks and records a new order. The money is collected afterwards.
    function _open(bytes32 orderId, Terms calldata terms) private {
        Record storage record = _orders[orderId];
        if (record.authorizedAt != 0) revert OrderExists(orderId);
        _requireSane(terms);

        Account storage account = _accounts[terms.currency];
        uint32 number = account.number;
        if (number == 0) {
            _currencies.push(IERC20(terms.currency));
            // Four billion currencies are more than the ledger's gas pays for.
            number = uint32(_currencies.length);
            account.number = number;
        }
        account.paidIn += uint112(terms.amount);

        record.merchant = terms.merchant;
        record.shippingFee = uint96(terms.shippingFee);
        record.carrier = terms.carrier;
        record.currencyNumber = number;
        record.inspectionSeconds = terms.inspectionSeconds;
        record.shipBy = uint32(terms.shipBy);
        record.shopper = msg.sender;
        record.amount = uint96(terms.amount);
        record.authorizedAt = _now();
        record.deliverBy = uint32(terms.deliverBy);
        record.document = terms.document;
        emit Authorized(orderId, msg.sender, terms.merchant, terms);
    }

    /// @dev Takes the order's amount from the caller and makes sure that it really came.
    function _collect(Terms calldata terms) private {
        IERC20 currency = IERC20(terms.currency);
        uint256 before = currency.balanceOf(address(this));
        currency.safeTransferFrom(msg.sender, address(this), terms.amount);
        uint256 received = currency.balanceOf(address(this)) - before;
        if (received != terms.amount) revert AmountMismatch(terms.amount, received);
    }

    /// @dev Pays merchant and carrier what is left after refunds, and closes the order.
    function _capture(bytes32 orderId, Record storage record) private {
        uint256 toCarrier = record.shippingFee;
        uint256 toMerchant = record.amount - record.refunded - toCarrier;
        IERC20 currency = _currencyOf(record);
        record.closedAt = _now();
        // Both are parts of a 96-bit amount.
        // forge-lint: disable-next-line(unsafe-typecast)
        _accounts[address(currency)].paidOut += uint112(toMerchant + toCarrier);

        emit Captured(orderId, toMerchant, toCarrier);
        _pay(currency, record.merchant, toMerchant);
        _pay(currency, record.carrier, toCarrier);
    }

    /// @dev Returns the whole amount to the shopper, and closes the order.
    function _void(Record storage record) private {
        uint96 amount = record.amount;
        IERC20 currency = _currencyOf(record);
        record.closedAt = _now();
        record.refunded = amount;
        _accounts[address(currency)].refunded += amount;
        _pay(currency, record.shopper, amount);
    }

    /// @dev Pays out of the escrow. A currency that refuses the recipient must not stop the others from being
    /// paid, so the amount is then kept for `withdraw`. A caller cannot bring this about by giving too little
    /// gas: the 64th part that is left after the failed call does not pay for the storage write.
    function _pay(IERC20 currency, address recipient, uint256 amount) private {
        if (amount == 0) return;
        if (!currency.trySafeTransfer(recipient, amount)) {
            _outstanding[address(currency)][recipient] += amount;
            emit Withheld(address(currency), recipient, amount);
        }
    }

    function _recordIn(bytes32 orderId, State expected) private view returns (Record storage record) {
        record = _orders[orderId];
        State current = _stateOf(record);
        if (current != expected) revert WrongState(orderId, current);
    }

    /// @dev The one place that says where an order stands.
    function _stateOf(Record storage record) private view returns (State) {
        if (record.authorizedAt == 0) return State.None;
        if (record.deliveredAt != 0) {
            if (record.refunded == record.amount) return State.Refunded;
            return record.closedAt == 0 ? State.Delivered : State.Captured;
        }
        if (record.closedAt != 0) return record.closedAt > _deadlineOf(record) ? State.Expired : State.Cancelled;
        return record.shippedAt == 0 ? State.Authorized : State.Shipped;
    }

    /// @dev The deadline of the step that an undelivered order waits for.
    function _deadlineOf(Record storage record) private view returns (uint32) {
        return record.shippedAt == 0 ? record.shipBy : record.deliverBy;
    }

    function _requireInTime(Record storage record) private view {
        uint32 deadline = _deadlineOf(record);
        if (block.timestamp > deadline) revert TooLate(deadline);
    }

    function _requireSane(Terms calldata terms) private view {
        if (terms.merchant == address(0) || terms.merchant == address(this)) revert InvalidTerms("merchant");
        if (terms.carrier == address(0) || terms.carrier == address(this)) revert InvalidTerms("carrier");
        if (terms.currency.code.length == 0) revert InvalidTerms("currency");
        if (terms.amount == 0 || terms.amount > type(uint96).max) revert InvalidTerms("amount");
        if (terms.shippingFee > terms.amount) revert InvalidTerms("shippingFee");
        uint64 deliverBy = terms.deliverBy;
        if (terms.shipBy < block.timestamp) revert InvalidTerms("shipBy");
        if (deliverBy < terms.shipBy || deliverBy > block.timestamp + DELIVERY_SECONDS_MAX) {
            revert InvalidTerms("deliverBy");
        }
        // See `_now`: a closing after the deadline must be later than the deadline in 32 bits too.
        if (deliverBy >= type(uint32).max) revert InvalidTerms("deliverBy");
        if (terms.inspectionSeconds > INSPECTION_SECONDS_MAX) revert InvalidTerms("inspectionSeconds");
    }

    function _currencyOf(Record storage record) private view returns (IERC20) {
        return _currencies[record.currencyNumber - 1];
    }

    /// @dev The time in 32 bits. From the year 2106 it stands still, a second after the last deadline that
    /// terms can name: no new order can be opened then, but every old one can still be closed.
    function _now() private view returns (uint32) {
        return block.timestamp < type(uint32).max ? uint32(block.timestamp) : type(uint32).max;
    }
}
