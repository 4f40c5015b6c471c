// The commands of members, as somebody at a terminal gives them.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWalletClient, http, keccak256, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { artifact, hanse, rpc, run, until } from './lib.mjs';

const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
/** Which well-known account acts for which organization of a network on one machine. */
export const admins = { Brand: 1, Retailer: 3, Carrier: 2, Bank: 0 };

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

/** An order of the brand: its id, and the transactions that it took. */
export async function order(desk, web) {
  const { escrow, currencies } = await (await fetch(`${web}/api/network`)).json();
  const [{ address: currency }] = currencies;
  const chain = { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [desk.url] } } };
  const account = privateKeyToAccount(desk.keys.Bank.key);
  const wallet = createWalletClient({ account, chain, transport: http(desk.url) });
  const write = async (name, address, functionName, args) => {
    const hash = await wallet.writeContract({ address, abi: artifact(name).abi, functionName, args, gas: 2_000_000n, ...free });
    const receipt = await until(`the receipt of ${functionName}`, () => rpc(desk.url, 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1', `${functionName} failed`);
    return hash;
  };
  const issued = await write('Currency', currency, 'issue', [account.address, 5_000n]);
  await write('Currency', currency, 'approve', [escrow, 5_000n]);
  const now = BigInt((await rpc(desk.url, 'eth_getBlockByNumber', ['latest', false])).timestamp);
  const id = keccak256(toHex('an order to be taken along'));
  const authorized = await write('IEscrow', escrow, 'authorize', [id, {
    merchant: desk.keys.Brand.address, carrier: desk.keys.Carrier.address, currency, amount: 4_200n, shippingFee: 300n,
    shipBy: now + 86_400n, deliverBy: now + 172_800n, inspectionSeconds: 3_600, document: keccak256(toHex('an invoice')),
  }]);
  return { id, escrow, issued, authorized };
}

