// A network of four processes: what one node takes, all have; one may die, two may not, and whoever comes
// back has everything.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { devKey, hanse, rpc, run, sleep, until } from './lib.mjs';

const names = ['brand', 'retailer', 'carrier', 'bank'];
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
    this.children = new Map();
  }

  static async prepare(folder, consensus) {
    const ports = [await fourPorts(), await fourPorts(), await fourPorts(), await fourPorts()];
    const flags = ['--http.port', ports[0], '--ws.port', ports[1], '--web.port', ports[2], '--network.port', ports[3]];
    await run(hanse, ['localnet', '--prepare', '--consensus', consensus, '--directory', folder, ...flags].map(String));
    return new Network(folder, ports);
  }

  start(name) {
    const child = spawn(hanse, ['node', '--config', join(this.folder, name, 'config.toml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (data) => (log = (log + data).slice(-20_000)));
    this.children.set(name, { child, log: () => log });
  }

  async kill(name) {
    const { child } = this.children.get(name);
    child.kill('SIGKILL');
    await once(child, 'close');
    this.children.delete(name);
  }

  async stop() {
    for (const [name, { child, log }] of this.children) {
      child.kill('SIGTERM');
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      assert.equal(code, 0, `${name} ended with ${code}:\n${log()}`);
    }
  }

  destroy() {
    for (const { child } of this.children.values()) child.kill('SIGKILL');
  }

  url(name) {
    return this.urls[names.indexOf(name)];
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

async function within(consensus, work) {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-network-'));
  const network = await Network.prepare(folder, consensus);
  try {
    for (const name of names) network.start(name);
    for (const name of names) await until(`${name} with three peers`, async () => (await rpc(network.url(name), 'net_peerCount')) === '0x3');
    await work(network);
    await network.stop();
    for (const name of names) {
      const place = ['--chain', join(folder, 'genesis.json'), '--datadir', join(folder, name, 'data')];
      assert.match(await run(hanse, ['db', 'verify', ...place]), /^clean: /);
    }
  } catch (error) {
    const logs = names.map((name) => `${name}:\n${network.children.get(name)?.log() ?? ''}`).join('\n');
    throw new Error(`${error.stack}\n${logs}`);
  } finally {
    network.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
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
