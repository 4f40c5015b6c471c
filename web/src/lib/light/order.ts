// An order as the escrow's storage has it. `Escrow.sol` says where things are and how the state follows from
// the times; `crates/commerce/src/orders/record.rs` reads the same.

import { encodeAbiParameters, keccak256, numberToHex } from 'viem';
import type { OrderState } from '../orders/model';
import type { Hex } from './read';

const ORDERS_SLOT = 0n;
const CURRENCIES_SLOT = 3n;

export interface OrderRecord {
  readonly state: OrderState;
  readonly shopper: Hex;
  readonly merchant: Hex;
  readonly carrier: Hex;
  readonly amount: bigint;
  readonly shippingFee: bigint;
  readonly refunded: bigint;
  readonly currencyNumber: bigint;
  readonly document: Hex;
  readonly authorizedAt: number;
}

export function orderSlots(id: Hex): bigint[] {
  const base = BigInt(keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [id, ORDERS_SLOT])));
  return [0n, 1n, 2n, 3n, 4n].map((at) => BigInt.asUintN(256, base + at));
}

/** The slot that holds the address of the currency with this number. */
export function currencySlot(number: bigint): bigint {
  return BigInt.asUintN(256, BigInt(keccak256(numberToHex(CURRENCIES_SLOT, { size: 32 }))) + number - 1n);
}

/** Reads the values of `orderSlots`; `null` when there is no such order. */
export function readRecord(values: readonly bigint[]): OrderRecord | null {
  const [sale = 0n, transport = 0n, payment = 0n, life = 0n, document = 0n] = values;
  const seconds = (word: bigint, shift: bigint) => BigInt.asUintN(32, word >> shift);
  const authorizedAt = seconds(life, 0n);
  if (authorizedAt === 0n) return null;
  const [shippedAt, deliveredAt, closedAt, deliverBy] = [32n, 64n, 96n, 128n].map((shift) => seconds(life, shift)) as [bigint, bigint, bigint, bigint];
  const amount = payment >> 160n;
  const refunded = life >> 160n;
  const deadline = shippedAt === 0n ? seconds(transport, 224n) : deliverBy;
  let state: OrderState;
  if (deliveredAt !== 0n) state = refunded === amount ? 'Refunded' : closedAt === 0n ? 'Delivered' : 'Captured';
  else if (closedAt !== 0n) state = closedAt > deadline ? 'Expired' : 'Cancelled';
  else state = shippedAt === 0n ? 'Authorized' : 'Shipped';
  return {
    state,
    shopper: asAddress(payment),
    merchant: asAddress(sale),
    carrier: asAddress(transport),
    amount,
    shippingFee: sale >> 160n,
    refunded,
    currencyNumber: seconds(transport, 160n),
    document: numberToHex(document, { size: 32 }),
    authorizedAt: Number(authorizedAt),
  };
}

export function asAddress(word: bigint): Hex {
  return numberToHex(BigInt.asUintN(160, word), { size: 20 });
}
