// Four members on machines of their own, as far as the kernel can tell: each in a network namespace with its own
// address, cables that can be cut, slow or lossy in between. Whatever they do, no two nodes ever have different
// blocks, no transaction whose receipt was served is lost, and blocks come as soon as enough members reach each other.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { privateKeyToAccount } from 'viem/accounts';
import { hanse, here, rpc, rpcEach, run, sleep, until } from './lib.mjs';

const names = ['brand', 'retailer', 'carrier', 'bank'];
const hosts = names.map((_, index) => `10.77.0.${index + 1}`);
/** Transactions a second that each member is given. */
const rate = 5;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const ip = (...args) => promisify(execFile)('ip', args.map(String));

/** Why this machine cannot do it, if it cannot. */
export async function obstacle() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return 'network namespaces need root on Linux';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const probe = `hanse-probe-${process.pid}`;
  try {
    await promisify(execFile)('python3', ['-c', 'import fcntl, heapq, json, selectors']);
    await ip('netns', 'add', probe);
    await ip('netns', 'del', probe);
    return undefined;
  } catch (error) {
    return String(error.stderr || error.message).trim();
  }
}

/** The cables between the members. */
class Wire {
  constructor(devices) {
    this.child = spawn('python3', [join(here, 'wire.py'), seed, ...devices].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'the wire has ended');
    return value;
  }

  async set(wish) {
    this.child.stdin.write(`${JSON.stringify(wish)}\n`);
    assert.equal(await this.line(), 'set');
  }

  async end() {
    this.child.stdin.end();
    return JSON.parse(await this.line());
  }
}

/** The members, what they were given, and what they have said. */
class Members {
  spaces = names.map((name) => `hanse-${process.pid}-${name}`);
  // A way in for the checks, beside the cables: a pair of addresses for each member.
  net = `10.78.${Math.floor(Math.random() * 256)}`;
  urls = names.map((_, index) => `http://${this.net}.${4 * index + 2}:8545`);
  folder = mkdtempSync(join(tmpdir(), 'hanse-namespaces-'));
  children = [];
  logs = names.map(() => '');
  /** Block hashes by height, as anybody has said them. */
  blocks = new Map();
  /** Blocks of transactions whose receipts were served. */
  served = new Map();
  heights = names.map(() => 0);
  problem = undefined;
  ended = false;

  async build() {
    const devices = names.map((_, index) => `hw${process.pid}-${index}`);
    this.wire = new Wire(devices);
    assert.equal(await this.wire.line(), 'ready');
    for (const [index, space] of this.spaces.entries()) {
      const outside = `hc${process.pid}-${index}`;
      await ip('netns', 'add', space);
      await ip('-n', space, 'link', 'set', 'lo', 'up');
      await ip('link', 'set', devices[index], 'netns', space);
      await ip('-n', space, 'addr', 'add', `${hosts[index]}/24`, 'dev', devices[index]);
      await ip('-n', space, 'link', 'set', devices[index], 'up');
      await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'control', 'netns', space);
      await ip('addr', 'add', `${this.net}.${4 * index + 1}/30`, 'dev', outside);
      await ip('link', 'set', outside, 'up');
      await ip('-n', space, 'addr', 'add', `${this.net}.${4 * index + 2}/30`, 'dev', 'control');
      await ip('-n', space, 'link', 'set', 'control', 'up');
    }
    await run(hanse, ['localnet', '--prepare', '--directory', this.folder, '--hosts', hosts.join(','), '--network.port', '30303']);
    const listed = await run(hanse, ['keys', 'dev']);
    this.wallets = [...listed.matchAll(/^0x\w{40} (0x\w{64})$/gm)].slice(1, 5).map(([, key]) => ({ account: privateKeyToAccount(key), nonce: 0, waiting: new Set() }));
  }

  start(index) {
    const serve = ['--http.addr', `${this.net}.${4 * index + 2}`, '--http.port', '8545', '--ws.disable', '--web.disable'];
    const node = [hanse, 'node', '--config', join(this.folder, names[index], 'config.toml'), ...serve];
    const child = spawn('ip', ['netns', 'exec', this.spaces[index], ...node], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (data) => (this.logs[index] = (this.logs[index] + data).slice(-20_000)));
    this.children[index] = child;
  }

  async begin() {
    for (const index of names.keys()) this.start(index);
    const together = async (url) => (await rpc(url, 'net_peerCount')) === '0x3';
    for (const [index, url] of this.urls.entries()) await until(`${names[index]} with three peers`, () => together(url));
    this.loops = names.flatMap((_, index) => [this.send(index), this.watch(index)]);
  }

  /** Gives a member transactions, whatever becomes of them. */
  async send(index) {
    const wallet = this.wallets[index];
    while (!this.ended) {
      const { account, nonce } = wallet;
      const transfer = { chainId: 1337, nonce, to: account.address, value: 1n, gas: 21_000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
      const raw = await account.signTransaction({ type: 'eip1559', ...transfer });
      await rpc(this.urls[index], 'eth_sendRawTransaction', [raw]).then(
        (hash) => {
          wallet.nonce += 1;
          wallet.waiting.add(hash);
        },
        (error) => (this.problem ??= error),
      );
      await sleep(1000 / rate);
    }
  }

  /** Reads what a member says: its new blocks, and receipts of what it was given. */
  async watch(index) {
    const { waiting } = this.wallets[index];
    while (!this.ended) {
      try {
        await this.look(index, waiting);
      } catch (error) {
        this.problem ??= error;
      }
      await sleep(200);
    }
  }

  async look(index, waiting) {
    const url = this.urls[index];
    const latest = Number(await rpc(url, 'eth_blockNumber'));
    assert.ok(latest >= this.heights[index], `${names[index]} went back from ${this.heights[index]} to ${latest}`);
    for (let height = this.heights[index] + 1; height <= latest; height += 1) {
      const { hash } = await rpc(url, 'eth_getBlockByNumber', [`0x${height.toString(16)}`, false]);
      const known = this.blocks.get(height) ?? hash;
      assert.equal(hash, known, `${names[index]} has another block ${height}`);
      this.blocks.set(height, hash);
      this.heights[index] = height;
    }
    for (const hash of [...waiting].slice(0, 20)) {
      const receipt = await rpc(url, 'eth_getTransactionReceipt', [hash]);
      if (!receipt) continue;
      assert.equal(receipt.status, '0x1');
      this.served.set(hash, receipt.blockHash);
      waiting.delete(hash);
    }
  }

  /** Fails at once when anything was wrong meanwhile. */
  check() {
    if (this.problem) throw this.problem;
    for (const [index, child] of this.children.entries()) assert.equal(child.exitCode, null, `${names[index]} has ended`);
  }

  /** Waits until these members have gone on by some blocks; gives the seconds. */
  async goOn(places, count, seconds) {
    const begun = Date.now();
    const from = Math.max(...this.heights);
    const there = () => places.every((index) => this.heights[index] >= from + count);
    await until(`${count} more blocks at ${places.map((index) => names[index])} after ${from} (at ${this.heights})`, async () => this.check() ?? there(), seconds);
    return (Date.now() - begun) / 1000;
  }

  /** Every block and every receipt that anybody has served, at all members, which have caught up. */
  async agree() {
    const tip = Math.max(...this.heights);
    await until(`all at ${tip}`, async () => this.check() ?? this.heights.every((height) => height >= tip));
    for (const [index, url] of this.urls.entries()) {
      const served = [...this.served];
      const receipts = await rpcEach(url, 'eth_getTransactionReceipt', served.map(([hash]) => [hash]));
      for (const [at, [hash, block]] of served.entries()) assert.equal(receipts[at]?.blockHash, block, `${hash} at ${names[index]}`);
    }
  }

  async stop() {
    this.ended = true;
    await Promise.all(this.loops);
    this.check();
    for (const [index, child] of this.children.entries()) {
      child.kill('SIGTERM');
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      assert.equal(code, 0, `${names[index]} ended with ${code}`);
    }
  }

  async destroy() {
    this.ended = true;
    for (const child of this.children) child?.kill('SIGKILL');
    this.wire?.child.kill();
    for (const space of this.spaces) await ip('netns', 'del', space).catch(() => {});
    for (const index of names.keys()) await ip('link', 'del', `hc${process.pid}-${index}`).catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Two and two: neither side decides anything; together they go on. */
async function halves(members) {
  await members.wire.set({ groups: [[0, 1], [2, 3]] });
  await sleep(2_000);
  const stopped = Math.max(...members.heights);
  await sleep(5_000);
  members.check();
  assert.ok(Math.max(...members.heights) <= stopped, 'half of the votes decide nothing');
  await members.wire.set({});
  const seconds = await members.goOn([0, 1, 2, 3], 3, 30);
  return `2|2: stopped at ${stopped}; all went on ${seconds.toFixed(1)} s after healing`;
}

/** Three go on without the fourth, for so long that they take it for gone; it catches up. */
async function oneAway(members) {
  await members.wire.set({ groups: [[0, 1, 2], [3]] });
  await sleep(1_000);
  const away = members.heights[3];
  const seconds = await members.goOn([0, 1, 2], 5, 30);
  await sleep(Math.max(0, 22_000 - seconds * 1000));
  members.check();
  assert.ok(members.heights[3] <= away + 1, 'one of four decides nothing');
  const behind = Math.max(...members.heights) - members.heights[3];
  assert.ok(behind >= 5);
  await members.wire.set({});
  const begun = Date.now();
  const tip = Math.max(...members.heights);
  await until(`bank at ${tip}`, async () => members.check() ?? members.heights[3] >= tip);
  return `3|1: three made 5 blocks in ${seconds.toFixed(1)} s; the fourth, ${behind} blocks behind, was there in ${((Date.now() - begun) / 1000).toFixed(1)} s`;
}

async function shaped(members, name, wish) {
  await members.wire.set(wish);
  await sleep(1_000);
  const seconds = await members.goOn([0, 1, 2, 3], 5, 45);
  await sleep(Math.max(0, 5_000 - seconds * 1000));
  await members.wire.set({});
  return `${name}: 5 blocks at all four in ${seconds.toFixed(1)} s`;
}

export async function namespaces(checks) {
  const name = 'four members in network namespaces: partitions, 200 ms of delay, 5 % of loss';
  const why = await obstacle();
  if (why) return checks.skip(name, why);
  return checks.check(name, async () => {
    const members = new Members();
    try {
      await members.build();
      await members.begin();
      const said = [`seed ${seed}: 10 blocks in ${(await members.goOn([0, 1, 2, 3], 10, 30)).toFixed(1)} s`];
      for (const work of [
        () => halves(members),
        () => oneAway(members),
        () => shaped(members, '200 ms one way', { delay_ms: 200 }),
        () => shaped(members, '5 % lost', { loss: 0.05 }),
        () => shaped(members, '100 ms and 5 %', { delay_ms: 100, loss: 0.05 }),
      ]) {
        said.push(await work());
        await members.agree();
      }
      await members.stop();
      const { passed, lost, cut } = await members.wire.end();
      said.push(`${members.blocks.size} blocks, ${members.served.size} receipts served, all there; ${passed} frames, ${lost} lost, ${cut} cut`);
      console.log(said.map((line) => `      ${line}`).join('\n'));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error.stack}\n${names.map((one, index) => `${one}:\n${members.logs[index]}`).join('\n')}`);
    } finally {
      await members.destroy();
    }
  });
}
