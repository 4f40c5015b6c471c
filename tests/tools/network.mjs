// A network of four processes: what one node takes, all have; one may die, two may not, and whoever comes
// back, or comes anew, has everything. KILLS sets how often all four are killed under load.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { devKey, freePort, hanse, root, rpc, run, sleep, until } from './lib.mjs';
import { Load, seconds } from './load.mjs';

const kills = Number(process.env.KILLS ?? 2);
export const names = ['brand', 'retailer', 'carrier', 'bank'];
/** Runs of four ports that nobody listens on, below those that the system hands out. */
const drawn = new Set();
async function fourPorts() {
  for (;;) {
    const first = 10_000 + 4 * Math.floor(Math.random() * 5_000);
    if (drawn.has(first)) continue;
    drawn.add(first);
    const servers = [0, 1, 2, 3].map((index) => createServer().listen(first + index, '127.0.0.1'));
    const outcomes = await Promise.allSettled(servers.map((server) => once(server, 'listening')));
    await Promise.all(servers.filter((_, index) => outcomes[index].status === 'fulfilled').map((server) => once(server.close(), 'close')));
    if (outcomes.every(({ status }) => status === 'fulfilled')) return first;
  }
}

class Network {
  constructor(folder, ports) {
    this.folder = folder;
    this.urls = names.map((_, index) => `http://127.0.0.1:${ports[0] + index}`);
    this.pages = names.map((_, index) => `http://localhost:${ports[2] + index}`);
    this.children = new Map();
  }

  /**
   * `consensus` may be a list: a genesis is made of each, for the same members, and `edit` makes one of them before any node
   * has read it. `env`: what the environment has besides ours.
   */
  static async prepare(folder, consensus, more = [], edit = undefined, env = {}) {
    const ports = [await fourPorts(), await fourPorts(), await fourPorts(), await fourPorts()];
    const flags = ['--http.port', ports[0], '--ws.port', ports[1], '--web.port', ports[2], '--network.port', ports[3]];
    const genesis = join(folder, 'genesis.json');
    const made = [];
    for (const engine of [consensus].flat()) {
      rmSync(genesis, { force: true });
      await run(hanse, ['localnet', '--prepare', '--consensus', engine, '--directory', folder, ...flags, ...more].map(String), { env: { ...process.env, ...env } });
      made.push(JSON.parse(readFileSync(genesis, 'utf8')));
    }
    if (edit) writeFileSync(genesis, JSON.stringify(edit(...made)));
    const network = new Network(folder, ports);
    network.settings = (edit ? JSON.parse(readFileSync(genesis, 'utf8')) : made[0]).config.hanse;
    // Where each is, as the others know it.
    const configs = names.map((name) => readFileSync(join(folder, name, 'config.toml'), 'utf8'));
    const known = new Set(configs.flatMap((text) => text.match(/\w{64}@[\w.:]+/g)));
    network.members = [...known].sort((a, b) => a.split(':').pop() - b.split(':').pop());
    return network;
  }

  /** `env`: what its environment has besides ours. */
  start(name, more = [], folder = join(this.folder, name), env = {}) {
    const child = spawn(hanse, ['node', '--config', join(folder, 'config.toml'), ...more].map(String), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    let log = '';
    child.stderr.on('data', (data) => (log = (log + data).slice(-20_000)));
    this.children.set(name, { child, log: () => log });
  }

  async kill(...killed) {
    const children = killed.map((name) => this.children.get(name).child);
    for (const name of killed) this.load?.down.add(names.indexOf(name));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => once(child, 'close')));
    for (const name of killed) this.children.delete(name);
  }

  /** Starts a node that was killed, and waits until it answers. */
  async revive(name, more = []) {
    this.start(name, more);
    await until(`an answer of ${name}`, () => this.height(name).then(() => true));
    this.load?.down.delete(names.indexOf(name));
  }

  /** Transactions for all nodes until the end. */
  async give(amount) {
    this.load = new Load(names, this.urls, amount);
    await this.load.begin();
    return this.load;
  }

  /** Ends the nodes named, or all, as they are asked to. */
  async stop(...ended) {
    for (const [name, { child, log }] of this.children) {
      if (ended.length > 0 && !ended.includes(name)) continue;
      child.kill('SIGTERM');
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      assert.equal(code, 0, `${name} ended with ${code}:\n${log()}`);
      if (ended.length > 0) this.children.delete(name);
    }
  }

  destroy() {
    if (this.load) this.load.ended = true;
    for (const { child } of this.children.values()) child.kill('SIGKILL');
  }

  url(name) {
    return this.extra?.[name] ?? this.urls[names.indexOf(name)];
  }

  /** Runs a fifth node in a folder that `hanse init` has put keys into, with the first three as its peers. */
  async join(folder, flags = []) {
    const peers = this.members.slice(0, 3).join(',');
    const listen = `127.0.0.1:${await freePort()}`;
    await run(hanse, ['init', '--directory', folder, '--follow', '--chain', join(this.folder, 'genesis.json'), '--listen', listen, '--peers', peers]);
    // The first member vouches for it.
    const organization = join(this.folder, names[0], 'org');
    await run(hanse, ['org', 'enroll', 'node', 'fifth', '--directory', organization, '--key', join(folder, 'node.key'), '--overwrite']);
    copyFileSync(join(organization, 'nodes/fifth/msp/signcerts/cert.pem'), join(folder, 'node.pem'));
    const port = await freePort();
    this.extra = { fifth: `http://127.0.0.1:${port}` };
    this.again = async () => {
      this.start('fifth', ['--http.port', port, '--ws.disable', '--web.disable', ...flags], folder);
      await until('an answer of the fifth', () => this.height('fifth').then(() => true));
    };
    await this.again();
  }

  web(name) {
    return this.pages[names.indexOf(name)];
  }

  async height(name) {
    return Number(await rpc(this.url(name), 'eth_blockNumber'));
  }

  /** Sends a transfer to one node and waits until another has its receipt. */
  async pay(wallet, to, at) {
    const hash = await wallet.sendTransaction({ to: wallet.account.address, value: 1n });
    const receipt = await until(`the receipt of ${hash} at ${at}`, () => rpc(this.url(at), 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1');
    return { hash, block: receipt.blockHash };
  }

  wallet(name) {
    const account = privateKeyToAccount(devKey);
    return createWalletClient({ account, transport: http(this.url(name)), chain: { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [this.url(name)] } } } });
  }

  /** All running nodes have these transactions in the same blocks. */
  async agree(paid) {
    for (const name of this.children.keys()) {
      for (const { hash, block } of paid) {
        const receipt = await until(`${hash} at ${name}`, () => rpc(this.url(name), 'eth_getTransactionReceipt', [hash]));
        assert.equal(receipt.blockHash, block, `${name} has ${hash} in another block`);
      }
    }
  }
}

/** `env`: what the environment of each has besides ours; `before`, that of the command which prepares the network. */
export async function within(consensus, work, { more = [], flags = [], edit, env = {}, before = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-network-'));
  const network = await Network.prepare(folder, consensus, more, edit, before);
  try {
    for (const name of names) network.start(name, flags, undefined, env[name]);
    for (const name of names) await until(`${name} with three peers`, async () => (await rpc(network.url(name), 'net_peerCount')) === '0x3');
    await work(network);
    await network.load?.end();
    await network.stop();
    for (const name of names) {
      const place = ['--chain', join(folder, 'genesis.json'), '--datadir', join(folder, name, 'data')];
      assert.match(await run(hanse, ['db', 'verify', ...place]), /^clean: /);
    }
  } catch (error) {
    const logs = [...names, 'fifth'].map((name) => `${name}:\n${network.children.get(name)?.log() ?? ''}`).join('\n');
    throw new Error(`${error.stack}\n${logs}`);
  } finally {
    network.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One dies under load and comes back; a member that has nothing but keys, genesis and peers joins. */
async function newcomers() {
  const home = mkdtempSync(join(tmpdir(), 'hanse-fifth-'));
  try {
    const key = /peer +(\w{64})@/.exec(await run(hanse, ['init', '--directory', home, '--follow']))[1];
    await within(
      'bft',
      async (network) => {
        const load = await network.give({ rate: 10 });
        await load.goOn([0, 1, 2, 3], 10);
        const killed = Date.now();
        await network.kill('bank');
        const missed = load.tip;
        await load.goOn([0, 1, 2], 20);
        const gap = load.gap(killed - 1_000);
        await load.reach([0, 1, 2], missed + 100, 60);
        const begun = Date.now();
        await network.revive('bank');
        await load.reach([3], load.tip);
        console.log(`      the longest time without a block as one was killed: ${seconds(gap)}; back from ${load.heights[3] - missed} missed blocks in ${seconds(Date.now() - begun)}`);

        const joined = Date.now();
        await network.join(home);
        const tip = load.tip;
        await until(`the fifth at ${tip}`, async () => (await network.height('fifth')) >= tip);
        console.log(`      a fifth, empty node had all ${tip} blocks after ${seconds(Date.now() - joined)}`);
        await load.settle();
        await load.agree();
        const last = { hash: load.blocks.get(load.tip), height: load.tip };
        await until(`the fifth at ${last.height}`, async () => (await network.height('fifth')) >= last.height);
        const block = await rpc(network.url('fifth'), 'eth_getBlockByNumber', [`0x${last.height.toString(16)}`, false]);
        assert.equal(block.hash, last.hash);
      },
      { flags: ['--network.allow', key] },
    );
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** All die at once, in the middle of everything, again and again. What a node has taken is included in the end. */
async function massacre(network) {
  const load = await network.give({ flight: 40 });
  await load.goOn([0, 1, 2, 3], 3);
  const times = [];
  for (let round = 0; round < kills; round += 1) {
    await sleep(300 + Math.random() * 1_200);
    await network.kill(...names);
    const begun = Date.now();
    await Promise.all(names.map((name) => network.revive(name)));
    await load.goOn([0, 1, 2, 3], 3);
    times.push(Date.now() - begun);
    // All of them, after each of many rounds, would take longer than everything else.
    await load.agree(4_000);
  }
  await load.settle();
  await load.agree();
  console.log(`      ${load.taken} transactions taken, ${load.served.size} receipts, all there; three more blocks at all four after ${times.map(seconds).join(', ')}`);
}

/** Votes count by stake. */
async function weights(network) {
  const load = await network.give({ rate: 5 });
  await load.goOn([0, 1, 2, 3], 3);
  await network.kill('carrier', 'bank');
  const without = await load.goOn([0, 1], 5);
  await Promise.all([network.revive('carrier'), network.revive('bank')]);
  await load.goOn([0, 1, 2, 3], 3);
  await network.kill('brand');
  await sleep(1_000);
  const stopped = load.tip;
  await sleep(3_000);
  assert.ok(load.tip <= stopped, '6 of 10 decide nothing');
  await network.revive('brand');
  const again = await load.goOn([0, 1, 2, 3], 3);
  await load.settle();
  await load.agree();
  console.log(`      5 blocks without both 1s in ${seconds(without)}; 3 blocks ${seconds(again)} after the 4 was back`);
}

export async function networks(checks) {
  await checks.check('four equal validators: one may die, two may not, and who comes back has everything', () =>
    within('bft', async (network) => {
      const paid = [];
      for (const [at, read] of [['brand', 'bank'], ['carrier', 'retailer']]) {
        paid.push(await network.pay(network.wallet(at), at, read));
      }
      await network.agree(paid);

      await network.kill('bank');
      const alone = network.wallet('brand');
      for (let count = 0; count < 5; count += 1) paid.push(await network.pay(alone, 'brand', 'carrier'));

      await network.kill('carrier');
      const stuck = await alone.sendTransaction({ to: alone.account.address, value: 1n });
      const before = await network.height('brand');
      await sleep(3_000);
      assert.ok((await network.height('brand')) <= before + 1, 'two of four decide nothing');
      assert.equal(await rpc(network.url('brand'), 'eth_getTransactionReceipt', [stuck]), null);

      network.start('carrier');
      const receipt = await until('the waiting transaction', () => rpc(network.url('carrier'), 'eth_getTransactionReceipt', [stuck]));
      paid.push({ hash: stuck, block: receipt.blockHash });
      network.start('bank');
      await network.agree(paid);

      for (const name of names) await network.kill(name);
      for (const name of names) network.start(name);
      await network.agree(paid);
      paid.push(await network.pay(network.wallet('retailer'), 'retailer', 'bank'));
      await network.agree(paid);
    }));
  await checks.check('under load: one is killed, misses 100 blocks and comes back; a fifth joins with nothing', () => newcomers());
  await checks.check(`under load: all four are killed at once, ${kills} times`, () => within('bft', massacre));
  await checks.check('stake decides: 4, 4, 1, 1 go on without both 1s, and stop without a 4', () =>
    within('pos', weights, { more: ['--stakes', '4,4,1,1'] }));
  await checks.check('stake decides: four validators agree on what each of them takes', () =>
    within('pos', async (network) => {
      const paid = [];
      for (const [at, read] of [['brand', 'bank'], ['bank', 'carrier']]) paid.push(await network.pay(network.wallet(at), at, read));
      await network.agree(paid);
    }));
  await checks.check('work decides: four miners agree, also after all of them were killed', () =>
    within('pow', async (network) => {
      const first = await network.pay(network.wallet('brand'), 'brand', 'bank');
      await until('finality', async () => {
        const final = await rpc(network.url('carrier'), 'eth_getBlockByNumber', ['finalized', false]);
        const place = await rpc(network.url('carrier'), 'eth_getTransactionReceipt', [first.hash]);
        return place && Number(final.number) >= Number(place.blockNumber);
      }, 90);
      const { blockHash } = await rpc(network.url('carrier'), 'eth_getTransactionReceipt', [first.hash]);
      await network.agree([{ hash: first.hash, block: blockHash }]);
      for (const name of names) await network.kill(name);
      for (const name of names) network.start(name);
      await network.agree([{ hash: first.hash, block: blockHash }]);
    }));
}

/** The desk, where four organizations let a fifth one in. */
export async function deskPages(checks) {
  await checks.check('the desk, in a browser: a fifth organization is proposed, approved and admitted', () =>
    within('bft', async (network) => {
      const shots = process.env.SHOTS ? ['--shots', process.env.SHOTS] : [];
      console.log(await run('node', ['e2e/desk.mjs', '--url', network.pages[0], '--other', network.pages[2], ...shots], { cwd: join(root, 'web') }));
    }));
}

/** The pages about consensus, over four nodes that let themselves be made to fail. */
export async function networkPages(checks) {
  await checks.check('the pages about consensus, in a browser, while one validator sleeps and one lies', () =>
    within('bft', async (network) => {
      const shots = process.env.SHOTS ? ['--shots', process.env.SHOTS] : [];
      console.log(await run('node', ['e2e/network.mjs', '--url', network.pages[0], ...shots], { cwd: join(root, 'web') }));
    }));
}
