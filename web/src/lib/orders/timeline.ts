// The life of an order as steps a shopper understands: what has happened, and what is still to come.

import { CLOSED_STATES, type EventName, type Order } from './model';
import { steps, type MoneyFlow, type Movement } from './flow';
import type { OrderEvent } from './model';

export type Step =
  | { kind: 'done'; name: EventName; event: OrderEvent; movements: Movement[]; after: MoneyFlow }
  | { kind: 'expected'; name: EventName; by: number | null; waiting: boolean };

const HAPPY_PATH: readonly EventName[] = ['Authorized', 'Shipped', 'Delivered', 'Captured'];

function seconds(order: Order, name: string): number | null {
  const text = order.events.find((event) => event.name === 'Authorized')?.data[name] ?? '';
  return /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/** Until when a coming step should have happened, as agreed in the terms. */
function deadline(order: Order, name: EventName): number | null {
  if (name === 'Shipped') return seconds(order, 'shipBy');
  if (name === 'Delivered') return seconds(order, 'deliverBy');
  const delivered = order.events.find((event) => event.name === 'Delivered');
  const inspection = seconds(order, 'inspectionSeconds');
  return name === 'Captured' && delivered && inspection !== null ? delivered.timestamp + inspection : null;
}

export function timeline(order: Order): Step[] {
  const done: Step[] = steps(order.events).map((step) => ({ kind: 'done', name: step.event.name, ...step }));
  if (CLOSED_STATES.includes(order.state)) return done;
  const reached = HAPPY_PATH.indexOf(order.state);
  const coming = HAPPY_PATH.slice(reached + 1).map<Step>((name, index) => ({
    kind: 'expected',
    name,
    by: deadline(order, name),
    waiting: index === 0,
  }));
  return [...done, ...coming];
}

/** How far the order is on its way, for the small progress bar of the list: 0 to 3, or null when it ended otherwise. */
export function progress(state: Order['state']): number | null {
  const index = HAPPY_PATH.indexOf(state);
  return index === -1 ? null : index;
}
