import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NotProven, NotSigned } from './error';
import { asAddress, currencySlot, orderSlots, readRecord } from './order';
import { readAccountProof, readCheckpoint, readFinalityProof, readTransactionProof, writeCheckpoint } from './read';
import { verifyAccount } from './state';
import { Trust } from './trust';
import { Verifier, verifyTransaction } from './verifier';

// What a real network of four proved while half of its validators changed; the tests of `crates/light` read it too.
const FILE = new URL('../../../../crates/light/src/fixtures/chain.json', import.meta.url);
const fixture = JSON.parse(readFileSync(FILE, 'utf8'));
const point = () => readCheckpoint(fixture.checkpoint);

async function transaction(which: 'early' | 'late', answer: unknown) {
  const verifier = new Verifier(point());
  const before = writeCheckpoint(verifier.checkpoint);
  const proof = readTransactionProof(answer);
  try {
    const block = await verifier.finality(proof, BigInt(fixture[which].proof.number));
    return { verifier, block, receipt: verifyTransaction(proof, block, fixture[which].hash) };
  } catch (error) {
    if (!(error instanceof NotProven && error.kind === 'content')) {
      // What is trusted does not move along with a lie about the way.
      if (!/Merkle proof of (transaction|receipt)|there is no/.test(String(error))) expect(writeCheckpoint(verifier.checkpoint)).toBe(before);
    }
    throw error;
  }
}

async function state(answer: { finality: unknown; proof: unknown }) {
  const verifier = new Verifier(point());
  const proof = readFinalityProof(answer.finality);
  const block = await verifier.finality(proof, BigInt(fixture.state.finality.number));
  const slots = orderSlots(fixture.order.id);
  return { block, account: verifyAccount(readAccountProof(answer.proof), block.header.stateRoot, fixture.state.proof.address, slots) };
}

// What a real network proved whose members voted for stakes and back: while that waited, and after both changes.
const votes = JSON.parse(readFileSync(new URL('engines.json', FILE), 'utf8'));
const follow = async (answer: unknown, number: string, point = votes.checkpoint) => {
  const verifier = new Verifier(readCheckpoint(point));
  const block = await verifier.finality(readFinalityProof(answer), BigInt(number));
  return { verifier, block };
};

type Json = unknown[] | Record<string, unknown>;

/** Every text in a value, with what holds it. */
function texts(value: unknown, path: string[] = []): string[][] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => texts(field, [...path, name]));
}

function changed<T>(value: T, path: string[], change: (old: string) => unknown): T {
  const copy = structuredClone(value);
  let holder = copy as unknown as Record<string, unknown>;
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
  const last = path.at(-1) as string;
  holder[last] = change(holder[last] as string);
  return copy;
}

const otherDigit = (at: number) => (text: string) => {
  const index = 2 + (at % (text.length - 2));
  return text.slice(0, index) + (parseInt(text[index] as string, 16) ^ 1).toString(16) + text.slice(index + 1);
};

describe('what the network proved', () => {
  it('a transaction before the change, by one certificate', async () => {
    const { block, receipt } = await transaction('early', fixture.early.proof);
    expect(fixture.early.proof.links).toHaveLength(1);
    expect(block.support).toMatchObject({ trustedSince: 0n, total: 4n, own: null });
    expect(receipt.succeeded).toBe(true);
    expect(receipt.logs.some((log) => log.topics[1] === fixture.order.id)).toBe(true);
  });

  it('a transaction after it, over the new validators', async () => {
    const { verifier, block } = await transaction('late', fixture.late.proof);
    expect(block.support.trustedSince).toBeGreaterThan(0n);
    const founders = point().validators.map((seat) => seat.address);
    expect(verifier.checkpoint.validators.some((seat) => !founders.includes(seat.address))).toBe(true);
  });

  it('an order, as the escrow has it', async () => {
    const { block, account } = await state(fixture.state);
    expect(block.support.own).toEqual({ signed: 3n, total: 3n, voters: 3 });
    expect(readRecord(account.values)).toMatchObject({
      state: fixture.order.state,
      amount: BigInt(fixture.order.amount),
      shippingFee: BigInt(fixture.order.shippingFee),
      merchant: fixture.order.merchant,
      carrier: fixture.order.carrier,
      shopper: fixture.order.shopper,
      document: fixture.order.document,
      currencyNumber: 1n,
    });
  });

  it('that there is no such account', async () => {
    const { block } = await state(fixture.state);
    const account = verifyAccount(readAccountProof(fixture.absent), block.header.stateRoot, fixture.absent.address, [7n]);
    expect(account).toMatchObject({ exists: false, balance: 0n, values: [0n] });
  });
});

describe('a server that lies', () => {
  it.each(['early', 'late'] as const)('changes no digit of the %s transaction unnoticed', async (which) => {
    const honest = fixture[which].proof as Json;
    for (const path of texts(honest)) {
      for (const at of [0, 1, 77, 501]) {
        const answer = changed(honest, path, otherDigit(at));
        await expect(transaction(which, answer), `${path.join('.')} ${at}`).rejects.toBeInstanceOf(NotProven);
      }
    }
  }, 60_000);

  it('changes no digit of the state unnoticed', async () => {
    const honest = fixture.state;
    for (const path of texts(honest)) {
      const answer = changed(honest, path, otherDigit(path.join().length));
      await expect(state(answer), path.join('.')).rejects.toBeInstanceOf(NotProven);
    }
  }, 60_000);

  it('sends no other kind of answer unnoticed', async () => {
    const honest = fixture.late.proof;
    for (const path of texts(honest)) {
      for (const other of [null, 7, '', '0x', 'zz', [], {}, '0x0123']) {
        if (path.join('.').endsWith('parent') && other === null) continue; // may be missing, see below
        await expect(transaction('late', changed(honest, path, () => other)), path.join('.')).rejects.toBeInstanceOf(NotProven);
      }
    }
  }, 60_000);

  it('leaves nothing out', async () => {
    const last = fixture.late.proof.links.length - 1;
    const without = (change: (answer: typeof fixture.late.proof) => void) => {
      const answer = structuredClone(fixture.late.proof);
      change(answer);
      return expect(transaction('late', answer)).rejects.toMatchObject({ name: 'Error' });
    };
    await without((answer) => answer.links.splice(0, last));
    await without((answer) => answer.links.splice(0));
    await without((answer) => (answer.links[last].parent = null));
    await without((answer) => (answer.links[0].validators = null));
    await without((answer) => answer.links[last].certificate.signatures.splice(1));
    await without((answer) => answer.links[last].certificate.signatures.reverse());
    await without((answer) => answer.transaction.pop());
    await without((answer) => answer.receipt.push(answer.receipt[0]));
  });

  it('proves another transaction than was asked for', async () => {
    const proof = readTransactionProof(fixture.early.proof);
    const block = await new Verifier(point()).finality(proof, proof.number);
    expect(() => verifyTransaction(proof, block, fixture.late.hash)).toThrow(/is .*, not/);
  });
});

describe('votes on the engine', () => {
  it('are followed, from genesis and from one to the next', async () => {
    expect(votes.proofs).toHaveLength(3);
    for (const { finality, hash, validators } of votes.proofs) {
      const { verifier, block } = await follow(finality, finality.number);
      expect(block.header.hash).toBe(hash);
      expect(block.support.own?.voters).toBe(4);
      const kept = JSON.parse(writeCheckpoint(verifier.checkpoint));
      expect(kept.validators).toEqual(validators);
      expect(kept.engineVotes).toBe(votes.checkpoint.engineVotes);
      const last = votes.proofs[2].finality;
      if (last !== finality) await follow(last, last.number, kept);
    }
  });

  it('are changed by no server', async () => {
    for (const { finality } of votes.proofs) {
      const set = finality.links[0].validators as Record<string, string[]>;
      for (const list of ['engineVotes', 'account']) {
        for (const at of (set[list] as string[]).keys()) {
          const without = structuredClone(finality);
          without.links[0].validators[list].splice(at, 1);
          await expect(follow(without, finality.number), `${list} without ${at}`).rejects.toBeInstanceOf(NotProven);
          const other = changed(finality as Json, ['links', '0', 'validators', list, String(at)], otherDigit(9 * at + 5));
          await expect(follow(other, finality.number), `${list} with another ${at}`).rejects.toBeInstanceOf(NotProven);
        }
        for (const another of votes.proofs) {
          if (another.finality === finality) continue;
          const mixed = structuredClone(finality);
          mixed.links[0].validators[list] = another.finality.links[0].validators[list];
          await expect(follow(mixed, finality.number), `${list} of another block`).rejects.toBeInstanceOf(NotProven);
        }
      }
      const silent = structuredClone(finality);
      delete silent.links[0].validators.engineVotes;
      await expect(follow(silent, finality.number)).rejects.toThrow(/members may have changed it/);
    }
  });

  it('of which a network knows nothing are refused', async () => {
    const { finality } = votes.proofs[1];
    const { engineVotes, ...ignorant } = votes.checkpoint;
    expect(engineVotes).toBeDefined();
    await expect(follow(finality, finality.number, ignorant)).rejects.toThrow(/where nobody votes/);
  });
});

describe('checkpoints', () => {
  it('that make no sense are refused', () => {
    const refused = (change: (raw: typeof fixture.checkpoint) => void) => {
      const raw = structuredClone(fixture.checkpoint);
      change(raw);
      return () => new Verifier(readCheckpoint(raw));
    };
    expect(refused((raw) => raw.validators.splice(0))).toThrow(NotProven);
    expect(refused((raw) => raw.validators.reverse())).toThrow(NotProven);
    expect(refused((raw) => (raw.validators[0].power = '0x0'))).toThrow(NotProven);
    expect(refused((raw) => (raw.hash = `0x${'1'.repeat(64)}`))).toThrow(NotProven);
    expect(refused((raw) => raw.engines.splice(0))).toThrow(NotProven);
    expect(refused((raw) => (raw.engines[0].contract = null))).toThrow(NotSigned);
  });

  it('are kept between visits, and only move forward', () => {
    const items = new Map<string, string>();
    const store = { getItem: (key: string) => items.get(key) ?? null, setItem: (key: string, value: string) => void items.set(key, value), removeItem: (key: string) => void items.delete(key) };
    const trust = new Trust(store);
    expect(trust.anchor).toBeNull();
    expect(() => trust.startFor(null)).toThrow(NotProven);
    trust.pin(point(), 'first-visit');
    expect(new Trust(store).anchor).toEqual(point());
    const newer = { ...point(), number: 9n };
    trust.advance(newer);
    trust.advance({ ...point(), number: 4n });
    expect(trust.startFor(null)).toEqual(newer);
    expect(trust.startFor(10n)).toEqual(newer);
    expect(trust.startFor(9n)).toEqual(point());
    trust.pin({ ...point(), number: 20n }, 'pasted');
    expect(trust.origin).toBe('pasted');
    expect(trust.startFor(null).number).toBe(20n);
    trust.requireEscrow('0x01');
    trust.requireEscrow('0x01');
    expect(() => trust.requireEscrow('0x02')).toThrow(NotProven);
    trust.forget();
    expect(() => trust.requireEscrow('0x02')).not.toThrow();
    items.set('hanse.light.anchor', 'nonsense');
    expect(trust.anchor).toBeNull();
  });
});

describe('the record of an order', () => {
  const life = (times: { shipped?: bigint; delivered?: bigint; closed?: bigint; refunded?: bigint }) =>
    10n | ((times.shipped ?? 0n) << 32n) | ((times.delivered ?? 0n) << 64n) | ((times.closed ?? 0n) << 96n) | (100n << 128n) | ((times.refunded ?? 0n) << 160n);
  const read = (times: Parameters<typeof life>[0]) => readRecord([0n, 50n << 224n, 9n << 160n, life(times), 0n])?.state;

  it('tells every state by the times, as the contract does', () => {
    expect(readRecord([0n, 0n, 0n, 0n, 0n])).toBeNull();
    expect(read({})).toBe('Authorized');
    expect(read({ shipped: 20n })).toBe('Shipped');
    expect(read({ shipped: 20n, delivered: 30n })).toBe('Delivered');
    expect(read({ shipped: 20n, delivered: 30n, closed: 40n })).toBe('Captured');
    expect(read({ shipped: 20n, delivered: 30n, refunded: 9n })).toBe('Refunded');
    expect(read({ closed: 50n, refunded: 9n })).toBe('Cancelled');
    expect(read({ closed: 51n, refunded: 9n })).toBe('Expired');
    expect(read({ shipped: 20n, closed: 100n, refunded: 9n })).toBe('Cancelled');
    expect(read({ shipped: 20n, closed: 101n, refunded: 9n })).toBe('Expired');
  });

  it('names slots as Solidity does', () => {
    expect(currencySlot(1n)).toBe(0xc2575a0e9e593c00f959f8c92f12db2869c3395a3b0502d05e2516446f71f85bn);
    expect(asAddress(currencySlot(1n))).toBe('0x2f12db2869c3395a3b0502d05e2516446f71f85b');
  });
});
