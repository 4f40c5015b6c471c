// Ethereum's tools, unchanged, against a real node; then the page in a real browser.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Checks, devAddress, root, rpc, run, startNode } from './lib.mjs';
import { absence } from './absence.mjs';
import { access } from './access.mjs';
import { byzantine } from './byzantine.mjs';
import { cast } from './cast.mjs';
import { changes } from './changes.mjs';
import { clocks } from './clocks.mjs';
import { engines } from './engines.mjs';
import { ethersScript } from './ethers.mjs';
import { forgeScript } from './forge.mjs';
import { governance } from './governance.mjs';
import { retention } from './retention.mjs';
import { killLoop } from './kill.mjs';
import { lightClient } from './light.mjs';
import { members } from './members.mjs';
import { namespaces } from './namespaces.mjs';
import { deskPages, networkPages, networks } from './network.mjs';
import { upgrades } from './upgrades.mjs';
import { viemScript } from './viem.mjs';

const checks = new Checks();
const node = await startNode(['node', '--dev']);
try {
  await cast(checks, node);
  await viemScript(checks, node);
  await ethersScript(checks, node);
  await forgeScript(checks, node);
} finally {
  await checks.check('the node ends when it is asked to', async () => assert.equal(await node.stop(), 0));
}

await killLoop(checks);
await networks(checks);
await changes(checks);
await engines(checks);
await members(checks);
await access(checks);
await absence(checks);
await clocks(checks);
await networkPages(checks);
await deskPages(checks);
await lightClient(checks);
await governance(checks);
await retention(checks);
await upgrades(checks);
await byzantine(checks);
await namespaces(checks);

await checks.check('the page, in a browser, over a market with orders', async () => {
  const demo = await startNode(['demo', '--validators', '1']);
  try {
    while (!demo.log().includes('Look at it')) {
      assert.equal(demo.child.exitCode, null, demo.log());
      await new Promise((done) => setTimeout(done, 200));
    }
    // The page shows life: somebody must live meanwhile.
    const pulse = setInterval(() => {
      const transfer = { from: devAddress, to: devAddress, value: '0x1', maxFeePerGas: '0x0', maxPriorityFeePerGas: '0x0' };
      rpc(demo.http, 'eth_sendTransaction', [transfer]).catch(() => {});
    }, 1000);
    demo.child.once('close', () => clearInterval(pulse));
    const shots = process.env.SHOTS ? ['--shots', process.env.SHOTS] : [];
    const args = ['e2e/run.mjs', '--url', demo.web, '--require-orders', ...shots];
    console.log(await run('node', args, { cwd: join(root, 'web') }));
  } finally {
    await demo.stop();
  }
});

console.log(`${checks.passed} passed, ${checks.failed} failed, ${checks.skipped} skipped`);
process.exitCode = checks.failed === 0 ? 0 : 1;
