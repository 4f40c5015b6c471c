// Transactions to every node of a network, whatever becomes of the nodes meanwhile, and a record of what the nodes have
// said: that no two had different blocks at one height, and where each transaction was included.
import assert from 'node:assert/strict';
import { privateKeyToAccount } from 'viem/accounts';
import { hanse, rpc, rpcEach, run, sleep, until } from './lib.mjs';

const transfer = { chainId: 1337, value: 1n, gas: 21_000n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, type: 'eip1559' };

/** Seconds of a time in milliseconds, for people. */
export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`;

/** What a node that is gone, or going, makes of a call. */
const isGone = (error) => error instanceof TypeError || error instanceof SyntaxError;

export class Load {
  /** Block hashes by height, as anybody has said them. */
  blocks = new Map();
  /** When the first node had a block, in milliseconds. */
  times = [];
  /** Blocks of transactions whose receipts were served. */
  served = new Map();
  /** Transactions that a node has taken. */
  taken = 0;
  down = new Set();
  problem = undefined;
  ended = false;

  /**
   * `rate`: transactions a second that each node is given. Or `flight`: how many of them wait at each node all the time.
   */
  constructor(names, urls, { rate, flight }) {
    Object.assign(this, { names, urls, rate, flight });
    this.heights = names.map(() => 0);
  }

  async begin() {
    // The first accounts are the members' own, and for whoever tests something else meanwhile.
    const listed = await run(hanse, ['keys', 'dev']);
    const keys = [...listed.matchAll(/^0x\w{40} (0x\w{64})$/gm)].map(([, key]) => key);
    this.wallets = this.names.map((_, index) => ({ account: privateKeyToAccount(keys[index + 5]), nonce: 0, waiting: new Set(), seen: new Set() }));
    this.loops = this.names.flatMap((_, index) => [this.#loop(() => this.#send(index), index, 1000 / (this.rate ?? 50)), this.#loop(() => this.#look(index), index, 100)]);
  }

  /** Does something until the end. A node that is down may refuse. */
  async #loop(work, index, pause) {
    while (!this.ended) {
      try {
        if (!this.down.has(index)) await work();
      } catch (error) {
        // It may have been killed between the question and the answer.
        if (!isGone(error) || !this.down.has(index)) this.problem ??= error;
      }
      await sleep(pause);
    }
  }

  async #send(index) {
    const wallet = this.wallets[index];
    const count = this.flight === undefined ? 1 : Math.max(0, this.flight - wallet.waiting.size);
    const raw = [];
    for (let nonce = wallet.nonce; nonce < wallet.nonce + count; nonce += 1) {
      raw.push([await wallet.account.signTransaction({ ...transfer, to: wallet.account.address, nonce })]);
    }
    let answers = [];
    try {
      answers = await rpcEach(this.urls[index], 'eth_sendRawTransaction', raw);
    } catch (error) {
      if (isGone(error)) throw error;
      // Some were taken before a crash without our hearing of it.
      wallet.nonce = Number(await rpc(this.urls[index], 'eth_getTransactionCount', [wallet.account.address, 'pending']));
      if (!/nonce too low|already known/.test(error.message)) throw error;
    }
    wallet.nonce += answers.length;
    this.taken += answers.length;
    for (const hash of answers) wallet.waiting.add(hash);
  }

  async #look(index) {
    const url = this.urls[index];
    const latest = Number(await rpc(url, 'eth_blockNumber'));
    assert.ok(latest >= this.heights[index], `${this.names[index]} went back from ${this.heights[index]} to ${latest}`);
    const numbers = Array.from({ length: latest - this.heights[index] }, (_, at) => this.heights[index] + 1 + at);
    const blocks = await rpcEach(url, 'eth_getBlockByNumber', numbers.map((number) => [`0x${number.toString(16)}`, false]));
    const { waiting, seen } = this.wallets[index];
    for (const { number, hash, transactions } of blocks) {
      const height = Number(number);
      if (!this.blocks.has(height)) this.times[height] = Date.now();
      const known = this.blocks.get(height) ?? hash;
      assert.equal(hash, known, `${this.names[index]} has another block ${height}`);
      this.blocks.set(height, hash);
      this.heights[index] = height;
      for (const transaction of transactions) seen.add(transaction);
    }
    // A block may be heard of before the answer that its transactions were taken.
    const ours = [...waiting].filter((hash) => seen.has(hash));
    const receipts = await rpcEach(url, 'eth_getTransactionReceipt', ours.map((hash) => [hash]));
    for (const { status, transactionHash, blockHash } of receipts) {
      assert.equal(status, '0x1');
      this.served.set(transactionHash, blockHash);
      waiting.delete(transactionHash);
    }
  }

  /** Fails at once when anything was wrong meanwhile. */
  check() {
    if (this.problem) throw this.problem;
  }

  get tip() {
    return Math.max(...this.heights);
  }

  /** Waits until these nodes have gone on by some blocks; gives the milliseconds. */
  async goOn(places, count, patience = 30) {
    const begun = Date.now();
    const from = this.tip;
    await this.reach(places, from + count, patience);
    return Date.now() - begun;
  }

  /** Waits until these nodes have a block; gives the milliseconds. */
  async reach(places, height, patience = 30) {
    const begun = Date.now();
    const there = () => places.every((index) => this.heights[index] >= height);
    const what = `block ${height} at ${places.map((index) => this.names[index])}`;
    await until(what, async () => this.check() ?? there(), patience).catch((error) => {
      throw new Error(`${error.message}; they are at ${this.heights}`, { cause: error });
    });
    return Date.now() - begun;
  }

  /** The longest time without a block that anybody had, from one time to another. */
  gap(from, to = Date.now()) {
    const times = this.times.filter((time) => time > from && time < to);
    return Math.max(...[...times, to].map((time, at) => time - (times[at - 1] ?? from)));
  }

  /** Receipts a second for a while. */
  async measure(ms) {
    const before = this.served.size;
    const begun = Date.now();
    await sleep(ms);
    return Math.round(((this.served.size - before) * 1000) / (Date.now() - begun));
  }

  /**
   * Every block and every receipt that anybody has served, at all nodes that are up, which have caught up. `most`: only so
   * many receipts, the newest; what a crash could take is among them.
   */
  async agree(most = Infinity) {
    const up = [...this.names.keys()].filter((index) => !this.down.has(index));
    await this.reach(up, this.tip);
    for (const index of up) {
      const served = [...this.served].slice(-most);
      const receipts = await rpcEach(this.urls[index], 'eth_getTransactionReceipt', served.map(([hash]) => [hash]));
      for (const [at, [hash, block]] of served.entries()) assert.equal(receipts[at]?.blockHash, block, `${hash} at ${this.names[index]}`);
    }
    this.check();
  }

  /** Sends no more; waits until everything that a node which is up has taken is in a block. */
  async settle() {
    this.rate = undefined;
    this.flight = 0;
    const everything = async () => this.check() ?? this.wallets.every(({ waiting }, index) => this.down.has(index) || waiting.size === 0);
    await until('everything included that was taken', everything).catch(async (error) => {
      throw new Error(`${error.message}: ${(await Promise.all(this.wallets.map((wallet, index) => this.#missing(wallet, index)))).join('; ')}`, { cause: error });
    });
  }

  async #missing({ account, waiting }, index) {
    if (this.down.has(index)) return `${this.names[index]} is down`;
    const [first] = waiting;
    const url = this.urls[index];
    const counts = await Promise.all(['latest', 'pending'].map((when) => rpc(url, 'eth_getTransactionCount', [account.address, when])));
    const found = first && (await rpc(url, 'eth_getTransactionByHash', [first]));
    return `${this.names[index]}: ${waiting.size} wait, ${Number(counts[0])} included, ${Number(counts[1])} with the pool; ${first}: ${JSON.stringify(found && { nonce: found.nonce, block: found.blockNumber })}`;
  }

  async end() {
    this.ended = true;
    await Promise.all(this.loops ?? []);
    this.check();
  }
}
