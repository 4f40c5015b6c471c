import { afterEach, describe, expect, it, vi } from 'vitest';
import { Refused, Unreachable } from '../rpc/http';
import { fetchHistory, readKept } from './history';

const escrow = `0x${'Ab'.repeat(20)}`;

/** A node that has let go what is below some block. */
function nodeWith(whole: number): void {
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    const answers = (JSON.parse(body) as { id: number; method: string }[]).map(({ id, method }) => ({
      id,
      result: method === 'hanse_getHistory' ? { below: '0x10', contracts: { [escrow]: '0x2a' } } : { tx: { oldestBlock: `0x${whole.toString(16)}` } },
    }));
    return { status: 200, json: async () => answers };
  });
}

const PRUNED = new Refused(4444, 'pruned history unavailable');

afterEach(() => vi.unstubAllGlobals());

describe('what a node keeps', () => {
  it('is read of everything and of single contracts', async () => {
    nodeWith(42);
    expect(await fetchHistory()).toEqual({ whole: 42n, below: 16n, contracts: new Map([[escrow.toLowerCase(), 42n]]) });
  });

  it('is all that is asked for, as a rule', async () => {
    expect(await readKept(0n, 100n, async (from) => [from])).toEqual({ got: [0n], since: null });
  });

  it('is read from where on all is there, once the node has refused', async () => {
    nodeWith(42);
    const read = vi.fn(async (from: bigint) => {
      if (from < 42n) throw PRUNED;
      return [from];
    });
    expect(await readKept(0n, 100n, read)).toEqual({ got: [42n], since: 42n });
    expect(read.mock.calls).toEqual([[0n], [42n]]);
    expect(await readKept(0n, 41n, read)).toEqual({ got: null, since: 42n });
  });

  it('is not asked again about other failures, or for ever', async () => {
    nodeWith(42);
    const away = new Unreachable('gone');
    await expect(readKept(0n, 100n, () => Promise.reject(away))).rejects.toBe(away);
    await expect(readKept(0n, 100n, () => Promise.reject(PRUNED))).rejects.toBe(PRUNED);
  });
});
