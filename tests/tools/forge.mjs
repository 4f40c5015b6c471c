// forge script: deploys our contracts with Foundry's own broadcast.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devKey, root, rpc, run } from './lib.mjs';

export async function forgeScript(checks, node) {
  await checks.check('forge script deploys the currency and the escrow', async () => {
    const contracts = join(root, 'contracts');
    const broadcast = mkdtempSync(join(tmpdir(), 'hanse-broadcast-'));
    try {
      const args = ['script', 'script/Deploy.s.sol', '--rpc-url', node.http, '--broadcast', '--private-key', devKey];
      const environment = { ...process.env, FOUNDRY_BROADCAST: broadcast };
      await run(join(contracts, 'node_modules', '.bin', 'forge'), args, { cwd: contracts, env: environment });
      const file = join(broadcast, 'Deploy.s.sol', '1337', 'run-latest.json');
      const { receipts, transactions } = JSON.parse(readFileSync(file, 'utf8'));
      assert.equal(receipts.length, 2);
      for (const [index, { status }] of receipts.entries()) {
        assert.equal(status, '0x1');
        const code = await rpc(node.http, 'eth_getCode', [transactions[index].contractAddress, 'latest']);
        assert.ok(code.length > 100);
      }
    } finally {
      rmSync(broadcast, { recursive: true, force: true });
    }
  });
}
