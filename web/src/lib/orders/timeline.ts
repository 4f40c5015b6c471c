// The life of an order as steps a shopper understands: what has happened, and what is still to come.

import { CLOSED_STATES, type EventName, type Order } from './model';
import { steps, type MoneyFlow, type Movement } from './flow';
import type { OrderEvent } from './model';

export type ComingName = 'Authorized' | 'Shipped' | 'Delivered' | 'Captured';

export type Step =
  | { kind: 'done'; name: EventName; event: OrderEvent; movements: Movement[]; after: MoneyFlow }
  | { kind: 'expected'; name: ComingName; by: number | null; waiting: boolean };

const HAPPY_PATH: readonly ComingName[] = ['Authorized', 'Shipped', 'Delivered', 'Captured'];

/** What the order's terms say about time. */
export interface Deadlines {
  readonly shipBy: number; // unix seconds
  readonly deliverBy: number;
  readonly inspectionSeconds: number;
}

/** Until when a coming step should have happened. */
function deadline(order: Order, name: EventName, terms: Deadlines): number | null {
  if (name === 'Shipped') return terms.shipBy;
  if (name === 'Delivered') return terms.deliverBy;
  const delivered = order.events.find((event) => event.name === 'Delivered');
  return name === 'Captured' && delivered ? delivered.timestamp + terms.inspectionSeconds : null;
}

/** `terms` may come later than the order itself; until then no dates are named. */
export function timeline(order: Order, terms: Deadlines | null): Step[] {
  const done: Step[] = steps(order.events).map((step) => ({ kind: 'done', name: step.event.name, ...step }));
  if (CLOSED_STATES.includes(order.state)) return done;
  const reached = HAPPY_PATH.findIndex((name) => name === order.state);
  const coming = HAPPY_PATH.slice(reached + 1).map<Step>((name, index) => ({
    kind: 'expected',
    name,
    by: terms === null ? null : deadline(order, name, terms),
    waiting: index === 0,
  }));
  return [...done, ...coming];
}

/** How far the order is on its way, for the small progress bar of the list: 0 to 3, or null when it ended otherwise. */
export function progress(state: Order['state']): number | null {
  const index = HAPPY_PATH.findIndex((name) => name === state);
  return index === -1 ? null : index;
}
