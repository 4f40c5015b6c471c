// How long data are kept. A network whose members voted, three days ago, that what concerns orders goes after a day: today one
// node has let it go, one keeps two days of everything, one keeps all there ever was. What is gone is refused with the reason,
// what is left is still proven, and who comes anew gets all of it from who still has it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, http } from 'viem';
import { library, wrong } from './clocks.mjs';
import { Desk, number, order } from './desk.mjs';
import { artifact, hanse, root, rpc, run, until } from './lib.mjs';
import { names, within } from './network.mjs';

const PRUNED = /4444|pruned history unavailable/;
const keeps = { brand: 'rules', retailer: 'archive', carrier: '2d', bank: 'rules' };
const often = ['--history.check', 1];

const gone = (url, method, params) => assert.rejects(rpc(url, method, params), PRUNED, `${method} of what is gone`);

/** The entry, which binds nobody, and the rule that the network makes of it. */
async function vote(desk) {
  const terms = ['--purpose', 'delivery', '--legal-basis', 'GDPR Art. 6(1)(b)', '--personal'];
  const entry = (days, place) => ['--name', 'Orders', ...terms, '--place', place, '--retention-days', days, '--contracts', 'escrow'];
  await desk.as('Brand', 'data', 'register', 'orders', ...entry(0, 'chain'));
  await desk.refused(/has no entry addresses in the catalog/, 'Brand', 'proposal', 'new', 'retention', 'Brand', 'addresses');
  const useless = await desk.as('Brand', 'proposal', 'new', 'retention', 'Brand', 'orders');
  assert.match(useless, /alone would fail: entry 'orders' of 'Brand' is not of data on the chain, names no contract, or keeps them for ever/);
  await desk.as('Brand', 'data', 'change', 'orders', ...entry(1, 'chain'));
  const id = number(await desk.as('Brand', 'proposal', 'new', 'retention', 'Brand', 'orders'));
  assert.match(await desk.hanse('proposal', 'show', id), /make it a rule for all nodes how long the entry orders of Brand \(revision 2\) says/);
  for (const name of ['Carrier', 'Retailer']) await desk.as(name, 'proposal', 'approve', id);
  await desk.as('Bank', 'proposal', 'execute', id);
  assert.match(await desk.hanse('data', 'list'), /rule since block \d+: nodes let go after 1 days what concerns (the )?escrow/);
  const [{ rule }] = await desk.json('data', 'list');
  assert.deepEqual([rule.revision, rule.retentionDays, rule.contracts.length], [2, 1, 1]);
}

/** One node after the other is stopped and started with the right clock, in the middle of everything. */
async function today(network) {
  for (const name of names) await network.kill(name);
  for (const name of names) network.start(name, ['--history', keeps[name], ...often]);
  for (const name of names) await until(`${name} with three peers`, async () => (await rpc(network.url(name), 'net_peerCount')) === '0x3');
}

/** What somebody sees who asks the node of the brand, which has let go what the rule says. */
async function asked(network, { id, escrow, issued, authorized }, before) {
  const url = network.url('brand');
  for (const method of ['eth_getTransactionByHash', 'eth_getTransactionReceipt', 'debug_traceTransaction', 'hanse_getTransactionProof']) {
    await gone(url, method, [authorized]);
  }
  const { block, receipt } = before;
  const now = await rpc(url, 'eth_getBlockByNumber', [block.number, false]);
  assert.deepEqual(now, block, 'the block without its transactions is what it was');
  await gone(url, 'eth_getBlockByNumber', [block.number, true]);
  await gone(url, 'eth_getBlockReceipts', [block.number]);
  await gone(url, 'eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest', address: escrow }]);
  // A log of somebody else in the same blocks cannot be told from one that is gone; in others it can.
  const other = await rpc(url, 'eth_getLogs', [{ fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber, address: receipt.to }]);
  assert.deepEqual(other, receipt.logs, 'the logs of another contract');
  assert.deepEqual(await rpc(url, 'eth_getTransactionReceipt', [issued]), receipt, 'another transaction of that day');
  await rpc(url, 'hanse_getTransactionProof', [issued]);
  // The past of the escrow's storage is gone, its present is not.
  await gone(url, 'eth_getStorageAt', [escrow, '0x0', block.number]);
  const client = createPublicClient({ transport: http(url) });
  const ask = { address: escrow, abi: artifact('IEscrow').abi, functionName: 'order', args: [id] };
  assert.equal((await client.readContract(ask)).terms.amount, 4_200n, 'the order itself is in the state');
  const { tx } = await rpc(url, 'eth_capabilities');
  assert.ok(Number(tx.oldestBlock) > Number(block.number));
  const { orders } = await (await fetch(`${network.web('brand')}/api/orders`)).json();
  assert.equal(orders.length, 0, 'its history of the order is forgotten');
}

/** Where nobody has everything any more, one starts from a file, and trusts nothing of it but a hash that others name. */
async function snapshot(network, folder, { authorized, issued }) {
  const place = (home) => ['--chain', join(network.folder, 'genesis.json'), '--datadir', join(home, 'data')];
  const file = join(folder, 'snapshot.gz');
  await network.kill('bank');
  const said = await run(hanse, ['db', 'snapshot', ...place(join(network.folder, 'bank')), '--to', file]);
  await network.revive('bank', ['--history', keeps.bank, ...often]);
  const [, height, hash] = /^block (\d+) \((0x\w{64})\) is the last in /.exec(said);
  assert.equal((await rpc(network.url('brand'), 'eth_getBlockByNumber', [`0x${Number(height).toString(16)}`, false])).hash, hash);
  await network.kill('fifth');
  const restore = (trusted) => run(hanse, ['db', 'restore', ...place(folder), '--from', file, '--trusted-hash', trusted]);
  await assert.rejects(restore(hash), /holds a ledger with \d+ blocks; restore into another folder/);
  rmSync(join(folder, 'data'), { recursive: true });
  await assert.rejects(restore(`0x${'11'.repeat(32)}`), /it ends with block \d+ \(0x\w+\), not 0x1111/);
  assert.match(await restore(hash), new RegExp(`^verified: ${height} blocks up to ${hash}, whole from block \\d+ on$`));
  await network.again();
  await until('the fifth past its snapshot', async () => (await network.height('fifth')) > Number(height), 60);
  await gone(network.url('fifth'), 'eth_getTransactionReceipt', [authorized]);
  assert.equal((await rpc(network.url('fifth'), 'eth_getTransactionReceipt', [issued])).status, '0x1');
}

/** The same, for people. */
async function shown(network, { id, authorized }, { block }) {
  const shots = process.env.SHOTS ? ['--shots', process.env.SHOTS] : [];
  const about = ['--order', id, '--transaction', authorized, '--block', String(Number(block.number))];
  console.log(await run('node', ['e2e/retention.mjs', '--url', network.web('brand'), ...about, ...shots], { cwd: join(root, 'web') }));
}

async function kept(network, home) {
  const desk = new Desk(home, network.url('retailer'));
  await desk.prepare();
  const made = await order(desk, network.web('retailer'));
  const url = network.url('brand');
  const place = await until('the order', () => rpc(url, 'eth_getTransactionReceipt', [made.authorized]));
  const before = { block: await rpc(url, 'eth_getBlockByNumber', [place.blockNumber, false]), receipt: await rpc(url, 'eth_getTransactionReceipt', [made.issued]) };
  assert.ok(Date.now() / 1000 - Number(before.block.timestamp) > 2.9 * 86_400, 'that was three days ago');
  await vote(desk);

  await today(network);
  const load = await network.give({ rate: 40 });
  const horizon = async (name) => {
    const { below, contracts } = await rpc(network.url(name), 'hanse_getHistory');
    return { below: Number(below), escrow: Number(Object.entries(contracts).find(([address]) => address.toLowerCase() === made.escrow.toLowerCase())?.[1] ?? 0) };
  };
  const passed = Number(place.blockNumber) + 1;
  // It is said first, and done then.
  const goes = (name, hash) => until(`${hash} to be gone at ${name}`, () => rpc(network.url(name), 'eth_getTransactionReceipt', [hash]).then(() => false, (error) => PRUNED.test(error.message)), 120);
  await goes('brand', made.authorized);
  await goes('carrier', made.issued);
  assert.ok((await horizon('brand')).escrow >= passed);
  assert.ok((await horizon('carrier')).below >= passed);
  const whole = await horizon('retailer');
  assert.deepEqual(whole, { below: 0, escrow: 0 }, 'an archive keeps all');
  assert.match(network.children.get('retailer').log(), /has rules by which data go, and this node keeps them all the same/);
  await asked(network, made, before);
  await rpc(network.url('carrier'), 'eth_getBlockByNumber', [before.block.number, false]);
  assert.equal((await rpc(network.url('retailer'), 'eth_getTransactionReceipt', [made.authorized])).status, '0x1');
  const logs = await rpc(network.url('retailer'), 'eth_getLogs', [{ fromBlock: '0x1', toBlock: 'latest', address: made.escrow }]);
  assert.ok(logs.length > 0);
  // What one can prove who has kept it: the headers are still there.
  const proven = ['--rpc', network.url('brand'), '--genesis', join(network.folder, 'genesis.json'), '--json'];
  assert.equal(JSON.parse(await run(hanse, ['verify', 'tx', made.issued, ...proven])).proven.succeeded, true);
  await assert.rejects(run(hanse, ['verify', 'tx', made.authorized, ...proven]), PRUNED);
  // Also one that keeps two days of everything leads from genesis to now.
  const state = await run(hanse, ['verify', 'account', made.escrow, '--rpc', network.url('carrier'), '--genesis', join(network.folder, 'genesis.json'), '--json']);
  assert.equal(JSON.parse(state).proven.exists, true);

  const fifth = join(home, 'fifth');
  await network.join(fifth, ['--history', 'archive']); // or it would carry the rule out as soon as it has caught up
  const tip = load.tip;
  await until(`the fifth at ${tip}`, async () => (await network.height('fifth')) >= tip, 120);
  assert.equal((await rpc(network.url('fifth'), 'eth_getTransactionReceipt', [made.authorized])).status, '0x1', 'the archive gave it all of it');
  await snapshot(network, fifth, made);
  await load.settle();
  await load.agree();
  await shown(network, made, before);
  const { escrow } = await horizon('brand');
  console.log(`      ${load.tip} blocks; the brand has let go what concerns orders below ${escrow}, the carrier all below ${(await horizon('carrier')).below}; a fifth, empty node has all of it from the retailer's`);
}

export async function retention(checks) {
  if (library === undefined) return checks.skip('data that are not kept for ever', 'libfaketime is not installed (Debian: faketime)');
  await checks.check('data go when the network has decided so: what is left is proven, and an archive has all', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hanse-retention-'));
    try {
      const key = /peer +(\w{64})@/.exec(await run(hanse, ['init', '--directory', join(home, 'fifth'), '--follow']))[1];
      const past = wrong('-3d');
      const env = Object.fromEntries(names.map((name) => [name, past]));
      await within('bft', (network) => kept(network, home), { flags: ['--network.allow', key, ...often], env, before: past });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}
