// Where an order's money is, told from its events alone. This explains what the contract did; it never
// decides anything. `paidIn === held + merchant + carrier + shopper` must hold after every event, and the
// page says so when it does not.

import { parseMinorUnits } from '../money/money';
import type { OrderEvent } from './model';

export interface MoneyFlow {
  readonly paidIn: bigint;
  readonly held: bigint; // still in escrow
  readonly merchant: bigint; // net of refunds paid out of the merchant's own pocket: may fall below zero
  readonly carrier: bigint;
  readonly shopper: bigint; // came back
}

export interface Movement {
  readonly from: 'shopper' | 'escrow' | 'merchant';
  readonly to: 'escrow' | 'merchant' | 'carrier' | 'shopper';
  readonly amount: bigint;
}

const EMPTY: MoneyFlow = { paidIn: 0n, held: 0n, merchant: 0n, carrier: 0n, shopper: 0n };

function field(event: OrderEvent, name: string): bigint {
  return parseMinorUnits(event.data[name] ?? '');
}

function movementsOf(event: OrderEvent, before: MoneyFlow, captured: boolean): Movement[] {
  switch (event.name) {
    case 'Authorized':
      return [{ from: 'shopper', to: 'escrow', amount: field(event, 'amount') }];
    case 'Captured':
      return [
        { from: 'escrow', to: 'merchant', amount: field(event, 'toMerchant') },
        { from: 'escrow', to: 'carrier', amount: field(event, 'toCarrier') },
      ];
    case 'Cancelled':
    case 'Expired':
      return [{ from: 'escrow', to: 'shopper', amount: before.held }];
    case 'Refunded':
      return [{ from: captured ? 'merchant' : 'escrow', to: 'shopper', amount: field(event, 'amount') }];
    case 'Shipped':
    case 'Delivered':
      return [];
  }
}

const POCKET = { escrow: 'held', merchant: 'merchant', carrier: 'carrier', shopper: 'shopper' } as const;

function apply(flow: MoneyFlow, movement: Movement): MoneyFlow {
  const next: { -readonly [K in keyof MoneyFlow]: bigint } = { ...flow };
  if (movement.from === 'shopper') next.paidIn += movement.amount;
  else next[POCKET[movement.from]] -= movement.amount;
  next[POCKET[movement.to]] += movement.amount;
  return next;
}

/** Every event with the money it moved and where all the money was afterwards. */
export function steps(events: readonly OrderEvent[]): { event: OrderEvent; movements: Movement[]; after: MoneyFlow }[] {
  let flow = EMPTY;
  let captured = false;
  return events.map((event) => {
    const movements = movementsOf(event, flow, captured).filter((movement) => movement.amount !== 0n);
    flow = movements.reduce(apply, flow);
    captured ||= event.name === 'Captured';
    return { event, movements, after: flow };
  });
}

export function moneyFlow(events: readonly OrderEvent[]): MoneyFlow {
  return steps(events).at(-1)?.after ?? EMPTY;
}

/** True when every minor unit paid in is in exactly one place, and the escrow owes nobody. */
export function addsUp(flow: MoneyFlow): boolean {
  return flow.paidIn === flow.held + flow.merchant + flow.carrier + flow.shopper && flow.held >= 0n && flow.shopper <= flow.paidIn;
}
