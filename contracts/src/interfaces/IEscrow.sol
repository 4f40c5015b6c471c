// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity ^0.8.30;

/// @title Orders from payment to payout.
/// @notice The shopper pays into escrow (authorize), the merchant ships, the carrier delivers, and the
/// escrow pays merchant and carrier (capture). Before that the order can be cancelled (void) or run out
/// of time (expire), which returns everything to the shopper; afterwards the merchant can refund.
/// @dev The state of an order is derived from what happened to it, never stored beside it.
interface IEscrow {
    /// @notice Where an order stands.
    enum State {
        None, // unknown id
        Authorized, // paid into escrow
        Shipped, // handed to the carrier
        Delivered, // with the shopper, inspection running
        Captured, // paid out
        Cancelled, // voided before delivery; money back
        Expired, // ran out of time before shipping or delivery; money back
        Refunded // paid back in full by the merchant after delivery
    }

    /// @notice What merchant, shopper and carrier agreed to. Amounts in minor units of `currency`.
    /// The shopper accepts by authorizing, the merchant by shipping, the carrier by delivering.
    struct Terms {
        address merchant; // not zero, not the escrow itself
        address carrier; // the same; may be the merchant, who then delivers himself
        address currency; // an ICurrency
        uint128 amount; // all the shopper pays, shipping included; 1 to 2^96 - 1
        uint128 shippingFee; // the carrier's part of `amount`, paid at capture
        uint64 shipBy; // unix seconds, not in the past; not shipped by then: anyone may expire it
        uint64 deliverBy; // unix seconds, shipBy to two years ahead; not delivered by then: anyone may expire it
        uint32 inspectionSeconds; // after delivery, at most a year; 0: delivery captures at once
        bytes32 document; // salted hash of the invoice; nothing readable goes on the ledger
    }

    /// @notice An ERC-2612 signature that lets the escrow take the payment in the same transaction.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice An order as it stands now.
    struct Order {
        Terms terms;
        address shopper;
        State state;
        uint64 authorizedAt; // unix seconds, 0: has not happened
        uint64 shippedAt;
        uint64 deliveredAt;
        uint64 closedAt; // captured, cancelled, expired, or refunded before capture: nothing is held any more
        uint128 refunded; // returned to the shopper so far
    }

    /// @notice Money that went through the escrow in one currency, in minor units.
    /// `paidIn == held + paidOut + refunded` always; `held` is what open orders are owed.
    struct Totals {
        uint256 paidIn;
        uint256 held;
        uint256 paidOut; // net of what merchants gave back for refunds
        uint256 refunded;
    }

    /// @notice The shopper paid `terms.amount` into escrow.
    event Authorized(bytes32 indexed orderId, address indexed shopper, address indexed merchant, Terms terms);
    /// @notice The merchant handed the goods to the carrier.
    event Shipped(bytes32 indexed orderId, address indexed carrier, bytes32 tracking);
    /// @notice The carrier handed the goods to the shopper.
    event Delivered(bytes32 indexed orderId, address indexed carrier, bytes32 proof);
    /// @notice The escrow paid the merchant and the carrier, net of earlier refunds.
    event Captured(bytes32 indexed orderId, uint256 toMerchant, uint256 toCarrier);
    /// @notice The order was voided and the whole amount went back to the shopper.
    event Cancelled(bytes32 indexed orderId, address indexed by, bytes32 reason);
    /// @notice The order missed a deadline and the whole amount went back to the shopper.
    event Expired(bytes32 indexed orderId);
    /// @notice The merchant paid `amount` back to the shopper.
    event Refunded(bytes32 indexed orderId, uint256 amount, bytes32 reason);
    /// @notice The currency refused a payment to `recipient`, so it waits in the escrow for `withdraw`.
    event Withheld(address indexed currency, address indexed recipient, uint256 amount);
    /// @notice A payment that had waited went to its recipient.
    event Withdrawn(address indexed currency, address indexed recipient, uint256 amount);

    /// @notice The id is taken.
    error OrderExists(bytes32 orderId);
    /// @notice The call does not fit the state the order is in.
    error WrongState(bytes32 orderId, State state);
    /// @notice The caller has not the role this call needs.
    error NotAllowed(bytes32 orderId, address caller);
    /// @notice The named field of the terms (or the amount of a refund) makes no sense.
    error InvalidTerms(string what);
    /// @notice Allowed only after `until`, unix seconds.
    error TooEarly(uint64 until);
    /// @notice Was allowed up to `since`, unix seconds; the order can only expire now.
    error TooLate(uint64 since);
    /// @notice More asked than there is.
    error AmountTooHigh(uint256 asked, uint256 most);
    /// @notice Nothing waits for the recipient in this currency.
    error NothingOutstanding(address currency, address recipient);
    /// @notice The currency delivered another amount than it was told to: it takes a fee, for example.
    error AmountMismatch(uint256 expected, uint256 received);

    /// @notice The shopper (caller) pays `terms.amount` into escrow, out of an allowance given before.
    /// @dev Make `orderId` a hash over the shopper and the terms. An id is taken by whoever comes first, so a
    /// merchant ships only after comparing the terms on the ledger with his own.
    function authorize(bytes32 orderId, Terms calldata terms) external;

    /// @notice The same with an ERC-2612 permit instead of an earlier approval.
    /// @dev A permit that fails is ignored when the allowance is there anyway: somebody may have sent the
    /// shopper's permit ahead of this call, which must not stop the order.
    function authorizeWithPermit(bytes32 orderId, Terms calldata terms, Permit calldata permit) external;

    /// @notice The merchant hands the goods to the carrier, at the latest at `shipBy`.
    function ship(bytes32 orderId, bytes32 tracking) external;

    /// @notice The carrier hands the goods to the shopper, at the latest at `deliverBy`; without inspection
    /// this also captures.
    function deliver(bytes32 orderId, bytes32 proof) external;

    /// @notice Pays merchant and carrier: the shopper at any time after delivery, anyone after the inspection.
    function capture(bytes32 orderId) external;

    /// @notice Voids the order: the shopper before shipping, the merchant before delivery. Once a deadline is
    /// missed the order can only expire, with the same result.
    function cancel(bytes32 orderId, bytes32 reason) external;

    /// @notice The merchant pays back `amount`: out of escrow between delivery and capture, from his own
    /// balance (with an allowance) after capture. Paying back the whole amount ends in Refunded.
    /// @dev The carrier has delivered, so a refund never touches his fee in escrow. A refund that uses up the
    /// merchant's part closes the order: the carrier is paid, and what is asked beyond the merchant's part
    /// comes from the merchant's own balance.
    function refund(bytes32 orderId, uint256 amount, bytes32 reason) external;

    /// @notice Returns the money of an order that missed `shipBy` or `deliverBy`; anyone may call.
    function expire(bytes32 orderId) external;

    /// @notice Sends `recipient` what the currency refused to send earlier; anyone may call. An order closes
    /// even when one of its parties cannot be paid, so that nobody can hold up another's money.
    function withdraw(address currency, address recipient) external;

    /// @notice The order as it stands; all zero for an unknown id.
    function order(bytes32 orderId) external view returns (Order memory);

    /// @notice Where the order stands.
    function state(bytes32 orderId) external view returns (State);

    /// @notice What went through the escrow in `currency`.
    function totals(address currency) external view returns (Totals memory);

    /// @notice What waits for `recipient` in `currency`; not part of `Totals.held`.
    function outstanding(address currency, address recipient) external view returns (uint256);
}
