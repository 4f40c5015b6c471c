// A light client and its server: what four validators made final is verified from genesis across a change of
// half of them, by `hanse verify` and by the page's code; and whatever a server in between alters is refused.
//
// `LIGHT_FIXTURE=FILE HANSE=... node light.mjs` writes what the server proved here to a file, as vectors for the
// tests of both.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keccak256, toHex, zeroHash } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { artifact, Checks, devKey, hanse, root, rpc, run, until } from './lib.mjs';
import { act, decide, writer } from './council.mjs';
import { names, within } from './network.mjs';

const merchantKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
const carrier = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
/** An order that is paid for, before the validators change. */
async function placeOrder(url) {
  const genesis = JSON.parse(await (await fetch(url.web + '/api/network')).text());
  const { escrow } = genesis;
  const currency = genesis.currencies[0].address;
  const bank = writer(devKey, url.http);
  const shopper = privateKeyToAccount(devKey).address;
  await bank('Currency', currency, 'issue', [shopper, 5_000n]);
  await bank('Currency', currency, 'approve', [escrow, 5_000n]);
  const id = keccak256(toHex('an order of the light client'));
  const now = BigInt(Math.floor(Date.now() / 1000));
  const terms = {
    merchant: privateKeyToAccount(merchantKey).address, carrier, currency, amount: 4_200n, shippingFee: 300n,
    shipBy: now + 86_400n, deliverBy: now + 172_800n, inspectionSeconds: 3_600, document: keccak256(toHex('an invoice')),
  };
  const paid = await bank('IEscrow', escrow, 'authorize', [id, terms]);
  return { id, escrow, currency, paid, terms, shopper };
}

/** Two of the four leave and a new one comes, so that the first four are no majority any more. */
async function changeValidators(network, contract) {
  const key = (name) => `0x${readFileSync(join(network.folder, name, 'validator.key'), 'utf8').trim().replace(/^0x/, '')}`;
  const url = network.url('brand');
  const acts = Object.fromEntries(names.map((name) => [name, writer(key(name), url)]));
  await acts.bank('ValidatorRegistry', contract, 'resign');
  await until('three validators', async () => (await checkpoint(url)).validators.length === 3);

  const newKey = generatePrivateKey();
  const newcomer = privateKeyToAccount(newKey).address;
  const { policies } = network.settings.contracts.membership;
  await decide(url, policies, [act('ValidatorRegistry', contract, 'admit', [newcomer, 'a new bank'])], 'a new key for the bank');
  // The old key has left for good, so its log goes with it.
  await network.kill('bank');
  writeFileSync(join(network.folder, 'bank', 'validator.key'), newKey.slice(2), { mode: 0o600 });
  rmSync(join(network.folder, 'bank', 'data', 'votes-1.wal'), { force: true });
  network.start('bank');
  await until('four validators, one of them new', async () => (await checkpoint(url)).validators.some(({ address }) => address === newcomer.toLowerCase()));
  await until('a block that the new one signed', async () => (await signers(url)).includes(newcomer.toLowerCase()), 90);
  await acts.carrier('ValidatorRegistry', contract, 'resign');
  await until('three validators again', async () => (await checkpoint(url)).validators.length === 3, 60);
}

const checkpoint = (url, at = 'finalized') => rpc(url, 'hanse_getCheckpoint', [at]);

async function signers(url) {
  const { number } = await checkpoint(url);
  const before = `0x${(Number(number) - 1).toString(16)}`;
  const { links } = await rpc(url, 'hanse_getFinalityProof', [number, before]);
  return links.at(-1).certificate.signatures.map(({ validator }) => validator);
}

/** Does `work` with a server that alters what a node answers. */
async function withLiar(url, [method, alter], work) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', async () => {
      const call = JSON.parse(body);
      const answer = await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
      // Of several questions for state only the one for the order is lied about.
      const isMeant = call.method === method && (method !== 'eth_getProof' || answer.result?.storageProof.length === 5);
      if (isMeant && answer.result) alter(answer.result);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Another digit in the middle. */
const other = (hex) => {
  const at = Math.floor(hex.length / 2);
  return hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);
};

/** What a server may try, by name: the answer it alters, and how. */
const LIES = {
  'another header': ['hanse_getTransactionProof', (proof) => (proof.links.at(-1).header = other(proof.links.at(-1).header))],
  'another parent': ['hanse_getTransactionProof', (proof) => (proof.links.at(-1).parent = other(proof.links.at(-1).parent))],
  'a forged signature': ['hanse_getTransactionProof', (proof) => { const [one] = proof.links.at(-1).certificate.signatures; one.signature = other(one.signature); }],
  'another round': ['hanse_getTransactionProof', (proof) => (proof.links.at(-1).certificate.round = '0x7')],
  'too few signatures': ['hanse_getTransactionProof', (proof) => proof.links.at(-1).certificate.signatures.splice(1)],
  'no change of validators': ['hanse_getTransactionProof', (proof) => proof.links.splice(0, proof.links.length - 1)],
  'other validators': ['hanse_getTransactionProof', (proof) => { const set = proof.links[0].validators ?? proof.links[0].nextValidators; if (set) set.storage[0] = other(set.storage[0]); }],
  'another transaction': ['hanse_getTransactionProof', (proof) => (proof.transaction[0] = other(proof.transaction[0]))],
  'another receipt': ['hanse_getTransactionProof', (proof) => (proof.receipt[0] = other(proof.receipt[0]))],
  'another position': ['hanse_getTransactionProof', (proof) => (proof.index = '0x5')],
  'another block': ['hanse_getTransactionProof', (proof) => (proof.number = '0x1')],
  'more money': ['eth_getProof', (proof) => (proof.storageProof[2].value = toHex(BigInt(proof.storageProof[2].value) + (1n << 160n)))],
  'another state': ['eth_getProof', (proof) => (proof.accountProof[1] = other(proof.accountProof[1]))],
};

/** The page's code, bundled as the page has it. */
async function pageCode() {
  const out = mkdtempSync(join(tmpdir(), 'hanse-light-'));
  const web = join(root, 'web');
  const { build } = await import(pathToFileURL(join(web, 'node_modules', 'vite', 'dist', 'node', 'index.js')).href);
  const lib = { entry: join(web, 'src', 'lib', 'light', 'index.ts'), formats: ['es'], fileName: 'light' };
  await build({ configFile: false, root: web, logLevel: 'error', build: { lib, outDir: out, emptyOutDir: true } });
  const file = ['light.js', 'light.mjs'].map((name) => join(out, name)).find(existsSync);
  const code = await import(pathToFileURL(file).href);
  return { code, remove: () => rmSync(out, { recursive: true, force: true }) };
}

function memory() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
}

/** The order as the node's REST side tells it, in the page's form. */
async function shownOrder(web, id) {
  const order = await until(`order ${id}`, async () => {
    const response = await fetch(`${web}/api/orders/${id}`);
    return response.ok ? response.json() : undefined;
  });
  const events = order.events.map((event) => ({ ...event, blockNumber: BigInt(event.blockNumber), timestamp: Number(event.timestamp) }));
  return { ...order, amount: BigInt(order.amount), shippingFee: BigInt(order.shippingFee), refunded: BigInt(order.refunded), authorizedAt: Number(order.authorizedAt), events };
}

async function commandLine(url, genesis, folder, order, shipped) {
  const from = (rpcUrl) => ['--rpc', rpcUrl, '--genesis', genesis, '--json'];
  const verify = async (...args) => JSON.parse(await run(hanse, ['verify', ...args]));
  const early = await verify('tx', order.paid.transactionHash, ...from(url));
  assert.equal(early.proven.succeeded, true);
  assert.equal(early.block.number, Number(order.paid.blockNumber));
  const late = await verify('tx', shipped.transactionHash, ...from(url));
  assert.equal(late.block.hash, shipped.blockHash);
  assert.ok(late.support.trustedSince > 0, 'the change of validators was followed');

  const kept = join(folder, 'checkpoint.json');
  for (const time of ['from genesis', 'from the checkpoint']) {
    const { proven } = await verify('order', order.id, '--checkpoint', kept, ...from(url));
    assert.equal(proven.record.state, 'Shipped', time);
    assert.equal(proven.record.amount, '4200', time);
    assert.equal(proven.currency, order.currency, time);
  }
  assert.ok(Number(JSON.parse(readFileSync(kept, 'utf8')).number) > 0, 'the checkpoint moved');
  const nobody = '0x00000000000000000000000000000000000a11ce';
  const { proven: absent } = await verify('account', nobody, '--slot', '7', '--checkpoint', kept, ...from(url));
  assert.deepEqual([absent.exists, absent.balance], [false, '0']);

  for (const [name, lie] of Object.entries(LIES)) {
    const what = lie[0] === 'eth_getProof' ? ['order', order.id] : ['tx', shipped.transactionHash];
    await withLiar(url, lie, (server) => assert.rejects(run(hanse, ['verify', ...what, ...from(server)]), /not verified: /, name));
  }
}

async function inThePage(url, order, shown) {
  const { code, remove } = await pageCode();
  try {
    const ask = (to) => (method, params) => rpc(to, method, params);
    const trust = new code.Trust(memory());
    const verified = await code.verifyOrder(shown, order.escrow, trust, ask(url));
    assert.equal(verified.transactions, 2);
    assert.equal(verified.block.support.own.voters, 3);
    assert.equal(verified.origin, 'first-visit');
    assert.equal(verified.anchor.number, 0n);
    await code.verifyOrder(shown, order.escrow, trust, ask(url)); // from what is known by now

    for (const [name, lie] of Object.entries(LIES)) {
      await withLiar(url, lie, (server) => assert.rejects(code.verifyOrder(shown, order.escrow, new code.Trust(memory()), ask(server)), code.NotProven, name));
    }
    for (const [field, value] of Object.entries({ state: 'Authorized', amount: 1n, refunded: 5n, merchant: order.shopper, currency: order.escrow })) {
      await assert.rejects(code.verifyOrder({ ...shown, [field]: value }, order.escrow, trust, ask(url)), code.NotProven, field);
    }
  } finally {
    remove();
  }
}

/** The order's page, in a real browser: it says that it has verified, and says so no more when the node lies. */
async function inABrowser(web, id) {
  const { chromium } = (await import(pathToFileURL(join(root, 'web', 'node_modules', 'playwright-core', 'index.js')).href)).default;
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`${web}/order/${id}`);
    await page.waitForSelector('[data-light="verified"]', { timeout: 30_000 });
    assert.match(await page.textContent('[data-light]'), /Signed by 3 of 3 validators/);
    if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'verified.png'), fullPage: true });
    // From now on the node tells of twice the money.
    await page.route('**/api/orders/*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), amount: '8400' } });
    });
    await page.reload();
    await page.waitForSelector('[data-light="failed"]', { timeout: 30_000 });
    assert.match(await page.textContent('[data-light]'), /the amount is 4200, the node told this page 8400/);
    if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, 'refused.png'), fullPage: true });
  } finally {
    await browser.close();
  }
}

/** What the tests of both clients start from. */
async function fixture(url, order, shipped) {
  const genesis = await checkpoint(url, '0x0');
  const finality = await rpc(url, 'hanse_getFinalityProof', ['finalized', '0x0']);
  const at = { blockHash: keccak256(finality.links.at(-1).header) };
  const slots = await import('viem').then(({ encodeAbiParameters }) => {
    const base = BigInt(keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [order.id, 0n])));
    return [0n, 1n, 2n, 3n, 4n].map((index) => toHex(base + index));
  });
  return {
    checkpoint: genesis,
    early: { hash: order.paid.transactionHash, proof: await rpc(url, 'hanse_getTransactionProof', [order.paid.transactionHash, '0x0']) },
    late: { hash: shipped.transactionHash, proof: await rpc(url, 'hanse_getTransactionProof', [shipped.transactionHash, '0x0']) },
    state: { finality, proof: await rpc(url, 'eth_getProof', [order.escrow, slots, at]) },
    absent: await rpc(url, 'eth_getProof', ['0x00000000000000000000000000000000000a11ce', ['0x7'], at]),
    order: { id: order.id, state: 'Shipped', amount: '0x1068', shippingFee: '0x12c', merchant: order.terms.merchant.toLowerCase(), carrier: carrier.toLowerCase(), shopper: order.shopper.toLowerCase(), document: order.terms.document },
  };
}

export async function lightClient(checks) {
  await checks.check('a light client: verified across a change of validators, and no lie believed', () =>
    within('bft', async (network) => {
      const url = network.url('brand');
      const web = network.web('brand');
      const genesis = join(network.folder, 'genesis.json');
      const { engines } = await checkpoint(url);
      const order = await placeOrder({ http: url, web });
      await changeValidators(network, engines[0].contract);
      const merchant = writer(merchantKey, url);
      const shipped = await merchant('IEscrow', order.escrow, 'ship', [order.id, zeroHash]);
      const height = Number(shipped.blockNumber);
      await until('a block on top', async () => Number((await checkpoint(url)).number) > height);
      await commandLine(url, genesis, network.folder, order, shipped);
      const shown = await until('the order, shipped', async () => {
        const found = await shownOrder(web, order.id);
        return found.state === 'Shipped' ? found : undefined;
      });
      await inThePage(url, order, shown);
      await inABrowser(web, order.id);
      const file = process.env.LIGHT_FIXTURE;
      if (file) writeFileSync(file, `${JSON.stringify(await fixture(url, order, shipped), null, 1)}\n`);
    }));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const checks = new Checks();
  await lightClient(checks);
  process.exitCode = checks.failed;
}
