// Members come and go, and so do certificates, while a network of four organizations works: a fifth is voted in, joins and
// votes; one is voted out, and all cut its node off; a certificate ends, is renewed and is revoked.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { act, admins, decide, writer } from './council.mjs';
import { freePort, hanse, rpc, run, sleep, until } from './lib.mjs';
import { seconds } from './load.mjs';
import { within } from './network.mjs';

const word = (text) => toHex(text, { size: 32 });
const peerOf = (text) => /peer +(\w{64})@/.exec(text)[1];

/** The bytes of a certificate in PEM, and what it says of its time. */
async function certificate(path) {
  const pem = readFileSync(path, 'utf8');
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const { createHash, X509Certificate } = await import('node:crypto');
  const { validFrom, validTo } = new X509Certificate(pem);
  const second = (text) => BigInt(Math.floor(Date.parse(text) / 1000));
  return { der: toHex(der), fingerprint: `0x${createHash('sha256').update(der).digest('hex')}`, from: second(validFrom), to: second(validTo) };
}

/** Connected peers of a node, by key. */
const peers = async (url) => (await rpc(url, 'hanse_getPeers')).map(({ id }) => id.replace(/^0x/, ''));
const voters = async (url) => (await rpc(url, 'hanse_getValidators')).validators.filter(({ power }) => power !== '0x0').map(({ address }) => address.toLowerCase());

/** A fifth organization: founded, admitted with a seat, its node certified, at the tip, and voting. */
async function votedIn(network, home, law) {
  const url = network.url('brand');
  const org = join(home, 'org');
  const node = join(home, 'node');
  await run(hanse, ['org', 'create', '--name', 'Insurer', '--directory', org]);
  const listen = `127.0.0.1:${await freePort()}`;
  const told = await run(hanse, ['init', '--directory', node, '--chain', join(network.folder, 'genesis.json'), '--listen', listen, '--peers', network.members.slice(0, 3).join(',')]);
  const key = peerOf(told);
  const vote = `0x${readFileSync(join(node, 'validator.key'), 'utf8').trim().replace(/^0x/, '')}`;
  const seat = privateKeyToAccount(vote).address;
  const port = await freePort();
  network.extra = { fifth: `http://127.0.0.1:${port}` };
  const start = () => network.start('fifth', ['--http.port', port, '--ws.disable', '--web.disable'], node);

  // Nobody knows it yet: its node is no peer of anybody, with or without a certificate of its own.
  const issue = (more) => run(hanse, ['org', 'enroll', 'node', 'node', '--directory', org, '--key', join(node, 'node.key'), '--overwrite', ...more]);
  await issue([]);
  const own = join(org, 'nodes/node/msp/signcerts/cert.pem');
  copyFileSync(own, join(node, 'node.pem'));
  start();
  await until('its answer', () => network.height('fifth').then(() => true));
  await sleep(2_000);
  assert.ok(!(await peers(url)).includes(key), 'a stranger is no peer');

  const root = await certificate(join(org, 'ca/ca-cert.pem'));
  const admin = privateKeyToAccount(generatePrivateKey());
  const begun = Date.now();
  await decide(
    url,
    law.policies,
    [
      act('Members', law.members, 'admit', [word('Insurer'), 'An insurer', 0x102, root.der, root.from, root.to, admin.address]),
      act('ValidatorRegistry', law.registry, 'admit', [seat, 'insurer']),
    ],
    'an insurer joins',
  );
  const decided = Date.now();
  await until('its connection', async () => (await peers(url)).includes(key), 60);
  const tip = await network.height('brand');
  await until('its blocks', async () => (await network.height('fifth')) >= tip, 60);
  await until('its seat', async () => (await voters(url)).includes(seat.toLowerCase()), 30);
  await until(
    'its signature',
    async () => {
      const { number } = await rpc(url, 'hanse_getCheckpoint', ['finalized']);
      const found = await rpc(url, 'hanse_getCertificate', [`0x${(Number(number) - 1).toString(16)}`]);
      return JSON.stringify(found).toLowerCase().includes(seat.toLowerCase());
    },
    60,
  );
  console.log(`      a fifth organization: decided in ${seconds(decided - begun)}, its node votes ${seconds(Date.now() - decided)} later`);
  return { key, org, node, own, seat, start, admin };
}

/** An organization is voted out, with its validator: all nodes drop its node within three blocks. */
async function votedOut(network, law, key, seat) {
  const url = network.url('brand');
  const receipt = await decide(
    url,
    law.policies,
    [act('Members', law.members, 'remove', [word('Bank')]), act('ValidatorRegistry', law.registry, 'dismiss', [seat])],
    'the bank leaves',
  );
  const decided = Number(receipt.blockNumber);
  const dropped = await Promise.all(
    ['brand', 'retailer', 'carrier', 'fifth'].map(async (name) => {
      await until(`${name} without it`, async () => !(await peers(network.url(name))).includes(key), 20);
      return network.height(name);
    }),
  );
  const blocks = Math.max(...dropped) - decided;
  assert.ok(blocks <= 3, `${blocks} blocks until all had dropped it`);
  await sleep(2_000);
  for (const name of ['brand', 'retailer', 'carrier', 'fifth']) {
    assert.ok(!(await peers(network.url(name))).includes(key), `${name} has it again`);
  }
  console.log(`      an organization voted out: its node dropped by all ${blocks} blocks later`);
}

/** A node's certificate is revoked, and it is cut off; renewed, it is back. */
async function revokedAndRenewed(network, law, { key, org, node, own, admin }) {
  const url = network.url('brand');
  const old = await certificate(own);
  const acts = writer(admin, url);
  await acts('Members', law.members, 'addNode', [`0x${key}`, old.fingerprint, old.from, old.to]);
  await acts('Members', law.members, 'revokeCertificate', [old.fingerprint]);
  await until('the cut', async () => !(await peers(url)).includes(key), 20);
  const begun = Date.now();
  await run(hanse, ['org', 'renew', 'node', 'node', '--directory', org]);
  copyFileSync(own, join(node, 'node.pem'));
  await until('its return', async () => (await peers(url)).includes(key), 40);
  console.log(`      a certificate revoked: cut off; renewed while the node ran: back after ${seconds(Date.now() - begun)}`);
}

/** A node that only follows, of the first organization: cut off when its certificate ends, back with another one. */
async function endedAndRenewed(network, home) {
  const url = network.url('brand');
  const org = join(network.folder, 'brand/org');
  const node = join(home, 'follower');
  const listen = `127.0.0.1:${await freePort()}`;
  const told = await run(hanse, ['init', '--directory', node, '--follow', '--chain', join(network.folder, 'genesis.json'), '--listen', listen, '--peers', network.members.slice(0, 3).join(',')]);
  const key = peerOf(told);
  const own = join(org, 'nodes/follower/msp/signcerts/cert.pem');
  const issue = async (...more) => {
    await run(hanse, ['org', 'enroll', 'node', 'follower', '--directory', org, '--key', join(node, 'node.key'), '--overwrite', ...more]);
    copyFileSync(own, join(node, 'node.pem'));
  };
  const end = Date.now() + 8_000;
  await issue('--until', new Date(end).toISOString().replace(/\.\d+Z/, 'Z'));
  const port = await freePort();
  network.extra.follower = `http://127.0.0.1:${port}`;
  network.start('follower', ['--http.port', port, '--ws.disable', '--web.disable'], node);
  await until('its connection', async () => (await peers(url)).includes(key), 20);
  await until('its end', async () => !(await peers(url)).includes(key), 40);
  assert.ok(Date.now() >= end - 1_000, 'not before its time');
  const begun = Date.now();
  await issue();
  await until('its return', async () => (await peers(url)).includes(key), 60);
  const tip = await network.height('brand');
  await until('its blocks', async () => (await network.height('follower')) >= tip, 60);
  console.log(`      a certificate ended: cut off; another one issued while the node ran: back after ${seconds(Date.now() - begun)}`);
}

/** A network for members only: what a stranger sends is refused by whichever node is asked, with who may. */
async function closed(network) {
  const stranger = privateKeyToAccount(generatePrivateKey());
  for (const name of ['retailer', 'bank']) {
    const url = network.url(name);
    const raw = async (account, nonce) => account.signTransaction({ chainId: 1337, type: 'eip1559', to: account.address, value: 0n, gas: 21_000n, maxFeePerGas: 0n, nonce });
    await assert.rejects(rpc(url, 'eth_sendRawTransaction', [await raw(stranger, 0)]), new RegExp(`not permitted: ${stranger.address} may not send transactions: that needs '\\*.member'`));
    const { carrier } = admins;
    const nonce = Number(await rpc(url, 'eth_getTransactionCount', [carrier.address, 'pending']));
    const hash = await rpc(url, 'eth_sendRawTransaction', [await raw(carrier, nonce)]);
    await until('the receipt of a member', () => rpc(url, 'eth_getTransactionReceipt', [hash]));
  }
}

export async function members(checks) {
  await checks.check('a closed network takes transactions of members only', () => within('bft', closed, { more: ['--closed'] }));

  await checks.check('members: voted in and out, certificates revoked and renewed, and the orders flow', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hanse-insurer-'));
    try {
      await within('bft', async (network) => {
        const { membership } = network.settings.contracts;
        const law = { ...membership, registry: network.settings.consensus.contract };
        const load = await network.give({ rate: 10 });
        await load.goOn([0, 1, 2, 3], 5);
        const begun = Date.now();
        const fifth = await votedIn(network, home, law);
        await revokedAndRenewed(network, law, fifth);
        await endedAndRenewed(network, home);
        const bank = network.members[3].split('@')[0];
        const seat = privateKeyToAccount(`0x${readFileSync(join(network.folder, 'bank/validator.key'), 'utf8').trim().replace(/^0x/, '')}`).address;
        load.down.add(3);
        await votedOut(network, law, bank, seat);
        const gap = load.gap(begun);
        console.log(`      the longest time without a block in all this: ${seconds(gap)}`);
        assert.ok(gap < 2_000, `${gap} ms without a block`);
        await load.settle();
      });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}
