import { describe, expect, it } from 'vitest';
import { addsUp, moneyFlow, steps } from './flow';
import { Malformed, readList, readOrder, readSummary, type EventName } from './model';
import { progress, timeline } from './timeline';

const id = `0x${'4f'.repeat(32)}`;
const address = (digit: string) => `0x${digit.repeat(40)}`;

const summary = {
  id,
  shopper: address('A'),
  merchant: address('b'),
  carrier: address('c'),
  currency: address('d'),
  amount: '10000',
  shippingFee: '500',
  state: 'Authorized',
  refunded: '0',
  authorizedAt: 1_800_000_000,
  updatedAt: 1_800_000_000,
  document: `0x${'00'.repeat(32)}`,
};

function event(name: EventName, block: number, data: Record<string, unknown> = {}) {
  return {
    name,
    transactionHash: `0x${'11'.repeat(32)}`,
    blockNumber: block,
    blockHash: `0x${'22'.repeat(32)}`,
    logIndex: 0,
    timestamp: 1_800_000_000 + block,
    data: { orderId: id, ...data },
  };
}

const authorized = event('Authorized', 1, { shopper: address('a'), amount: '10000', shippingFee: '500' });
const terms = { shipBy: 1_800_086_400, deliverBy: 1_800_172_800, inspectionSeconds: 3600 };
const flowOf = (...events: unknown[]) => moneyFlow(readOrder({ ...summary, events }).events);

describe('reading', () => {
  it('takes an order, in lower case, amounts as whole numbers', () => {
    const order = readOrder({ ...summary, events: [authorized] });
    expect(order.shopper).toBe(address('a'));
    expect(order.amount).toBe(10000n);
    expect(order.events[0]?.data['amount']).toBe('10000');
  });

  it('takes an event without fields, and refuses an amount that is not text', () => {
    const { data: _, ...bare } = event('Expired', 2);
    expect(readOrder({ ...summary, events: [bare] }).events[0]?.data).toEqual({});
    expect(() => readOrder({ ...summary, events: [event('Refunded', 2, { amount: 5 })] })).toThrow(Malformed);
  });

  it('sorts events by ledger order', () => {
    const order = readOrder({ ...summary, events: [{ ...event('Captured', 9, { toMerchant: '1', toCarrier: '1' }), logIndex: 4 }, { ...event('Delivered', 9), logIndex: 2 }, authorized] });
    expect(order.events.map((known) => known.name)).toEqual(['Authorized', 'Delivered', 'Captured']);
  });

  it.each([
    ['an amount as a number', { amount: 10000 }],
    ['an amount with a point', { amount: '100.00' }],
    ['an unknown state', { state: 'Lost' }],
    ['a short id', { id: '0x12' }],
    ['a missing address', { carrier: undefined }],
    ['a broken time', { updatedAt: 'yesterday' }],
  ])('refuses %s', (_, change) => {
    expect(() => readSummary({ ...summary, ...change })).toThrow(Malformed);
  });

  it('fills missing counts with zero', () => {
    const list = readList({ orders: [summary], next: 'abc', counts: { Shipped: 3 } });
    expect(list.counts.Shipped).toBe(3);
    expect(list.counts.Captured).toBe(0);
    expect(list.next).toBe('abc');
  });
});

describe('money flow', () => {
  it('holds what was paid in', () => {
    const flow = flowOf(authorized);
    expect(flow).toEqual({ paidIn: 10000n, held: 10000n, merchant: 0n, carrier: 0n, shopper: 0n });
    expect(addsUp(flow)).toBe(true);
  });

  it('pays merchant and carrier', () => {
    const flow = flowOf(authorized, event('Captured', 4, { toMerchant: '9500', toCarrier: '500' }));
    expect(flow).toEqual({ paidIn: 10000n, held: 0n, merchant: 9500n, carrier: 500n, shopper: 0n });
    expect(addsUp(flow)).toBe(true);
  });

  it('returns everything when cancelled or expired', () => {
    for (const name of ['Cancelled', 'Expired'] as const) {
      const flow = flowOf(authorized, event(name, 2));
      expect(flow).toMatchObject({ held: 0n, shopper: 10000n });
      expect(addsUp(flow)).toBe(true);
    }
  });

  it('takes a refund out of escrow before capture, and from the merchant after', () => {
    const early = flowOf(authorized, event('Refunded', 2, { amount: '1000' }), event('Captured', 4, { toMerchant: '8500', toCarrier: '500' }));
    expect(early).toEqual({ paidIn: 10000n, held: 0n, merchant: 8500n, carrier: 500n, shopper: 1000n });
    const late = flowOf(authorized, event('Captured', 4, { toMerchant: '9500', toCarrier: '500' }), event('Refunded', 5, { amount: '10000' }));
    expect(late).toEqual({ paidIn: 10000n, held: 0n, merchant: -500n, carrier: 500n, shopper: 10000n });
    expect(addsUp(early)).toBe(true);
    expect(addsUp(late)).toBe(true);
  });

  it('notices money that does not add up', () => {
    expect(addsUp(flowOf(authorized, event('Captured', 4, { toMerchant: '9500', toCarrier: '501' })))).toBe(false);
    expect(addsUp(flowOf(authorized, event('Cancelled', 2), event('Refunded', 3, { amount: '1' })))).toBe(false);
  });

  it('adds up after every step of a thousand random lives', () => {
    let seed = 42;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let life = 0; life < 1000; life += 1) {
      const amount = 1 + random(1_000_000);
      const fee = random(amount);
      const events = [event('Authorized', 1, { amount: String(amount), shippingFee: String(fee) })];
      if (random(4) === 0) events.push(event(random(2) === 0 ? 'Cancelled' : 'Expired', 2));
      else {
        const early = random(3) === 0 ? random(amount - fee) : 0;
        events.push(event('Shipped', 2), event('Delivered', 3));
        if (early > 0) events.push(event('Refunded', 4, { amount: String(early) }));
        events.push(event('Captured', 5, { toMerchant: String(amount - fee - early), toCarrier: String(fee) }));
        if (random(2) === 0) events.push(event('Refunded', 6, { amount: String(random(amount - early + 1)) }));
      }
      const { events: parsed } = readOrder({ ...summary, events });
      for (const step of steps(parsed)) expect(addsUp(step.after)).toBe(true);
    }
  });
});

describe('timeline', () => {
  it('shows what is to come, with the agreed deadlines', () => {
    const order = readOrder({ ...summary, state: 'Shipped', events: [authorized, event('Shipped', 3)] });
    expect(timeline(order, terms).map((step) => [step.kind, step.name, step.kind === 'expected' ? step.by : null])).toEqual([
      ['done', 'Authorized', null],
      ['done', 'Shipped', null],
      ['expected', 'Delivered', 1_800_172_800],
      ['expected', 'Captured', null],
    ]);
  });

  it('names no dates before it knows the terms', () => {
    const order = readOrder({ ...summary, events: [authorized] });
    expect(timeline(order, null).every((step) => step.kind === 'done' || step.by === null)).toBe(true);
  });

  it('knows when the inspection ends', () => {
    const order = readOrder({ ...summary, state: 'Delivered', events: [authorized, event('Shipped', 3), event('Delivered', 10)] });
    expect(timeline(order, terms).at(-1)).toMatchObject({ kind: 'expected', name: 'Captured', by: 1_800_003_610, waiting: true });
  });

  it('ends where the order ended', () => {
    const order = readOrder({ ...summary, state: 'Cancelled', events: [authorized, event('Cancelled', 2)] });
    expect(timeline(order, terms).every((step) => step.kind === 'done')).toBe(true);
  });

  it('gives the list its progress', () => {
    expect(progress('Authorized')).toBe(0);
    expect(progress('Captured')).toBe(3);
    expect(progress('Expired')).toBeNull();
  });
});
