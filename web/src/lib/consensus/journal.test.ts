import { describe, expect, it } from 'vitest';
import { address, certificate, hash, setOf } from './fixtures';
import { isStalled, observe, STALLED_MS, type Look } from './journal';
import { matrix } from './matrix';
import type { ActiveFault, Certificate, Evidence, Status, Step, Validator } from './model';

const four = setOf([1n, 1n, 1n, 1n]).validators;

function look(certificates: readonly Certificate[], more: Partial<Look> = {}, validators: readonly Validator[] = four): Look {
  return { head: certificates[0]?.number ?? 0n, validators, matrix: matrix(certificates, validators), evidence: [], stalled: false, faults: new Map(), ...more };
}

const all = (number: number) => certificate(number, '1234', '');
const without4 = (number: number) => certificate(number, '123', '4');

describe('observe', () => {
  it('sees nothing where nothing happened', () => {
    expect(observe(look([all(1)]), look([all(2), all(1)]))).toEqual([]);
    expect(observe(look([all(1)]), look([without4(2), all(1)]))).toEqual([]); // once is nothing
  });

  it('sees who goes missing, since when, and who comes back', () => {
    const gone = look([without4(4), without4(3), without4(2), all(1)]);
    expect(observe(look([without4(3), without4(2), all(1)]), gone)).toEqual([{ what: 'away', validator: address('4'), block: 2n }]);
    expect(observe(gone, look([without4(5), without4(4), without4(3), without4(2), all(1)]))).toEqual([]); // told once
    const back = look([all(6), all(5), without4(4), without4(3), without4(2), all(1)]);
    expect(observe(gone, back)).toEqual([{ what: 'back', validator: address('4'), block: 5n }]);
  });

  it('sees one come back whose signature was quoted a block later', () => {
    // The newest certificate lacked a late signature; its successor's header has it, and lacks it again itself.
    const gone = look([without4(5), without4(4), without4(3), without4(2)]);
    expect(observe(gone, look([without4(6), all(5), without4(4), without4(3), without4(2)]))).toEqual([{ what: 'back', validator: address('4'), block: 5n }]);
  });

  it('does not call one back who was removed', () => {
    const gone = look([without4(4), without4(3), without4(2)]);
    const removed = four.map((one) => (one.name === '4' ? { ...one, power: 0n, standing: 'absent' as const, since: 5n } : one));
    expect(observe(gone, look([certificate(5, '123', ''), without4(4), without4(3)], {}, removed))).toEqual([{ what: 'removed', validator: address('4'), standing: 'absent', block: 5n }]);
  });

  it('sees a seat regained', () => {
    const removed = four.map((one) => (one.name === '4' ? { ...one, power: 0n, standing: 'absent' as const } : one));
    expect(observe(look([], {}, removed), look([]))).toEqual([{ what: 'returned', validator: address('4'), block: 0n }]);
  });

  it('sees evidence once, before what it led to', () => {
    const message = { block: null, validRound: null, digest: hash(0), signature: '0x' } as const;
    const proof: Evidence = { index: 0, accused: address('4'), accuser: address('1'), kind: 'prevote', height: 3n, round: 0, acceptedIn: 4n, transactionHash: null, messages: [message, message], standing: 'equivocated' };
    const removed = four.map((one) => (one.name === '4' ? { ...one, standing: 'equivocated' as const, since: 4n } : one));
    const after = look([all(4)], { evidence: [proof] }, removed);
    expect(observe(look([all(3)]), after).map(({ what }) => what)).toEqual(['evidence', 'removed']);
    expect(observe(after, after)).toEqual([]);
  });

  it('sees faults begin, change and end', () => {
    const fault = (kind: string): ActiveFault => ({ kind, untilMs: 9 });
    const none = look([], { faults: new Map([['bank', null]]) });
    const paused = look([], { faults: new Map([['bank', fault('pause')]]) });
    expect(observe(none, paused)).toEqual([{ what: 'fault', node: 'bank', kind: 'pause', untilMs: 9 }]);
    expect(observe(paused, paused)).toEqual([]);
    expect(observe(paused, look([], { faults: new Map([['bank', fault('cut')]]) }))).toMatchObject([{ what: 'fault', kind: 'cut' }]);
    expect(observe(paused, none)).toEqual([{ what: 'fault-ended', node: 'bank', kind: 'pause' }]);
  });

  it('sees blocks stop and go on', () => {
    expect(observe(look([all(3)]), look([all(3)], { stalled: true }))).toEqual([{ what: 'stalled', block: 3n }]);
    expect(observe(look([all(3)], { stalled: true }), look([all(4)]))).toEqual([{ what: 'resumed', block: 4n }]);
  });
});

describe('isStalled', () => {
  const at = (step: Step, round = 0, engine: Status['engine'] = 'bft') => ({ engine, step, round }) as Status;

  it('is when votes wait for votes, not when a quiet network waits for something to write', () => {
    expect(isStalled(at('prevote'), STALLED_MS)).toBe(true);
    expect(isStalled(at('precommit'), STALLED_MS)).toBe(true);
    expect(isStalled(at('propose', 3), STALLED_MS)).toBe(true);
    expect(isStalled(at('propose'), 60_000)).toBe(false);
    expect(isStalled(at('commit'), 60_000)).toBe(false);
    expect(isStalled(at('prevote'), STALLED_MS - 1)).toBe(false);
    expect(isStalled(at('mine', 0, 'pow'), 60_000)).toBe(false);
  });
});
