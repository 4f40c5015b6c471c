// One of four machines has a wrong clock: the others go on as fast and agree, its own log says what is wrong and what to
// do, and it takes part again once the clock is right. The clock of one process is bent by libfaketime.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rpc, rpcEach, until } from './lib.mjs';
import { seconds } from './load.mjs';
import { names, within } from './network.mjs';

export const library = process.env.FAKETIME_LIBRARY ?? ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`).find(existsSync);
export const wrong = (offset) => ({ LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' });
const place = names.indexOf('bank');
const others = [0, 1, 2];

/** Blocks a second that the others make for a while, and receipts. */
async function rate(load, ms) {
  const from = load.tip;
  const begun = Date.now();
  const receipts = await load.measure(ms);
  return { blocks: ((load.tip - from) * 1000) / (Date.now() - begun), receipts };
}

async function clock(network, direction) {
  const load = await network.give({ rate: 40 });
  // Whoever is behind does not vote and falls behind; what it was given goes to the others all the same.
  await load.goOn(others, 5);
  const log = () => network.children.get('bank').log();
  await until('what its log says', () => Promise.resolve(/THIS MACHINE'S CLOCK IS WRONG/.test(log())), 20);
  assert.match(log(), new RegExp(`CLOCK IS WRONG: about (59|60|61)\\.\\d s ${direction} 3 of 3 peers;.*Set the clock`));
  const bent = await rate(load, 3_000);
  const gap = load.gap(Date.now() - 3_000);
  if (direction === 'ahead of') {
    // Its own blocks are taken, in its turn, so nobody loses a round.
    const { validators } = await rpc(network.url('brand'), 'hanse_getValidators');
    const { address } = validators.find(({ name }) => name === 'bank');
    const numbers = Array.from({ length: 16 }, (_, at) => [`0x${(load.tip - 1 - at).toString(16)}`]);
    const certificates = await rpcEach(network.url('brand'), 'hanse_getCertificate', numbers);
    const own = certificates.filter(({ proposer, round }) => proposer.toLowerCase() === address.toLowerCase() && round === '0x0');
    assert.ok(own.length > 0, 'it proposes blocks that the others take');
  }
  await load.reach([place], load.tip, 20);
  // The others know whose clock it is.
  await until('what the others say', () => Promise.resolve(/the clock of a peer is about/.test(network.children.get('brand').log())), 20);
  assert.doesNotMatch(network.children.get('brand').log(), /THIS MACHINE'S CLOCK/);

  await network.kill('bank');
  await network.revive('bank');
  await load.goOn([0, 1, 2, 3], 5);
  const right = await rate(load, 3_000);
  assert.doesNotMatch(log(), /THIS MACHINE'S CLOCK/);
  await load.settle();
  await load.agree();
  console.log(`      60 s ${direction} the others: ${bent.blocks.toFixed(1)} blocks and ${bent.receipts} receipts a second, never ${seconds(gap)} without a block; with a right clock ${right.blocks.toFixed(1)} and ${right.receipts}`);
}

export async function clocks(checks) {
  if (library === undefined) return checks.skip('a clock that is wrong', 'libfaketime is not installed (Debian: faketime)');
  for (const [offset, direction] of [['+60s', 'ahead of'], ['-60s', 'behind']]) {
    await checks.check(`the clock of one of four is 60 s ${direction} the others': no harm, and its log says so`, async () => {
      await within('bft', (network) => clock(network, direction), { env: { bank: wrong(offset) } });
    });
  }
}
