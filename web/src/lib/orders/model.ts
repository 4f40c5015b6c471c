// An order as the node's REST side tells it. What arrives is checked field by field: a page that shows
// money must not guess.

import { parseMinorUnits } from '../money/money';

export const ORDER_STATES = ['Authorized', 'Shipped', 'Delivered', 'Captured', 'Cancelled', 'Expired', 'Refunded'] as const;
export type OrderState = (typeof ORDER_STATES)[number];
export type EventName = OrderState;

/** Nothing more can happen by itself: the money has left the escrow. */
export const CLOSED_STATES: readonly OrderState[] = ['Captured', 'Cancelled', 'Expired', 'Refunded'];

type Hex = `0x${string}`;

export interface OrderSummary {
  readonly id: Hex;
  readonly shopper: Hex;
  readonly merchant: Hex;
  readonly carrier: Hex;
  readonly currency: Hex;
  readonly amount: bigint; // minor units; all the shopper pays
  readonly shippingFee: bigint; // the carrier's part of it
  readonly state: OrderState;
  readonly refunded: bigint;
  readonly authorizedAt: number; // unix seconds
  readonly updatedAt: number;
  readonly document: Hex;
}

export interface OrderEvent {
  readonly name: EventName;
  readonly transactionHash: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly logIndex: number;
  readonly timestamp: number;
  readonly data: Readonly<Record<string, string>>;
}

export interface Order extends OrderSummary {
  readonly events: readonly OrderEvent[]; // in ledger order
}

export interface OrderList {
  readonly orders: readonly OrderSummary[];
  readonly next: string | null;
  readonly counts: Readonly<Record<OrderState, number>>;
}

export class Malformed extends Error {}

type Fields = Record<string, unknown>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(`${what} is not an object`);
  return value as Fields;
}

function hex(value: unknown, bytes: number, what: string): Hex {
  if (typeof value !== 'string' || !new RegExp(`^0x[0-9a-f]{${bytes * 2}}$`, 'i').test(value)) {
    throw new Malformed(`${what} is not ${bytes} bytes of hex`);
  }
  return value.toLowerCase() as Hex;
}

function minorUnits(value: unknown, what: string): bigint {
  if (typeof value !== 'string') throw new Malformed(`${what} is not text`);
  try {
    return parseMinorUnits(value);
  } catch (error) {
    throw new Malformed(`${what}: ${(error as Error).message}`);
  }
}

function integer(value: unknown, what: string): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw new Malformed(`${what} is not a whole number`);
  return number;
}

function oneOf<T extends string>(value: unknown, known: readonly T[], what: string): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw new Malformed(`${what} is ${JSON.stringify(value)}`);
  return found;
}

export function readSummary(value: unknown): OrderSummary {
  const order = fields(value, 'order');
  return {
    id: hex(order['id'], 32, 'id'),
    shopper: hex(order['shopper'], 20, 'shopper'),
    merchant: hex(order['merchant'], 20, 'merchant'),
    carrier: hex(order['carrier'], 20, 'carrier'),
    currency: hex(order['currency'], 20, 'currency'),
    amount: minorUnits(order['amount'], 'amount'),
    shippingFee: minorUnits(order['shippingFee'], 'shippingFee'),
    state: oneOf(order['state'], ORDER_STATES, 'state'),
    refunded: minorUnits(order['refunded'], 'refunded'),
    authorizedAt: integer(order['authorizedAt'], 'authorizedAt'),
    updatedAt: integer(order['updatedAt'], 'updatedAt'),
    document: hex(order['document'], 32, 'document'),
  };
}

/** The decoded fields; every one is text, amounts included. */
function texts(value: unknown): Record<string, string> {
  const entries = Object.entries(fields(value ?? {}, 'data'));
  for (const [name, field] of entries) if (typeof field !== 'string') throw new Malformed(`${name} is not text`);
  return Object.fromEntries(entries) as Record<string, string>;
}

function readEvent(value: unknown): OrderEvent {
  const event = fields(value, 'event');
  return {
    name: oneOf(event['name'], ORDER_STATES, 'event name'),
    transactionHash: hex(event['transactionHash'], 32, 'transactionHash'),
    blockNumber: BigInt(integer(event['blockNumber'], 'blockNumber')),
    blockHash: hex(event['blockHash'], 32, 'blockHash'),
    logIndex: integer(event['logIndex'], 'logIndex'),
    timestamp: integer(event['timestamp'], 'timestamp'),
    data: texts(event['data']),
  };
}

export function readOrder(value: unknown): Order {
  const events = fields(value, 'order')['events'];
  if (!Array.isArray(events)) throw new Malformed('events is not a list');
  const sorted = events.map(readEvent).sort((a, b) => Number(a.blockNumber - b.blockNumber) || a.logIndex - b.logIndex);
  return { ...readSummary(value), events: sorted };
}

export function readList(value: unknown): OrderList {
  const list = fields(value, 'answer');
  if (!Array.isArray(list['orders'])) throw new Malformed('orders is not a list');
  const counts = fields(list['counts'] ?? {}, 'counts');
  const next = list['next'] ?? null;
  if (next !== null && typeof next !== 'string' && typeof next !== 'number') throw new Malformed('next is not a cursor');
  return {
    orders: list['orders'].map(readSummary),
    next: next === null ? null : String(next),
    counts: Object.fromEntries(ORDER_STATES.map((state) => [state, integer(counts[state] ?? 0, state)])) as Record<OrderState, number>,
  };
}
