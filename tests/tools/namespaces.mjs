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
import { hanse, here, rpc, run, sleep, until } from './lib.mjs';
import { Load, seconds } from './load.mjs';

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
  load = new Load(names, this.urls, { rate });

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
    await this.load.begin();
  }

  /** Fails at once when anything was wrong meanwhile. */
  check() {
    this.load.check();
    for (const [index, child] of this.children.entries()) assert.equal(child.exitCode, null, `${names[index]} has ended`);
  }

  async stop() {
    await this.load.end();
    this.check();
    for (const [index, child] of this.children.entries()) {
      child.kill('SIGTERM');
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      assert.equal(code, 0, `${names[index]} ended with ${code}`);
    }
  }

  async destroy() {
    this.load.ended = true;
    for (const child of this.children) child?.kill('SIGKILL');
    this.wire?.child.kill();
    for (const space of this.spaces) await ip('netns', 'del', space).catch(() => {});
    for (const index of names.keys()) await ip('link', 'del', `hc${process.pid}-${index}`).catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Two and two: neither side decides anything; together they go on. */
async function halves(members) {
  const { load, wire } = members;
  await wire.set({ groups: [[0, 1], [2, 3]] });
  await sleep(2_000);
  const stopped = load.tip;
  await sleep(5_000);
  members.check();
  assert.ok(load.tip <= stopped, 'half of the votes decide nothing');
  await wire.set({});
  return `2|2: stopped at ${stopped}; all went on ${seconds(await load.goOn([0, 1, 2, 3], 3))} after healing`;
}

/** Three go on without the fourth, for so long that they take it for gone; it catches up. */
async function oneAway(members) {
  const { load, wire } = members;
  await wire.set({ groups: [[0, 1, 2], [3]] });
  await sleep(1_000);
  const away = load.heights[3];
  const time = await load.goOn([0, 1, 2], 5);
  await sleep(Math.max(0, 22_000 - time));
  members.check();
  assert.ok(load.heights[3] <= away + 1, 'one of four decides nothing');
  const behind = load.tip - load.heights[3];
  assert.ok(behind >= 5);
  await wire.set({});
  const there = await load.reach([3], load.tip);
  return `3|1: three made 5 blocks in ${seconds(time)}; the fourth, ${behind} blocks behind, was there in ${seconds(there)}`;
}

async function shaped(members, name, wish) {
  await members.wire.set(wish);
  await sleep(1_000);
  const time = await members.load.goOn([0, 1, 2, 3], 5, 45);
  const begun = Date.now() - time;
  await sleep(Math.max(0, 5_000 - time));
  const gap = members.load.gap(begun);
  await members.wire.set({});
  return `${name}: 5 blocks at all four in ${seconds(time)}, never ${seconds(gap)} without one`;
}

export async function namespaces(checks) {
  const name = 'four members in network namespaces: partitions, 200 ms of delay, 5 % of loss';
  const why = await obstacle();
  if (why) return checks.skip(name, why);
  return checks.check(name, async () => {
    const members = new Members();
    const { load } = members;
    try {
      await members.build();
      await members.begin();
      const said = [`seed ${seed}: 10 blocks in ${seconds(await load.goOn([0, 1, 2, 3], 10))}`];
      for (const work of [
        () => halves(members),
        () => oneAway(members),
        () => shaped(members, '200 ms one way', { delay_ms: 200 }),
        () => shaped(members, '5 % lost', { loss: 0.05 }),
        () => shaped(members, '100 ms and 5 %', { delay_ms: 100, loss: 0.05 }),
      ]) {
        said.push(await work());
        await load.agree();
      }
      await load.settle();
      await load.agree();
      await members.stop();
      const { passed, lost, cut } = await members.wire.end();
      said.push(`${load.blocks.size} blocks, ${load.served.size} of ${load.taken} transactions in them at all four; ${passed} frames, ${lost} lost, ${cut} cut`);
      console.log(said.map((line) => `      ${line}`).join('\n'));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error.stack}\n${names.map((one, index) => `${one}:\n${members.logs[index]}`).join('\n')}`);
    } finally {
      await members.destroy();
    }
  });
}
