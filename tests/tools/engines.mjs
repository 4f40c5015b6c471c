// Members vote for another engine, with real processes: from equal votes to votes by stake, other times, and back. One
// node is killed around each change and comes back, one comes with nothing, one takes blocks off its chain; all have the same
// chain, and `hanse verify` follows it from genesis.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, http, keccak256, parseEther } from 'viem';
import { artifact, devAddress, hanse, rpc, rpcEach, run, until } from './lib.mjs';
import { admins } from './council.mjs';
import { Desk, number } from './desk.mjs';
import { names, within } from './network.mjs';

const hex = (number) => `0x${number.toString(16)}`;
/** Ether of stake, so that any one of four may be away. */
const stakes = { brand: 10, retailer: 11, carrier: 12, bank: 13 };
const rules = {
  window: 100, missedMax: 50, absentSeconds: 30, jailBlocks: 20n, unbondingBlocks: 1_000n, commissionBlocks: 1_000n,
  powerUnit: parseEther('1'), selfBondMin: parseEther('1'), rewardPerBlock: 0n, proposerBps: 1_000, slashBps: 500,
};

/** So that changes come soon, though nobody trades. */
function soon(genesis) {
  genesis.config.hanse.consensus.emptyBlockTimeMs = 300;
  return genesis;
}

/** A contract of stakes for the same four, as a member deploys it. */
async function deployStaking(network) {
  const url = network.url('brand');
  const { abi, bytecode } = artifact('Staking');
  const chain = { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } };
  const wallet = createWalletClient({ account: admins.bank, chain, transport: http(url) });
  const { validators } = await rpc(url, 'hanse_getValidators');
  const founders = validators.map(({ address, name }) => ({ account: address, name, bond: parseEther(String(stakes[name])), commissionBps: 0 }));
  const value = founders.reduce((sum, { bond }) => sum + bond, parseEther('5'));
  const args = [founders, rules, network.settings.contracts.membership.policies];
  const hash = await wallet.deployContract({ abi, bytecode, args, value, gas: 12_000_000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
  const receipt = await until('the contract of stakes', () => rpc(url, 'eth_getTransactionReceipt', [hash]));
  assert.equal(receipt.status, '0x1');
  return receipt.contractAddress;
}

/** Proposed by one, approved by two more, carried out; returns what was said of it. */
async function vote(desk, ...args) {
  const said = await desk.as('Brand', 'proposal', 'new', 'engine', ...args);
  const id = number(said);
  await desk.as('Carrier', 'proposal', 'approve', id);
  await desk.as('Retailer', 'proposal', 'approve', id);
  await desk.as('Bank', 'proposal', 'execute', id);
  return { said, id };
}

const engine = (url) => rpc(url, 'hanse_getEngine');
const pay = (network, name) => network.pay(network.wallet(name), name, name);
const logs = (network, name) => network.children.get(name).log();

/** All nodes pass a height; one of them is killed one block before, and comes back behind it. */
async function pass(network, height, killed) {
  const others = names.filter((name) => name !== killed);
  await until(`the block before ${height}`, async () => (await network.height(killed)) >= height - 2, 120);
  await network.kill(killed);
  for (const name of others) await until(`${name} past ${height}`, async () => (await network.height(name)) > height, 120);
  await network.revive(killed);
  await until(`${killed} past ${height}`, async () => (await network.height(killed)) > height, 60);
}

/** Nothing is voted for that nobody could follow, and the reasons are in words. */
async function refusals(desk, network, staking) {
  const { engines } = network.settings.contracts;
  await desk.refused(/bft decides blocks now; say by --contract/, 'Brand', 'proposal', 'new', 'engine', 'pos', '--from-block', 500);
  const far = (await network.height('brand')) + 500;
  for (const [args, why] of [
    [['bft', '--contract', staking, '--from-block', far], /it knows no validators of that kind/],
    [['pos', '--contract', devAddress, '--from-block', far], /there is no contract/],
    [['pos', '--contract', staking, '--from-block', 3], /takes effect in block \d+ at the earliest, not in 3/],
    [['bft', '--from-block', far, '--vote-timeout', 0], /voteTimeoutMs must be 1 to 10000/],
    [['keep'], /no change of the engine waits/],
  ]) {
    const said = await desk.as('Brand', 'proposal', 'new', 'engine', ...args);
    assert.match(said, why);
    await desk.as('Brand', 'proposal', 'withdraw', number(said));
  }
  const { topics } = await desk.json('policy', 'list');
  assert.ok(topics.some(({ target, policy }) => target.toLowerCase() === engines.toLowerCase() && policy === 'engine'), 'its policy decides on it');
}

/** What happened is proven to somebody who has nothing but the genesis. */
async function verified(network, paid, contracts) {
  const genesis = join(network.folder, 'genesis.json');
  const kept = join(network.folder, 'checkpoint.json');
  const verify = async (...args) => JSON.parse(await run(hanse, ['verify', ...args, '--rpc', network.url('carrier'), '--genesis', genesis, '--json']));
  for (const { hash, block } of paid) {
    const fresh = await verify('tx', hash);
    assert.equal(fresh.block.hash, block);
    assert.equal(fresh.proven.succeeded, true);
  }
  // The newest block is proven by who decides it now, whose contract members have voted for.
  for (const from of ['genesis', 'what was verified']) {
    const { proven, support } = await verify('account', devAddress, '--checkpoint', kept);
    assert.ok(proven.exists && support, `from ${from}`);
  }
  const { validators } = JSON.parse(readFileSync(kept, 'utf8'));
  const { contract } = (await engine(network.url('carrier'))).now;
  assert.equal(contract.toLowerCase(), contracts.at(-1).toLowerCase());
  const there = (await rpc(network.url('carrier'), 'hanse_getValidators')).validators;
  assert.deepEqual(validators.map(({ address, power }) => [address, power]).sort(), there.map(({ address, power }) => [address, power]).sort());
}

/** The last final block as it is proven from genesis, with who decides it; for the tests of both light clients. */
async function proven(url) {
  const finality = await rpc(url, 'hanse_getFinalityProof', ['finalized', '0x0']);
  const { validators } = await rpc(url, 'hanse_getCheckpoint', [hex(Number(finality.number) - 1)]);
  return { finality, hash: keccak256(finality.links.at(-1).header), validators };
}

async function voted(network, desk, home) {
  const url = network.url('brand');
  const registry = network.settings.consensus.contract;
  const paid = [await pay(network, 'brand')];
  const staking = await deployStaking(network);
  await refusals(desk, network, staking);

  // A change that is taken back in time is none.
  const from = (await network.height('brand')) + 70;
  await vote(desk, 'pos', '--contract', staking, '--from-block', from);
  assert.equal(Number((await engine(url)).next.from), from);
  await assert.rejects(vote(desk, 'bft', '--from-block', from + 90), /another change of the engine waits for block/);
  const kept = await vote(desk, 'keep');
  assert.match(await desk.hanse('proposal', 'show', kept.id), /take back the change of the engine that waits/);
  assert.equal((await engine(url)).next, null);

  // From equal votes to votes by stake.
  const change = (await network.height('brand')) + 45;
  const { said, id } = await vote(desk, 'pos', '--contract', staking, '--from-block', change);
  assert.match(said, /would vote: 0x\w+ \(carrier\), power 12/);
  assert.match(await desk.hanse('proposal', 'show', id), new RegExp(`let blocks from ${change} on be decided by validators with votes by stake \\(pos\\)`));
  const waiting = await engine(url);
  assert.deepEqual([waiting.now.engine, waiting.next.engine, Number(waiting.next.from)], ['bft', 'pos', change]);
  assert.match(await desk.hanse('engine', 'list'), new RegExp(`next +pos from block ${change}, 0x`));
  assert.equal((await rpc(url, 'hanse_status')).nextEngine.engine, 'pos');
  const proofs = [await proven(url)];
  const told = await rpc(url, 'eth_getLogs', [{ address: network.settings.contracts.engines, fromBlock: '0x0', toBlock: 'latest' }]);
  assert.equal(told.length, 3, 'decided, taken back, decided');
  const decided = Number(told.at(-1).blockNumber);
  await pass(network, change, 'bank');
  assert.equal((await rpc(url, 'hanse_status')).engine, 'pos');
  proofs.push(await proven(url));
  paid.push(await pay(network, 'bank'));
  const at = async (height) => rpc(url, 'eth_getBlockByNumber', [hex(height), false]);
  assert.equal(BigInt((await at(change - 1)).miner), 0n, 'fees of equal validators go to nobody');
  assert.equal((await at(change)).miner, staking.toLowerCase(), 'the first block by stake');
  const powers = (await rpc(url, 'hanse_getCertificate', [hex(change)])).totalPower;
  assert.equal(Number(powers), 46, 'the votes of the first block by stake');
  assert.equal(Number((await rpc(url, 'hanse_getCertificate', [hex(change - 1)])).totalPower), 4, 'and of the last one before');

  // Other times of the same engine: from then on no two blocks come within a second.
  const slow = (await network.height('brand')) + 40;
  await vote(desk, 'pos', '--from-block', slow, '--block-time', 1_000, '--empty-block-time', 1_000);
  await until('a time too late to take it back', async () => (await network.height('brand')) >= slow - 19, 120);
  const late = await desk.as('Brand', 'proposal', 'new', 'engine', 'keep');
  assert.match(late, /the change in block \d+ is too near to be taken back: nodes may have acted on it/);
  await desk.as('Brand', 'proposal', 'withdraw', number(late));
  // All lose their power at once, just before.
  await until('the last blocks before', async () => (await network.height('brand')) >= slow - 3, 120);
  await network.kill(...names);
  for (const name of names) await network.revive(name);
  for (const name of names) await until(`${name} past ${slow}`, async () => (await network.height(name)) >= slow + 5, 120);
  const times = [];
  for (let height = slow; height <= slow + 5; height += 1) times.push(Number((await at(height)).timestamp));
  assert.ok(times.at(-1) - times[0] >= 5, `five blocks in ${times.at(-1) - times[0]} s`);
  assert.equal(Number((await engine(url)).now.blockTimeMs), 1_000);
  paid.push(await pay(network, 'retailer'));

  // And back, faster again; meanwhile one comes with nothing.
  const back = (await network.height('brand')) + 24;
  await vote(desk, 'bft', '--contract', registry, '--from-block', back, '--block-time', 0, '--empty-block-time', 300);
  await network.join(home);
  await pass(network, back, 'retailer');
  paid.push(await pay(network, 'retailer'));
  assert.equal((await rpc(url, 'hanse_status')).engine, 'bft');
  await until('the fifth past the changes', async () => (await network.height('fifth')) > back, 60);
  await network.agree(paid);
  proofs.push(await proven(url));
  const fixture = { checkpoint: await rpc(url, 'hanse_getCheckpoint', ['0x0']), proofs };
  if (process.env.ENGINES_FIXTURE) writeFileSync(process.env.ENGINES_FIXTURE, `${JSON.stringify(fixture, null, 1)}\n`);
  await verified(network, paid, [registry, staking, registry]);
  const { changes } = await desk.json('engine', 'list');
  assert.deepEqual(changes.map(({ from }) => Number(from)), [change, slow, back]);

  // One takes blocks off, to before anything was decided, and finds out again. What it may have signed it signs no more.
  await network.stop('carrier');
  const place = ['--chain', join(network.folder, 'genesis.json'), '--datadir', join(network.folder, 'carrier', 'data')];
  await run(hanse, ['db', 'rollback', ...place, String(decided - 1)]);
  await network.revive('carrier');
  assert.match(logs(network, 'carrier'), /below that height this node signs nothing/);
  await until('the carrier at the tip', async () => (await network.height('carrier')) > back, 90);
  paid.push(await pay(network, 'carrier'));
  await network.agree(paid);

  const tip = Math.min(...(await Promise.all([...names, 'fifth'].map((name) => network.height(name)))));
  const hashes = async (name) => (await rpcEach(network.url(name), 'eth_getBlockByNumber', Array.from({ length: tip + 1 }, (_, height) => [hex(height), false]))).map(({ hash }) => hash);
  const expected = await hashes('brand');
  for (const name of [...names, 'fifth']) assert.deepEqual(await hashes(name), expected, `the chain of ${name}`);
  assert.equal((await rpc(url, 'hanse_getEvidence')).length, 0, 'nobody signed two things');
  console.log(`      ${tip} blocks; pos from ${change}, slower from ${slow}, bft from ${back}; decided in ${decided}`);
}

/** Who was put out for signing two things has a seat in the contract of stakes; the proof follows it there. */
async function traitor(network, desk) {
  const url = network.url('brand');
  const staking = await deployStaking(network);
  const { validator: account } = await rpc(network.url('bank'), 'hanse_status');
  await rpc(network.url('bank'), 'hanse_setFault', ['equivocateVotes', hex(60_000)]);
  await until('evidence', async () => (await rpc(url, 'hanse_getEvidence')).length > 0, 60);
  await rpc(network.url('bank'), 'hanse_setFault', [null]);
  const there = async () => (await rpc(url, 'hanse_getValidators')).validators.find(({ address }) => address.toLowerCase() === account.toLowerCase());
  await until('three validators', async () => BigInt((await there()).power) === 0n);
  const change = (await network.height('brand')) + 35;
  await vote(desk, 'pos', '--contract', staking, '--from-block', change);
  await until('the change', async () => (await network.height('brand')) >= change, 120);
  await until('the traitor out of this contract too', async () => (await there()).standing === 'equivocated' && BigInt((await there()).power) === 0n, 60);
  const [proof] = await rpc(url, 'hanse_getEvidence');
  assert.equal(proof.accused.toLowerCase(), account.toLowerCase());
  assert.ok(Number(proof.height) < change, 'it was proven before');
  await network.pay(network.wallet('brand'), 'brand', 'carrier');
}

export async function engines(checks) {
  await checks.check('who signed two things under one engine votes under no other', () =>
    within('bft', async (network) => {
      const desk = new Desk(network.folder, network.url('brand'));
      await desk.prepare();
      await traitor(network, desk);
    }, { flags: ['--dev.faults'], edit: soon }));

  await checks.check('members vote on the engine: to stakes, other times, and back, with nodes that are killed and that come later', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hanse-fifth-'));
    try {
      const key = /peer +(\w{64})@/.exec(await run(hanse, ['init', '--directory', home, '--follow']))[1];
      const flags = ['--network.allow', key];
      await within('bft', async (network) => {
        const desk = new Desk(network.folder, network.url('brand'));
        await desk.prepare();
        await voted(network, desk, home);
      }, { flags, edit: soon });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}
