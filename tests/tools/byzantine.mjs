// One of four validators misbehaves over real sockets, in each way that a development network offers
// (`hanse_setFault`): it does no harm, or the others put it out with proof.
import assert from 'node:assert/strict';
import { hashTypedData, recoverAddress } from 'viem';
import { rpc, sleep, until } from './lib.mjs';
import { seconds } from './load.mjs';
import { names, within } from './network.mjs';

const [liar, honest] = ['bank', ['brand', 'retailer', 'carrier']];
const honestPlaces = [0, 1, 2];
/** Transactions that wait at each node all the time. */
const amount = { flight: Number(process.env.FLIGHT ?? 60) };

const validatorOf = async (network, name) => {
  const { validators } = await rpc(network.url(honest[0]), 'hanse_getValidators');
  return validators.find((one) => one.name === name);
};

/** True when a node is connected to none that acts for the liar. */
const isWithout = async (network, name, account) =>
  (await rpc(network.url(name), 'hanse_getPeers')).every(({ validator }) => validator?.toLowerCase() !== account.toLowerCase());

/** What each validator has signed twice, worked out anew: digests from the words themselves, accounts from the signatures. */
async function verify(network, proof, account) {
  const { hash: salt } = await rpc(network.url(honest[0]), 'eth_getBlockByNumber', ['0x0', false]);
  const domain = { name: 'Hanse consensus', version: '1', chainId: 1337, salt };
  const { height, round, kind, messages } = proof;
  const words = ({ block, validRound }) =>
    kind === 'proposal'
      ? {
          primaryType: 'Proposal',
          types: { Proposal: [{ name: 'height', type: 'uint64' }, { name: 'round', type: 'uint32' }, { name: 'block', type: 'bytes32' }, { name: 'validRound', type: 'int64' }] },
          message: { height: BigInt(height), round: Number(round), block, validRound: validRound === null ? -1n : BigInt(validRound) },
        }
      : {
          primaryType: 'Vote',
          types: { Vote: [{ name: 'kind', type: 'uint8' }, { name: 'height', type: 'uint64' }, { name: 'round', type: 'uint32' }, { name: 'block', type: 'bytes32' }] },
          message: { kind: kind === 'prevote' ? 1 : 2, height: BigInt(height), round: Number(round), block: block ?? `0x${'0'.repeat(64)}` },
        };
  assert.equal(messages.length, 2);
  const digests = await Promise.all(
    messages.map(async (message) => {
      const digest = hashTypedData({ domain, ...words(message) });
      assert.equal(digest, message.digest);
      assert.equal((await recoverAddress({ hash: digest, signature: message.signature })).toLowerCase(), account.toLowerCase());
      return digest;
    }),
  );
  assert.notEqual(digests[0], digests[1], 'the two say different things');
}

/** The liar signs two things: the chain hears of it, puts it out, and all drop it. */
async function putOut(network, kind) {
  const load = await network.give(amount);
  const before = (await load.goOn(honestPlaces, 3), await load.measure(5_000));
  const { address: account } = await validatorOf(network, liar);
  const from = load.tip;
  const begun = Date.now();
  await rpc(network.url(liar), 'hanse_setFault', [kind, '0xea60']);
  const [proof] = await until(`evidence of ${kind}`, async () => {
    load.check();
    const all = await rpc(network.url(honest[0]), 'hanse_getEvidence');
    return all.length > 0 && all;
  });
  const told = Date.now() - begun;
  assert.equal(proof.accused.toLowerCase(), account.toLowerCase());
  await verify(network, proof, account);
  const receipt = await until('its receipt at another node', () => rpc(network.url(honest[1]), 'eth_getTransactionReceipt', [proof.transactionHash]));
  assert.equal(receipt.blockNumber, proof.acceptedIn);
  const delay = Number(proof.acceptedIn) - Number(proof.height);
  for (const name of honest) {
    await until(`${name} without the liar`, () => isWithout(network, name, account));
    const proofs = await rpc(network.url(name), 'hanse_getEvidence');
    assert.deepEqual(proofs[0], proof, `${name} tells the same`);
  }
  const dropped = Date.now() - begun;
  // What a block decides about its validators counts for the block after the next.
  await until(`${liar} without a vote`, async () => (await validatorOf(network, liar)).power === '0x0');
  assert.equal((await validatorOf(network, liar)).standing, 'equivocated');
  // It is out; what it was given goes nowhere any more.
  load.down.add(names.indexOf(liar));
  const after = await load.measure(5_000);
  await load.goOn(honestPlaces, 3);
  await load.settle();
  await load.agree();
  console.log(`      ${kind}: signed at height ${Number(proof.height)} (asked after ${from}), proven ${delay} blocks later (${seconds(told)}), dropped by all after ${seconds(dropped)}; ${before} tx/s before, ${after} after`);
}

/** Misbehaviour that proves nothing: blocks go on meanwhile, and afterwards as before. */
async function harmless(network, kind) {
  const load = await network.give(amount);
  await load.goOn(honestPlaces, 3);
  const before = await load.measure(3_000);
  const { address: account } = await validatorOf(network, liar);
  // Who is banned or put out is not the load's problem.
  load.down.add(names.indexOf(liar));
  const begun = Date.now();
  await rpc(network.url(liar), 'hanse_setFault', [kind, '0x1388']);
  const during = await load.measure(5_000);
  const gap = load.gap(begun);
  await load.goOn(honestPlaces, 2);
  const after = await load.measure(3_000);
  await load.settle();
  await load.agree();
  assert.equal((await rpc(network.url(honest[0]), 'hanse_getEvidence')).length, 0, 'nothing was proven');
  const { standing, missed } = await validatorOf(network, liar);
  const kept = (await Promise.all(honest.map((name) => isWithout(network, name, account)))).filter((without) => !without).length;
  if (['pause', 'cut', 'silent'].includes(kind)) {
    // It comes back by itself and has everything.
    load.down.delete(names.indexOf(liar));
    await load.reach([names.indexOf(liar)], load.tip);
  }
  console.log(`      ${kind}: ${before} tx/s before, ${during} during, ${after} after; never ${seconds(gap)} without a block; ${standing}, ${Number(missed)} missed, ${kept} of ${honest.length} still have it as a peer`);
}

export async function byzantine(checks) {
  for (const kind of ['equivocateVotes', 'equivocateProposals']) {
    await checks.check(`one of four lies (${kind}): proven, put out, dropped by all`, () => within('bft', (network) => putOut(network, kind)));
  }
  for (const kind of ['invalidBlocks', 'flood', 'silent', 'cut', 'pause']) {
    await checks.check(`one of four misbehaves (${kind}): no harm`, () => within('bft', (network) => harmless(network, kind)));
  }
}
