// What members do with the chain, by the command line alone: a fifth organization is proposed, approved (by transactions and by
// signatures that others hand in), admitted; it publishes its certificates, enrolls somebody, revokes; data are registered; a
// guarded transaction is endorsed; and a member takes along what it has, which is checked without any node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, encodeFunctionData, http, keccak256, padHex, stringToHex, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { artifact, hanse, rpc, run, until } from './lib.mjs';
import { within } from './network.mjs';

const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
/** Which well-known account acts for which organization of a network on one machine. */
const admins = { Brand: 1, Retailer: 3, Carrier: 2, Bank: 0 };

/** The commands, as somebody at a terminal gives them, with what they say. `SAY=1` shows both. */
export class Desk {
  constructor(folder, url) {
    this.folder = folder;
    this.url = url;
    this.keys = {};
  }

  async prepare() {
    const lines = (await run(hanse, ['keys', 'dev'])).split('\n').slice(1).map((line) => line.split(' '));
    for (const [name, index] of Object.entries(admins)) this.keep(name, lines[index]);
    this.keep('harbour', lines[7]);
    // The till's key is in a file as `hanse keys` makes them, the others' as nodes have theirs.
    this.password = this.file('password', 'correct horse\n');
    const [address, file] = (await run(hanse, ['keys', 'new', '--keystore', join(this.folder, 'keys'), '--password-file', this.password])).split(' ');
    this.keys.till = { address, file };
  }

  keep(name, [address, key]) {
    const file = join(this.folder, `${name}.key`);
    writeFileSync(file, key.slice(2), { mode: 0o600 });
    this.keys[name] = { address, key, file };
  }

  async hanse(...args) {
    const said = await run(hanse, args.map(String), { env: { ...process.env, HANSE_RPC: this.url, HANSE_PASSWORD_FILE: this.password, ...this.env } });
    if (process.env.SAY) console.log(`$ hanse ${args.join(' ')}\n${said}`);
    return said;
  }

  as(name, ...args) {
    return this.hanse(...args, '--key', this.keys[name].file);
  }

  async json(...args) {
    return JSON.parse(await this.hanse(...args, '--json'));
  }

  refused(why, name, ...args) {
    return assert.rejects(name ? this.as(name, ...args) : this.hanse(...args), (error) => {
      if (process.env.SAY) console.log(String(error.message));
      assert.match(error.message, why);
      return true;
    });
  }

  file(name, text) {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }
}

export const number = (said) => Number(said.match(/proposal (\d+)/)[1]);

/** Proposed by one, approved by a transaction and by a signature that somebody else hands in. */
async function admission(desk, fifth, genesis) {
  await desk.hanse('org', 'create', '--name', 'Harbour', '--directory', fifth);
  const root = join(fifth, 'ca', 'ca-cert.pem');
  const admin = desk.keys.harbour.address;
  await desk.refused(/no active organization of this network/, 'harbour', 'org', 'publish', '--directory', fifth);
  await desk.refused(/is no admin of an active organization/, 'harbour', 'proposal', 'new', 'roles', 'Brand', 'bank');
  const id = number(await desk.as('Brand', 'proposal', 'new', 'admit', '--root', root, '--admin', admin, '--name', 'Harbour of Hamburg', '--roles', 'carrier,shopper'));
  await desk.refused(/do not meet the policy 'membership', which is MAJORITY\(admin\)/, 'Brand', 'proposal', 'execute', id);
  await desk.as('Carrier', 'proposal', 'approve', id);
  await desk.refused(/has approved \d+ already/, 'Carrier', 'proposal', 'approve', id);

  // The bank signs what it has as a file; one with another content is not signed.
  const sheet = await desk.hanse('proposal', 'show', id, '--json');
  const forged = JSON.parse(sheet);
  forged.description = 'something harmless';
  await desk.refused(/are not what proposal \d+ has/, 'Bank', 'proposal', 'sign', '--from', desk.file('forged.json', JSON.stringify(forged)), '--genesis', genesis);
  const signed = await desk.as('Bank', 'proposal', 'sign', '--from', desk.file('sheet.json', sheet), '--genesis', genesis);
  assert.equal(JSON.parse(signed).account.toLowerCase(), desk.keys.Bank.address.toLowerCase());
  const others = JSON.parse(signed);
  others.account = desk.keys.Retailer.address;
  await desk.refused(/the signature is not one of/, 'Retailer', 'proposal', 'approve', id, '--signatures', desk.file('others.jsonl', JSON.stringify(others)));
  const handed = await desk.as('Retailer', 'proposal', 'approve', id, '--signatures', desk.file('signatures.jsonl', `${signed}\n`));
  assert.match(handed, /carried: hanse proposal execute/);
  const shown = await desk.json('proposal', 'show', id);
  assert.deepEqual(shown.approvals.map(({ organization }) => organization).sort(), ['Bank', 'Brand', 'Carrier']);
  await desk.as('Retailer', 'proposal', 'execute', id);
  await desk.refused(/is not open: it is executed/, 'Retailer', 'proposal', 'execute', id);
  const listed = (await desk.json('org', 'list')).find(({ id }) => id === 'Harbour');
  assert.deepEqual([listed.name, listed.status, listed.roles, listed.roots], ['Harbour of Hamburg', 'active', 'carrier,shopper', 1]);
}

/** What the fifth does by itself: certificates and accounts. */
async function membership(desk, fifth) {
  const peer = keccak256(toHex('the network key of the harbour')).slice(2);
  await desk.hanse('org', 'enroll', 'node', 'crane', '--directory', fifth, '--peer', peer);
  assert.match(await desk.hanse('org', 'publish', '--directory', fifth, '--dry-run'), /would make known the node certificate 'crane'/);
  await desk.refused(/did not answer/, 'Brand', 'org', 'publish', '--directory', fifth, '--rpc', 'http://127.0.0.1:1');
  await desk.as('harbour', 'org', 'publish', '--directory', fifth);
  assert.match(await desk.as('harbour', 'org', 'publish', '--directory', fifth), /the chain knows all/);

  const till = desk.keys.till.address;
  await desk.refused(/has not given 'Harbour' these roles: bank/, 'harbour', 'org', 'account', 'enroll', '--roles', 'bank', '--account-key', desk.keys.till.file);
  await desk.hanse('org', 'enroll', 'client', 'till', '--directory', fifth, '--roles', 'shopper', '--account', till);
  const certificate = join(fifth, 'users', 'till', 'msp', 'signcerts', 'cert.pem');
  const consent = await desk.as('till', 'org', 'account', 'consent', '--organization', 'Harbour', '--certificate', certificate);
  await desk.refused(/has not signed this enrollment/, 'harbour', 'org', 'account', 'enroll', '--account', till, '--roles', 'carrier', '--consent', consent);
  await desk.as('harbour', 'org', 'account', 'enroll', '--certificate', certificate, '--consent', consent);
  const state = async () => (await desk.json('org', 'account', 'list', '--organization', 'Harbour')).find(({ account }) => account.toLowerCase() === till.toLowerCase())?.state;
  assert.equal(await state(), 'valid');
  assert.match(await desk.hanse('policy', 'who', "'Harbour.shopper'"), new RegExp(till, 'i'));

  // Two ways to end it: the account, or its certificate in the folder, which is published then.
  await desk.hanse('org', 'revoke', 'user', 'till', '--directory', fifth, '--reason', 'key-compromise');
  await desk.hanse('org', 'revoke', 'node', 'crane', '--directory', fifth);
  const published = await desk.as('harbour', 'org', 'publish', '--directory', fifth);
  assert.equal(published.match(/revoke the (node|client) certificate/g).length, 2);
  assert.equal(await state(), 'revoked');
  await desk.as('harbour', 'org', 'account', 'enroll', '--roles', 'shopper', '--account-key', desk.keys.till.file);
  assert.equal(await state(), 'valid');
  desk.env = { HANSE_KEY: desk.keys.harbour.key };
  await desk.hanse('org', 'account', 'revoke', till);
  desk.env = {};
  assert.equal(await state(), 'revoked');
}

async function policies(desk) {
  assert.match(await desk.hanse('policy', 'list'), /^membership +MAJORITY\(admin\)$/m);
  const checked = await desk.json('policy', 'check', "or(brand.admin, 2 of ('Bank.admin', *.auditor, Retailer.merchant))");
  assert.equal(checked.policy, "OR('brand.admin', 2 of ('Bank.admin', '*.auditor', 'Retailer.merchant'))");
  await desk.refused(/./, undefined, 'policy', 'check', 'AND(');
  const who = await desk.json('policy', 'who', 'membership');
  assert.deepEqual([who.alone.length, who.together.length], [0, 3], 'a majority of five');
  await desk.refused(/none of Bank's accounts votes; say which validator is meant: 0x/, 'Brand', 'proposal', 'new', 'remove', 'Bank', '--with-validator');
}

/** Data of the brand; and a change of the catalog that the bank must endorse, once it is guarded. */
async function data(desk) {
  const terms = ['--name', 'Orders', '--purpose', 'delivery', '--legal-basis', 'GDPR Art. 6(1)(b)', '--place', 'chain', '--personal', '--retention-days', 3650, '--contracts', 'escrow'];
  await desk.as('Brand', 'data', 'register', 'orders', ...terms);
  await desk.refused(/has an entry 'orders' already/, 'Brand', 'data', 'register', 'orders', ...terms);
  const [entry] = await desk.json('data', 'list');
  assert.deepEqual([entry.owner, entry.retentionDays, entry.revision], ['Brand', 3650, 1]);

  const id = number(await desk.as('Brand', 'proposal', 'new', 'guard', 'catalog', "'Bank.admin'", '--description', 'the bank looks on'));
  for (const name of ['Carrier', 'Retailer']) await desk.as(name, 'proposal', 'approve', id);
  await desk.as('Brand', 'proposal', 'execute', id);
  await desk.refused(/Bank\.admin/, 'Brand', 'data', 'retire', 'orders');
  const word = (text) => padHex(stringToHex(text), { size: 32, dir: 'right' });
  const input = encodeFunctionData({ abi: artifact('IDataCatalog').abi, functionName: 'retire', args: [word('Brand'), word('orders')] });
  const draft = desk.file('draft.json', await desk.hanse('endorse', 'draft', '--sender', desk.keys.Brand.address, '--to', 'catalog', '--data', input));
  const signed = await desk.as('Bank', 'endorse', 'sign', draft);
  // Whoever hands it in must not be the sender, whose nonce the draft has.
  assert.match(await desk.as('Carrier', 'endorse', 'submit', draft, '--signatures', desk.file('endorsements.jsonl', signed)), /enough for changes of all: 'Bank\.admin'/);
  await desk.as('Brand', 'endorse', 'send', draft);
  const [retired] = await desk.json('data', 'list');
  assert.ok(retired.retiredIn > 0);
}

/** The carrier goes, and its validator with it, in one proposal; a vote that is not there cannot be taken away. */
async function removal(desk, seat) {
  const id = number(await desk.as('Brand', 'proposal', 'new', 'remove', 'Carrier', '--with-validator', seat));
  for (const name of ['Bank', 'Retailer']) await desk.as(name, 'proposal', 'approve', id);
  assert.match(await desk.as('Brand', 'proposal', 'execute', id), /remove Carrier\n +dismiss the validator/);
  assert.equal((await desk.json('org', 'list')).find(({ id }) => id === 'Carrier').status, 'removed');
  await until('three validators', async () => {
    const { validators } = await rpc(desk.url, 'hanse_getValidators');
    return validators.filter(({ power }) => power !== '0x0').length === 3;
  });
  await desk.refused(/is no admin of an active organization/, 'Carrier', 'proposal', 'new', 'roles', 'Brand', 'bank');
  assert.match(await desk.as('Brand', 'proposal', 'new', 'validator', 'remove', seat), /alone would fail: that cannot be done with 0x/);
}

/** An order of the brand, so that there is business to take along. */
async function order(desk, web) {
  const { escrow, currencies } = await (await fetch(`${web}/api/network`)).json();
  const [{ address: currency }] = currencies;
  const chain = { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [desk.url] } } };
  const account = privateKeyToAccount(desk.keys.Bank.key);
  const wallet = createWalletClient({ account, chain, transport: http(desk.url) });
  const write = async (name, address, functionName, args) => {
    const hash = await wallet.writeContract({ address, abi: artifact(name).abi, functionName, args, gas: 2_000_000n, ...free });
    const receipt = await until(`the receipt of ${functionName}`, () => rpc(desk.url, 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1', `${functionName} failed`);
  };
  await write('Currency', currency, 'issue', [account.address, 5_000n]);
  await write('Currency', currency, 'approve', [escrow, 5_000n]);
  const now = BigInt(Math.floor(Date.now() / 1000));
  const id = keccak256(toHex('an order to be taken along'));
  await write('IEscrow', escrow, 'authorize', [id, {
    merchant: desk.keys.Brand.address, carrier: desk.keys.Carrier.address, currency, amount: 4_200n, shippingFee: 300n,
    shipBy: now + 86_400n, deliverBy: now + 172_800n, inspectionSeconds: 3_600, document: keccak256(toHex('an invoice')),
  }]);
  return id;
}

const lines = (path) => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
const flip = (text, at) => text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
const sum = (bytes) => execFileSync('sha256sum', { input: bytes }).toString().slice(0, 64);

/** What may be done to a kit, by name: the file, what is changed, and whether the sums are made to fit. */
const FORGERIES = {
  'another amount': [/^events\.jsonl$/, (text) => text.replace('4200', '4201')],
  'a transaction left out': [/^transactions\.jsonl$/, (text) => text.split('\n').slice(1).join('\n')],
  'a table that says something else': [/^events\.csv$/, (text) => text.replace('Authorized', 'Cancelled')],
  'another signature': [/^proofs\//, (text) => flip(text, text.indexOf('"signature":"0x') + 40)],
  'another header': [/^proofs\//, (text) => flip(text, text.indexOf('"header":"0x') + 400)],
  'another balance': [/^accounts\.jsonl$/, (text) => text.replace(/"balance":"/, '"balance":"1')],
  'another order': [/^orders\.jsonl$/, (text) => text.replace('Authorized', 'Captured')],
  'another state': [/^state\/000000/, (text) => flip(text, text.indexOf('"accountProof":["0x') + 60)],
};

async function exitKit(desk, genesis, id) {
  const out = join(desk.folder, 'kit');
  await desk.hanse('org', 'export', '--organization', 'Brand', '--genesis', genesis, '--directory', out);
  // Nobody is asked any more.
  const check = (folder, ...more) => run(hanse, ['org', 'export', '--check', folder, ...more]);
  const said = await check(out, '--genesis', genesis);
  if (process.env.SAY) console.log(`$ hanse org export --check ${out}\n${said}`);
  assert.match(said, /^all is proven: \d+ transactions with \d+ events, 1 accounts and 1 orders/);
  assert.equal(lines(join(out, 'orders.jsonl'))[0].order, id);
  const events = lines(join(out, 'events.jsonl')).map(({ event }) => event);
  for (const event of ['Proposed', 'Approved', 'Executed', 'OrganizationAdmitted', 'EntryRegistered', 'EntryRetired', 'Authorized']) {
    assert.ok(events.includes(event), `${event} is among ${[...new Set(events)]}`);
  }
  const [catalog] = lines(join(out, 'said', 'data.jsonl'));
  assert.equal(catalog.retentionDays, 3650);
  const root = readdirSync(join(out, 'roots')).map((name) => readFileSync(join(out, 'roots', name), 'utf8'));
  assert.deepEqual(root, [readFileSync(join(desk.folder, 'brand-root.pem'), 'utf8')]);

  for (const [name, [pattern, change]] of Object.entries(FORGERIES)) {
    const forged = join(desk.folder, 'forged');
    cpSync(out, forged, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(forged, 'manifest.json'), 'utf8'));
    const file = Object.keys(manifest.files).find((file) => pattern.test(file));
    const before = readFileSync(join(forged, file), 'utf8');
    const after = change(before);
    assert.notEqual(after, before, `${name} changes ${file}`);
    writeFileSync(join(forged, file), after);
    await assert.rejects(check(forged), /not the file that manifest\.json has the sum of/, name);
    manifest.files[file] = sum(after);
    writeFileSync(join(forged, 'manifest.json'), JSON.stringify(manifest));
    await assert.rejects(check(forged), /something else is proven|is not proven|and \d+ of them are here|state\/000000|proofs\//, name);
    rmSync(forged, { recursive: true });
  }
  // A proof less: the numbers of the account's transactions tell.
  const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  const own = lines(join(out, 'transactions.jsonl')).find(({ from }) => from.toLowerCase() === desk.keys.Brand.address.toLowerCase());
  rmSync(join(out, 'proofs', `${own.hash}.json`));
  delete manifest.files[`proofs/${own.hash}.json`];
  writeFileSync(join(out, 'manifest.json'), JSON.stringify(manifest));
  await assert.rejects(check(out), /transactions\.jsonl: something else is proven/);
}

export async function governance(checks) {
  await checks.check('what members do with the chain: admitted, enrolled, endorsed, revoked, and taken along with proofs', () =>
    within('bft', async (network) => {
      const folder = mkdtempSync(join(tmpdir(), 'hanse-desk-'));
      try {
        const desk = new Desk(folder, network.url('retailer'));
        await desk.prepare();
        cpSync(join(network.folder, 'brand', 'org', 'ca', 'ca-cert.pem'), join(folder, 'brand-root.pem'));
        const fifth = join(folder, 'harbour');
        await admission(desk, fifth, join(network.folder, 'genesis.json'));
        await membership(desk, fifth);
        await policies(desk);
        await data(desk);
        const id = await order(desk, network.web('retailer'));
        const { validator } = await rpc(network.url('carrier'), 'hanse_status');
        await removal(desk, validator);
        await exitKit(desk, join(network.folder, 'genesis.json'), id);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }));
}
