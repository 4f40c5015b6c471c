import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Block } from './chain';
import { classify, find, orderQuery } from './search';
import { insert, orphan, rates, WINDOW_BLOCKS_MAX } from './window';

type Hex = `0x${string}`;
const hash = (text: string): Hex => `0x${text.padStart(64, '0')}`;

function block(number: number, timestamp = number, transactions = 0, fork = ''): Block {
  return {
    number: BigInt(number),
    hash: hash(`${fork}${number}`),
    parentHash: hash(`${number - 1}`),
    timestamp,
    transactions: Array.from({ length: transactions }, (_, index) => hash(`${number}${index}`)),
    gasUsed: 21_000n * BigInt(transactions),
    gasLimit: 30_000_000n,
    miner: `0x${'0'.repeat(40)}`,
    difficulty: 0n,
    size: null,
    baseFeePerGas: null,
    stateRoot: '0x',
    transactionsRoot: '0x',
    receiptsRoot: '0x',
    extraData: '0x',
  };
}

const numbers = (window: readonly Block[]) => window.map((known) => Number(known.number));

describe('window', () => {
  it('keeps newest first, whatever order blocks come in', () => {
    expect(numbers(insert([block(3)], [block(5), block(4)]))).toEqual([5, 4, 3]);
  });

  it('is cut at a hole, until it is filled', () => {
    const holed = insert([block(3), block(2)], [block(6)]);
    expect(numbers(holed)).toEqual([6]);
    expect(numbers(insert([block(3), block(2)], [block(5), block(4), block(6)]))).toEqual([6, 5, 4, 3, 2]);
  });

  it('replaces a reorganized block and finds the orphan below it', () => {
    const before = insert([], [block(1), block(2, 2, 0, 'f'), block(3)]);
    expect(orphan(before)).toBe(2n); // 3 names another parent than the 2 we hold
    const after = insert(before, [block(2)]);
    expect(orphan(after)).toBeNull();
    expect(after).toHaveLength(3);
  });

  it('does not grow without end', () => {
    const many = Array.from({ length: WINDOW_BLOCKS_MAX + 50 }, (_, index) => block(index + 1));
    expect(insert([], many)).toHaveLength(WINDOW_BLOCKS_MAX);
  });
});

describe('rates', () => {
  it('count over the last minute only', () => {
    // One block a second for 100 s: 2 transactions each now, 50 each before the last minute.
    const window = insert([], Array.from({ length: 101 }, (_, index) => block(index, 1000 + index, index > 40 ? 2 : 50)));
    expect(rates(window)).toMatchObject({ transactionsPerSecond: 2, blockSeconds: 1, seconds: 60 });
  });

  it('are honest about a short window', () => {
    expect(rates(insert([], [block(1, 10, 9), block(2, 15, 10)]))).toMatchObject({ transactionsPerSecond: 2, blockSeconds: 5, seconds: 5 });
  });

  it('say nothing without time passed', () => {
    expect(rates([])).toBeNull();
    expect(rates([block(1)])).toBeNull();
    expect(rates(insert([], [block(1, 7), block(2, 7)]))).toBeNull();
  });
});

describe('classify', () => {
  const address = `0x${'Ab'.repeat(20)}`;
  it.each([
    ['', 'empty'],
    ['  1,234 ', 'height'],
    ['#77', 'height'],
    [hash('1'), 'hash'],
    [hash('1').slice(2), 'hash'],
    [address, 'address'],
    [` ${address.slice(2)}`, 'address'],
    ['4f3a-9C21', 'order-number'],
    ['North Sea Bank', 'name'],
    ['0x12', 'name'],
  ])('%j is %s', (text, kind) => {
    expect(classify(text).kind).toBe(kind);
  });

  it('reads heights exactly', () => {
    expect(classify('9007199254740993')).toEqual({ kind: 'height', height: 9007199254740993n });
  });
});

describe('orderQuery', () => {
  const party: Hex = `0x${'0b'.repeat(20)}`;
  const addressOf = (name: string) => (name === 'Bakery' ? party : null);
  it('turns numbers and names into what the node can match', () => {
    expect(orderQuery('4F3A-9C21', addressOf)).toBe('0x4f3a9c21');
    expect(orderQuery('Bakery', addressOf)).toBe(party);
    expect(orderQuery(' nobody ', addressOf)).toBe('nobody');
  });
});

describe('find', () => {
  afterEach(() => vi.unstubAllGlobals());

  function node(answers: Record<string, unknown>) {
    vi.stubGlobal('fetch', async (url: string, init: { body?: string }) => {
      if (url.startsWith('/api/orders/')) return new Response('{}', { status: 404 });
      const { method } = JSON.parse(init.body ?? '{}') as { method: string };
      return new Response(JSON.stringify({ jsonrpc: '2.0', id: 1, result: answers[method] ?? null }));
    });
  }

  it('opens a block that exists and names the tip otherwise', async () => {
    node({ eth_blockNumber: '0x64' });
    expect(await find('100', () => null)).toEqual({ route: { page: 'block', id: 100n } });
    expect(await find('101', () => null)).toEqual({ nothing: 'height', tip: 100n });
  });

  it('asks for a transaction, a block and an order before giving up on a hash', async () => {
    node({});
    expect(await find(hash('a'), () => null)).toEqual({ nothing: 'hash' });
    node({ eth_getTransactionByHash: { hash: hash('a'), from: hash('b') } });
    expect(await find(hash('a'), () => null)).toEqual({ route: { page: 'transaction', hash: hash('a') } });
  });

  it('opens parties by name', async () => {
    expect(await find('Bakery', () => `0x${'0b'.repeat(20)}`)).toMatchObject({ route: { page: 'account' } });
    expect(await find('Nobody', () => null)).toEqual({ nothing: 'name' });
  });
});
