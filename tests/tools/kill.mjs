// kill -9 in the middle of load, again and again: every transaction whose receipt was served must still be
// there, the ledger must verify clean, and nobody repairs anything by hand. KILLS sets how often.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devAddress, hanse, rpc, run, startNode } from './lib.mjs';

const kills = Number(process.env.KILLS ?? 5);
/** Transactions in flight at a time. */
const batch = 50;

/** Sends batches until the node is gone; returns the receipts that it served, by hash. */
async function load(node, served) {
  const call = (method, params) => ({ jsonrpc: '2.0', id: 1, method, params });
  const post = async (calls) => {
    const body = JSON.stringify(calls.map((one, id) => ({ ...one, id })));
    const response = await fetch(node.http, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return (await response.json()).sort((a, b) => a.id - b.id).map(({ result }) => result);
  };
  const transfer = { from: devAddress, to: devAddress, value: '0x1', gas: '0x5208' };
  try {
    for (;;) {
      const sends = Array.from({ length: batch }, () => call('eth_sendTransaction', [transfer]));
      const hashes = (await post(sends)).filter(Boolean);
      for (let tries = 0; tries < 20; tries += 1) {
        const receipts = await post(hashes.map((hash) => call('eth_getTransactionReceipt', [hash])));
        for (const receipt of receipts.filter(Boolean)) served.set(receipt.transactionHash, receipt.blockHash);
        if (receipts.every(Boolean)) break;
      }
    }
  } catch {
    // The node was killed: that is how this ends.
  }
}

export async function killLoop(checks) {
  await checks.check(`kill -9 under load, ${kills} times: nothing that was served is lost`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hanse-kill-'));
    const datadir = join(folder, 'data');
    const served = new Map();
    try {
      for (let round = 0; round < kills; round += 1) {
        const node = await startNode(['node', '--dev', '--datadir', datadir]);
        for (const [hash, block] of [...served].slice(-2_000)) {
          const receipt = await rpc(node.http, 'eth_getTransactionReceipt', [hash]);
          assert.equal(receipt?.blockHash, block, `round ${round}: ${hash} is lost`);
        }
        const before = served.size;
        const loading = [load(node, served), load(node, served)];
        await new Promise((done) => setTimeout(done, 300 + Math.random() * 1_200));
        node.child.kill('SIGKILL');
        await once(node.child, 'close');
        await Promise.all(loading);
        assert.ok(served.size > before, `round ${round}: no receipt was served`);
      }
      const genesis = join(folder, 'genesis.json');
      writeFileSync(genesis, await run(hanse, ['genesis']));
      const verified = await run(hanse, ['db', 'verify', '--chain', genesis, '--datadir', datadir]);
      assert.match(verified, /^clean: /);
      console.log(`      ${served.size} receipts served, all there; ${verified}`);
      const node = await startNode(['node', '--dev', '--datadir', datadir]);
      for (const [hash, block] of served) {
        const receipt = await rpc(node.http, 'eth_getTransactionReceipt', [hash]);
        assert.equal(receipt?.blockHash, block, `${hash} is lost`);
      }
      assert.equal(await node.stop(), 0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
