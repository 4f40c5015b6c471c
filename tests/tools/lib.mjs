// What the checks share: a node of our own to talk to, child processes, and a small counter of outcomes.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '..', '..');
export const hanse = process.env.HANSE;

/** The first account of the mnemonic that every Ethereum tool knows. */
export const devKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
export const devAddress = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

/** A contract of ours, with ABI and bytecode. */
export const artifact = (name) =>
  JSON.parse(readFileSync(join(root, 'contracts', 'artifacts', `${name}.json`), 'utf8'));

/** A TCP port that nobody listens on at the moment. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs a program to its end; rejects with its output when it fails. */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${out}${err}`);
  return out.trim();
}

/** One JSON-RPC call over HTTP. */
export async function rpc(url, method, params = []) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message} (${error.code})`);
  return result;
}

/** Many JSON-RPC calls of one method, over HTTP in batches; gives the results in order. */
export async function rpcEach(url, method, all) {
  const results = [];
  for (let from = 0; from < all.length; from += 500) {
    const calls = all.slice(from, from + 500).map((params, id) => ({ jsonrpc: '2.0', id, method, params }));
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(calls) });
    const answers = (await response.json()).sort((a, b) => a.id - b.id);
    for (const { result, error } of answers) {
      if (error) throw new Error(`${method}: ${error.message} (${error.code})`);
      results.push(result);
    }
  }
  return results;
}

/** Starts `hanse ARGS` with ports of its own, and waits until it answers. */
export async function startNode(args) {
  const [http, ws, web] = [await freePort(), await freePort(), await freePort()];
  const ports = ['--http.port', http, '--ws.port', ws, '--web.port', web].map(String);
  const child = spawn(hanse, [...args, ...ports], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (data) => (log += data));
  child.stderr.on('data', (data) => (log += data));
  const ended = once(child, 'close').then(([code]) => code);
  const url = `http://127.0.0.1:${http}`;
  for (let tries = 0; ; tries += 1) {
    try {
      await rpc(url, 'eth_chainId');
      break;
    } catch (error) {
      if (tries > 300 || child.exitCode !== null) throw new Error(`no node: ${error}\n${log}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  return {
    http: url,
    ws: `ws://127.0.0.1:${ws}`,
    web: `http://localhost:${web}`,
    child,
    log: () => log,
    /** Asks the node to end, and returns its exit code. */
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `ask` gives something true; fails with `what` after a while. Its assertions fail at once. */
export async function until(what, ask, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask().catch((error) => {
      if (error.code === 'ERR_ASSERTION') throw error;
    });
    if (answer) return answer;
    if (Date.now() >= end) throw new Error(`${what} did not happen within ${seconds} s`);
    await sleep(50);
  }
}

/** Runs named checks one after another and counts them. */
export class Checks {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** A check that cannot be done here, and why. */
  skip(name, why) {
    this.skipped += 1;
    console.log(`skip  ${name}: ${why}`);
  }

  async check(name, work) {
    const start = Date.now();
    try {
      await work();
      this.passed += 1;
      console.log(`ok    ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).split('\n').join('\n      ')}`);
    }
  }
}
