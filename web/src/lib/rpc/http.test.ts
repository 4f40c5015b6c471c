import { afterEach, describe, expect, it, vi } from 'vitest';
import { Refused, requestAll, Unreachable } from './http';

interface Call {
  readonly id: number;
  readonly params: number[];
}

/** A node that answers batches as `answer` says, in whatever order. */
function node(answer: (calls: Call[]) => unknown): Call[][] {
  const seen: Call[][] = [];
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    const calls = JSON.parse(body) as Call[];
    seen.push(calls);
    return new Response(JSON.stringify(answer(calls)));
  });
  return seen;
}

const echo = ({ id, params }: Call) => ({ jsonrpc: '2.0', id, result: params[0] });
const asked = (count: number) => Array.from({ length: count }, (_, index) => ['echo', [index]] as const);

afterEach(() => vi.unstubAllGlobals());

describe('many calls in one request', () => {
  it('are answered in their order, whatever the order of the answers', async () => {
    const seen = node((calls) => calls.map(echo).reverse());
    expect(await requestAll(asked(7))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(seen.length).toBe(1);
  });

  it('are as many as a node takes at a time', async () => {
    const seen = node((calls) => calls.map(echo));
    expect(await requestAll(asked(1_201))).toEqual(Array.from({ length: 1_201 }, (_, index) => index));
    expect(seen.map((calls) => calls.length)).toEqual([500, 500, 201]);
  });

  it('ask nothing when there is nothing to ask', async () => {
    const seen = node(() => []);
    expect(await requestAll([])).toEqual([]);
    expect(seen).toEqual([]);
  });

  it('fail with the first that fails, or is not answered at all', async () => {
    node((calls) => calls.map((call, index) => (index === 1 ? { id: call.id, error: { code: 3, message: 'reverted', data: '0x12' } } : echo(call))));
    await expect(requestAll(asked(3))).rejects.toMatchObject({ code: 3, data: '0x12' });
    node((calls) => calls.slice(1).map(echo));
    await expect(requestAll(asked(3))).rejects.toBeInstanceOf(Refused);
    node(() => ({ error: { code: -32005, message: 'busy' } }));
    await expect(requestAll(asked(3))).rejects.toMatchObject({ code: -32005 });
  });

  it('say when the node is away', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
    await expect(requestAll(asked(1))).rejects.toBeInstanceOf(Unreachable);
  });
});
