// The engine changes at a height, with real processes: the same chain and state go on, and who comes later, with nothing,
// gets all of it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { artifact, devAddress, devKey, hanse, rpc, run, until } from './lib.mjs';
import { names, within } from './network.mjs';

const { abi } = artifact('ICurrency');
const miners = { engine: 'pow', blockTimeMs: 1_000, halfLifeSeconds: 60, initialDifficulty: 200_000, finalityDepth: 3 };

/** What genesis plans is not voted on. */
function plan(genesis) {
  delete genesis.config.hanse.contracts.engines;
  return genesis;
}

/** Miners up to a height, and after them the validators that a genesis has. */
const afterMiners = (height) => (genesis) => {
  genesis.config.hanse.consensus.emptyBlockTimeMs = 500;
  const { hanse } = genesis.config;
  hanse.consensusChanges = [{ height, consensus: hanse.consensus }];
  hanse.consensus = miners;
  return plan(genesis);
};

/** The validators of one genesis up to a height, and those of another after them. */
const after = (height) => (later, genesis) => {
  const engine = later.config.hanse.consensus;
  // Both were made by one deployer, so the second contract has to move.
  const place = `0x${'5e'.repeat(20)}`;
  const [, account] = Object.entries(later.alloc).find(([address]) => BigInt(`0x${address.replace('0x', '')}`) === BigInt(engine.contract));
  genesis.alloc[place] = account;
  // So that the change comes soon, though nobody trades.
  const soon = { emptyBlockTimeMs: 500 };
  Object.assign(genesis.config.hanse.consensus, soon);
  genesis.config.hanse.consensusChanges = [{ height, consensus: { ...engine, ...soon, contract: place } }];
  return plan(genesis);
};

/** Block hashes from 0 to a height, as a node has them. */
async function hashes(url, last) {
  const all = [];
  for (let number = 0; number <= last; number += 1) {
    all.push((await rpc(url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false])).hash);
  }
  return all;
}

/** Money moves before and after the change, and everybody tells the same of it. */
async function over(network, home, change) {
  const wallet = network.wallet('brand');
  const [currency] = Object.values(network.settings.contracts.currencies);
  const account = privateKeyToAccount(devKey);
  const buyer = `0x${'b0'.repeat(20)}`;
  const paid = [];
  const call = async (functionName, args) => paid.push(await wallet.writeContract({ account, address: currency, abi, functionName, args, gas: 200_000n, chain: wallet.chain }));
  await call('issue', [devAddress, 1_000n]);
  await call('transfer', [buyer, 100n]);
  paid.push(await wallet.sendTransaction({ to: buyer, value: 7n }));
  const receipts = async (url) => {
    for (const hash of paid) {
      const receipt = await until(`the receipt of ${hash}`, () => rpc(url, 'eth_getTransactionReceipt', [hash]));
      assert.equal(receipt.status, '0x1');
    }
  };
  await receipts(network.url('brand'));
  const first = Number((await rpc(network.url('brand'), 'eth_getTransactionReceipt', [paid[0]])).blockNumber);
  assert.ok(first < change, `the first transfer, in block ${first}, comes before the change at ${change}`);
  for (const name of names) await until(`${name} past the change`, async () => (await network.height(name)) >= change + 1, 90);
  await call('transfer', [buyer, 11n]);
  for (const name of names) await receipts(network.url(name));

  await network.join(home);
  const tip = await network.height('brand');
  assert.ok(tip > change);
  const expected = await hashes(network.url('brand'), tip);
  await until(`the fifth at ${tip}`, async () => (await network.height('fifth')) >= tip, 60);
  for (const name of [...names, 'fifth']) {
    assert.deepEqual(await hashes(network.url(name), tip), expected, `the chain of ${name}`);
    const client = createPublicClient({ transport: http(network.url(name)) });
    const balance = await client.readContract({ address: currency, abi, functionName: 'balanceOf', args: [buyer] });
    assert.equal(balance, 111n, `what ${name} says of the buyer's money`);
    assert.equal(await rpc(network.url(name), 'eth_getBalance', [buyer, 'latest']), '0x7');
  }
  // And they still go on with who came later.
  await call('transfer', [buyer, 1n]);
  for (const name of [...names, 'fifth']) await receipts(network.url(name));
  const log = network.children.get('brand').log();
  console.log(`      ${tip} blocks, the change at ${change}; ${paid.length} transactions on both sides, all there, also with the fifth${/another engine takes over/.test(log) ? ' (told by the log)' : ''}`);
}

/** `engines`: as `Network.prepare` takes them. */
async function changing(engines, height, edit) {
  const home = mkdtempSync(join(tmpdir(), 'hanse-fifth-'));
  try {
    const key = /peer +(\w{64})@/.exec(await run(hanse, ['init', '--directory', home, '--follow']))[1];
    const flags = ['--network.allow', key, '--miner.account', devAddress];
    await within(engines, (network) => over(network, home, height), { flags, edit });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export async function changes(checks) {
  await checks.check('miners, then equal validators: one chain, also for who comes later', () => changing('bft', 12, afterMiners(12)));
  await checks.check('miners, then validators by stake: one chain, also for who comes later', () => changing('pos', 8, afterMiners(8)));
  await checks.check('equal validators, then validators by stake: one chain, also for who comes later', () => changing(['pos', 'bft'], 6, after(6)));
  await checks.check('validators by stake, then equal validators: one chain, also for who comes later', () => changing(['bft', 'pos'], 6, after(6)));
  await checks.check('a change that nobody could follow later is refused', async () => {
    const genesis = JSON.parse(await run(hanse, ['genesis', '--consensus', 'bft', '--validators', `one=${devAddress}`]));
    genesis.config.hanse.consensusChanges = [{ height: 9, consensus: miners }];
    const folder = mkdtempSync(join(tmpdir(), 'hanse-change-'));
    try {
      const file = join(folder, 'genesis.json');
      writeFileSync(file, JSON.stringify(genesis));
      await assert.rejects(run(hanse, ['genesis', '--check', file]), /bft, then pow is not supported: miners can only be the first/);
      genesis.config.hanse.consensusChanges = [];
      Object.assign(genesis.config.hanse, { consensus: miners, contracts: { ...genesis.config.hanse.contracts, engines: devAddress } });
      writeFileSync(file, JSON.stringify(genesis));
      await assert.rejects(run(hanse, ['genesis', '--check', file]), /contracts\.engines: members vote on changes between bft and pos; a chain that begins with pow/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
