import { describe, expect, it } from 'vitest';
import { readEngine } from './engine';

const contract = `0x${'ab'.repeat(20)}`;
const now = { from: '0x1', engine: 'bft', contract, blockTimeMs: '0x0', emptyBlockTimeMs: '0x1388', proposeTimeoutMs: '0x1f4', voteTimeoutMs: '0x12c', timeoutStepMs: '0xfa' };
const votes = { contract: `0x${'cd'.repeat(20)}`, notice: '0x14', changes: '0x0' };

describe('the engine as a node tells it', () => {
  it('is what a change begins with', () => {
    expect(readEngine({ decides: '0x10', now, next: null, votes })).toEqual({
      kind: 'bft',
      contract,
      timing: { blockTimeMs: 0, emptyBlockTimeMs: 5_000, proposeTimeoutMs: 500, voteTimeoutMs: 300, timeoutStepMs: 250 },
      notice: 20n,
      decides: 16n,
      waits: null,
    });
    expect(readEngine({ decides: '0x10', now, next: { ...now, from: '0x40', engine: 'pos' }, votes })?.waits).toBe(64n);
  });

  it('is not voted on where miners decide, one node does, or genesis has no contract for it', () => {
    for (const engine of ['pow', 'solo']) expect(readEngine({ decides: '0x1', now: { from: '0x1', engine, contract: null }, next: null, votes })).toBeNull();
    expect(readEngine({ decides: '0x1', now, next: null, votes: null })).toBeNull();
    expect(readEngine({ decides: '0x1', now: null, next: null, votes: null })).toBeNull();
  });

  it('is refused when it is none', () => {
    expect(() => readEngine({ decides: '0x1', now: { ...now, blockTimeMs: 5 }, next: null, votes })).toThrow(/blockTimeMs/);
    expect(() => readEngine(null)).toThrow();
  });
});
