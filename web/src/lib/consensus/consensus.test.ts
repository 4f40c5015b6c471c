import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchAllEvidence, fetchCertificate, fetchStatus, setFault } from './api';
import chain from './certificate.fixture.json';
import { forecast, isLie, ordered } from './faults';
import { matrix } from './matrix';
import { readCertificate, readEvidence, readPeers, readStatus, readValidators } from './model';
import { canDecide, quorum, voters } from './quorum';
import { Malformed } from './read';
import { address, certificate, hash, setOf } from './fixtures';

const block = { number: '0x10', hash: hash(16), timestamp: '0x6b073280' };
const rawStatus = {
  engine: 'bft', height: '0x11', round: '0x0', step: 'prevote', bestKnown: '0x10', head: block, finalized: block,
  validator: `0x${'Ab'.repeat(20)}`, miner: null, peerId: hash(1), fault: { kind: 'pause', untilMs: '0x19ab2f5f0c8' }, faults: ['pause'],
};
const rawMessage = { block: hash(1), validRound: null, digest: hash(2), signature: `0x${'11'.repeat(64)}1b` };
const rawEvidence = {
  index: '0x0', accused: address('a'), accuser: address('b'), kind: 'prevote', height: '0x5', round: '0x0', acceptedIn: '0x7',
  transactionHash: hash(3), messages: [rawMessage, { ...rawMessage, block: null }], standing: 'equivocated',
};

describe('what a node answers', () => {
  it('is taken with numbers as numbers and addresses in lower case', () => {
    expect(readStatus(rawStatus).nextEngine).toBeNull();
    expect(readStatus({ ...rawStatus, nextEngine: { from: '0x64', engine: 'pos', contract: address('c') } }).nextEngine).toEqual({ from: 100n, engine: 'pos' });
    expect(readStatus(rawStatus)).toMatchObject({ engine: 'bft', height: 17n, round: 0, validator: `0x${'ab'.repeat(20)}`, head: { number: 16n, timestamp: 0x6b073280 }, fault: { kind: 'pause', untilMs: 0x19ab2f5f0c8 } });
    expect(readValidators(chain.validators)).toMatchObject({ decides: 9n, totalPower: 4n, quorumPower: 3n });
    expect(readCertificate(chain.certificate)?.signatures).toHaveLength(3);
    expect(readCertificate(null)).toBeNull();
    expect(readEvidence([rawEvidence])[0]).toMatchObject({ index: 0, kind: 'prevote', messages: [{ block: hash(1) }, { block: null }] });
    expect(readPeers([{ id: hash(4), address: '127.0.0.1:30303', inbound: true, software: 'hanse', score: 97, validator: null }])[0]).toMatchObject({ score: 97, validator: null });
  });

  it.each([
    ['status.engine', { engine: 'paxos' }],
    ['status.height', { height: 17 }],
    ['status.round', { round: '0xffffffffffffffffff' }],
    ['status.validator', { validator: '0x12' }],
    ['status.head.hash', { head: { ...block, hash: '0x' } }],
    ['status.head', { head: null }],
    ['status.faults', { faults: 'pause' }],
    ['status.step', { step: 'sleep' }],
  ])('is refused when %s is not as agreed', (path, change) => {
    const read = () => readStatus({ ...rawStatus, ...change });
    expect(read).toThrow(Malformed);
    expect(read).toThrow(path);
  });

  it('is refused when evidence does not have exactly two messages, or a signature another length', () => {
    expect(() => readEvidence([{ ...rawEvidence, messages: [rawMessage] }])).toThrow('two messages');
    expect(() => readEvidence([{ ...rawEvidence, messages: [rawMessage, rawMessage, rawMessage] }])).toThrow('two messages');
    expect(() => readEvidence([{ ...rawEvidence, messages: [rawMessage, { ...rawMessage, signature: '0x11' }] }])).toThrow('evidence[0].messages[1].signature');
    expect(() => readEvidence({})).toThrow('a list');
  });
});

describe('calls', () => {
  afterEach(() => vi.unstubAllGlobals());

  const answer = (reply: (body: { method: string; params: unknown[] }, url: string) => unknown) => {
    const calls: { url: string; method: string; params: unknown[] }[] = [];
    vi.stubGlobal('fetch', async (url: string, init: { body: string }) => {
      const body = JSON.parse(init.body);
      calls.push({ url, method: body.method, params: body.params });
      return new Response(JSON.stringify(reply(body, url)));
    });
    return calls;
  };

  it('go to this node, or to the one that is named', async () => {
    const calls = answer(({ method }) => ({ result: method === 'hanse_status' ? rawStatus : true }));
    await fetchStatus();
    await setFault('http://127.0.0.1:8547', 'cut', 30_000);
    await setFault('http://127.0.0.1:8547', null, 0);
    expect(calls).toEqual([
      { url: '/rpc', method: 'hanse_status', params: [] },
      { url: 'http://127.0.0.1:8547', method: 'hanse_setFault', params: ['cut', '0x7530'] },
      { url: 'http://127.0.0.1:8547', method: 'hanse_setFault', params: [null, '0x0'] },
    ]);
  });

  it('read every page of the evidence', async () => {
    const calls = answer(({ params }) => ({ result: params[0] === '0x0' ? Array.from({ length: 100 }, () => rawEvidence) : [rawEvidence] }));
    expect(await fetchAllEvidence()).toHaveLength(101);
    expect(calls.map(({ params }) => params)).toEqual([['0x0', '0x64'], ['0x64', '0x64']]);
  });

  it('find no certificate at a node that knows of none, and pass on any other refusal', async () => {
    answer(() => ({ error: { code: -32601, message: 'no such method' } }));
    expect(await fetchCertificate(5n)).toBeNull();
    answer(() => ({ error: { code: -32000, message: 'broken' } }));
    await expect(fetchCertificate(5n)).rejects.toThrow('broken');
  });
});

describe('quorum', () => {
  it.each([
    [[1], 1, 0],
    [[1, 1, 1], 3, 0],
    [[1, 1, 1, 1], 3, 1],
    [[1, 1, 1, 1, 1, 1, 1], 5, 2],
    [[50, 20, 15, 15], 2, 0], // without the heaviest nobody decides
    [[30, 25, 25, 20], 3, 1],
    [[10, 0, 10, 10, 10], 3, 1], // who has no vote does not count
  ])('of %j: %i needed, %i may fail', (powers, needed, tolerated) => {
    expect(quorum(setOf(powers.map(BigInt)))).toMatchObject({ needed, tolerated });
  });

  it('says whether votes are equal, and orders voters by weight', () => {
    expect(quorum(setOf([1n, 1n])).equal).toBe(true);
    expect(quorum(setOf([1n, 2n])).equal).toBe(false);
    expect(voters(setOf([1n, 0n, 3n, 2n]).validators).map(({ name }) => name)).toEqual(['3', '4', '1']);
  });

  it('asks whether those who are there can decide', () => {
    const set = setOf([1n, 1n, 1n, 1n]);
    expect(canDecide(set, ({ name }) => name !== '1')).toBe(true);
    expect(canDecide(set, ({ name }) => name > '2')).toBe(false);
  });
});

describe('matrix', () => {
  const four = setOf([1n, 1n, 1n, 1n]).validators;

  it('tells a signature that came a moment late from one that keeps missing', () => {
    const rows = [certificate(9, '123', '4'), certificate(8, '123', '4'), certificate(7, '123', '4'), certificate(6, '124', '3'), certificate(5, '234', '1')];
    const picture = matrix(rows, four);
    expect(picture.columns.map(({ missing }) => missing)).toEqual([0, 0, 0, 3]);
    expect(picture.rows.map(({ cells }) => cells.map(({ mark }) => mark[0]).join(''))).toEqual(['sssa', 'sssa', 'sssa', 'ssls', 'lsss']);
    expect(picture.rows[0]?.cells.map(({ proposed }) => proposed)).toEqual([true, false, false, false]);
  });

  it('keeps the column of one that is removed, empty where it has no vote any more', () => {
    const gone = four.map((one) => (one.name === '2' ? { ...one, power: 0n, standing: 'equivocated' as const } : one));
    const picture = matrix([certificate(9, '134', ''), certificate(8, '123', '4')], gone);
    expect(picture.columns.map(({ validator: known }) => known?.name)).toEqual(['1', '2', '3', '4']);
    expect(picture.rows.map(({ cells }) => cells[1]?.mark)).toEqual(['none', 'signed']);
    expect(picture.columns[1]?.missing).toBe(0); // no vote is not a missing one
    expect(matrix([certificate(9, '134', '')], gone).columns).toHaveLength(3); // and goes with its last row
  });

  it('shows who signed though the newest state does not know them', () => {
    const picture = matrix([certificate(9, '1f', '')], four.slice(0, 1));
    expect(picture.columns.map((column) => [column.address, column.validator?.name ?? null])).toEqual([[address('1'), '1'], [address('f'), null]]);
  });

  it('is empty before the first certificate', () => {
    expect(matrix([], four)).toMatchObject({ rows: [], columns: [{}, {}, {}, {}] });
  });
});

describe('faults', () => {
  const four = setOf([1n, 1n, 1n, 1n]);
  const nobody: ReadonlySet<string> = new Set();

  it('offer the most telling first, and what is unknown last', () => {
    expect(ordered(['sleepwalk', 'equivocateVotes', 'cut', 'pause'])).toEqual(['pause', 'cut', 'equivocateVotes', 'sleepwalk']);
    expect(['pause', 'cut', 'equivocateVotes', 'equivocateProposals'].map(isLie)).toEqual([false, false, true, true]);
  });

  it('foresee that three of four go on, and two do not', () => {
    expect(forecast(four, address('1'), 'pause', nobody)).toMatchObject({ left: 3n, needed: 3n, total: 4n, goesOn: true, after: null });
    expect(forecast(four, address('1'), 'pause', new Set([address('2')]))).toMatchObject({ left: 2n, goesOn: false });
    expect(forecast(four, address('1'), 'pause', new Set([address('1')]))).toMatchObject({ left: 3n, goesOn: true }); // not twice
  });

  it('foresee what a lie leaves', () => {
    expect(forecast(four, address('1'), 'equivocateVotes', nobody).after).toEqual({ voters: 3, tolerated: 0 });
    expect(forecast(setOf([1n, 1n, 1n, 1n, 1n]), address('1'), 'equivocateVotes', nobody).after).toEqual({ voters: 4, tolerated: 1 });
  });
});
