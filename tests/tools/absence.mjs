// One of four is away for too long: it loses its seat, within seconds because this network's rules are short, and takes it
// back by itself when it is there again, unless it is told not to.
import assert from 'node:assert/strict';
import { rpc, sleep, until } from './lib.mjs';
import { seconds } from './load.mjs';
import { within } from './network.mjs';

const rules = { window: 10, missed: 5, seconds: 3, wait: 5 };
const flags = Object.entries(rules).flatMap(([name, value]) => [`--absence.${name}`, value]);

const recordOf = async (network, name) => {
  const { validators } = await rpc(network.url('brand'), 'hanse_getValidators');
  return validators.find((one) => one.name === name);
};

async function awayAndBack(network) {
  const load = await network.give({ rate: 20 });
  await load.goOn([0, 1, 2, 3], 3);
  const found = await rpc(network.url('brand'), 'hanse_getValidators');
  assert.equal(Number(found.rules.window), rules.window);
  assert.equal(Number(found.rules.absentSeconds), rules.seconds);

  // Dozens of blocks pass in less than those seconds: too many missed, and not for long enough.
  await network.kill('bank');
  const from = load.tip;
  await load.goOn([0, 1, 2], 2 * rules.window);
  const short = await recordOf(network, 'bank');
  if (Number(short.absentSeconds) < rules.seconds) assert.equal(short.standing, 'active', 'a pause costs no seat');
  const killed = Date.now();
  await until('the removal of the absent', async () => (await recordOf(network, 'bank')).standing === 'absent');
  const removed = await recordOf(network, 'bank');
  const taken = Date.now() - killed;
  assert.ok(Number(removed.since) > from);

  // Told to stay away, it does.
  await network.revive('bank', ['--validator.no-rejoin']);
  await load.reach([3], Number(removed.since) + rules.wait + 10, 60);
  await sleep(3_000);
  assert.equal((await recordOf(network, 'bank')).standing, 'absent', 'it stays away');
  assert.match(network.children.get('bank').log(), /has lost its seat: it missed more than 5 of 10 blocks for 3 s; it stays away/);
  await network.kill('bank');

  await network.revive('bank');
  const begun = Date.now();
  await until('its seat', async () => (await recordOf(network, 'bank')).power !== '0x0');
  const back = Date.now() - begun;
  const log = network.children.get('bank').log();
  assert.match(log, /this node asks for it once it is at the tip/);
  assert.match(log, /asked for the seat back/);
  await until('what it says then', () => Promise.resolve(network.children.get('bank').log().includes('this validator has a seat')));
  // It votes again: without it and another one nothing would be decided.
  await network.kill('carrier');
  await load.goOn([0, 1, 3], 5);
  await network.revive('carrier');
  await load.settle();
  await load.agree();
  console.log(`      removed ${seconds(taken)} after ${2 * rules.window} missed blocks, in block ${Number(removed.since)}; its seat back ${seconds(back)} after its start`);
}

/** ENGINE=pos for validators by stake. */
export async function absence(checks) {
  await checks.check('one of four stays away: it loses its seat after so many blocks and seconds, and takes it back by itself', () =>
    within(process.env.ENGINE ?? 'bft', awayAndBack, { more: flags }));
}
