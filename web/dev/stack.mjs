// A stand-in for the node while developing the page: serves web/dist, /rpc, /ws and /api/* on one port,
// in front of any Ethereum development node, after deploying the real artifacts and pushing orders through
// every path. It keeps nothing and checks nothing; the real thing is the `hanse` binary.
//
//   npx @foundry-rs/anvil@1.7.1 --block-time 1 --port 18545 --chain-id 7001 &
//   npm run build && npm run dev:stack -- --node http://127.0.0.1:18545 --port 8080
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { createPublicClient, createWalletClient, defineChain, http as transport, keccak256, nonceManager, parseEventLogs, toHex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';

const { values: options } = parseArgs({
  options: { node: { type: 'string', default: 'http://127.0.0.1:18545' }, port: { type: 'string', default: '8080' }, pace: { type: 'string', default: '4000' } },
});
const upstream = new URL(options.node);
const dist = new URL('../dist/', import.meta.url).pathname;
const artifact = async (name) => JSON.parse(await readFile(new URL(`../../contracts/artifacts/${name}.json`, import.meta.url), 'utf8'));
const [Escrow, Currency] = [await artifact('Escrow'), await artifact('Currency')];

const reader = createPublicClient({ transport: transport(options.node), pollingInterval: 200 });
const chain = defineChain({ id: await reader.getChainId(), name: 'dev', nativeCurrency: { name: 'gas', symbol: 'GAS', decimals: 18 }, rpcUrls: { default: { http: [options.node] } } });
// The development nodes' well-known accounts: worthless everywhere else.
const wallet = (addressIndex) =>
  createWalletClient({ chain, transport: transport(options.node), account: mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex, nonceManager }) });
const [bank, bakery, instruments, courier, freight, ...shoppers] = Array.from({ length: 9 }, (_, index) => wallet(index));
const party = (who, name, role) => ({ address: who.account.address, name, role });
const parties = [
  party(bank, 'Harbour Bank', 'bank'),
  party(bakery, 'Lübeck Marzipan Works', 'merchant'),
  party(instruments, 'Bergen Instruments', 'merchant'),
  party(courier, 'Amber Courier', 'carrier'),
  party(freight, 'Baltic Freight', 'carrier'),
  ...shoppers.map((who, index) => party(who, `Shopper ${index + 1}`, 'shopper')),
];

async function mined(hash) {
  const receipt = await reader.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`);
  return receipt;
}
const deploy = async (contract, args = []) => mined(await bank.deployContract({ abi: contract.abi, bytecode: contract.bytecode, args }));
const write = (who, contract, address, functionName, args) => who.writeContract({ abi: contract.abi, address, functionName, args, gas: 900_000n });

const { contractAddress: escrow, blockNumber: deployedAt } = await deploy(Escrow);
const currencies = [];
for (const [code, name, decimals] of [['GBP', 'Pound sterling', 2], ['CNY', 'Chinese yuan', 2], ['JPY', 'Japanese yen', 0]]) {
  const { contractAddress: address } = await deploy(Currency, [name, code, decimals, bank.account.address]);
  currencies.push({ code, address, decimals });
  for (const who of shoppers) {
    await write(bank, Currency, address, 'issue', [who.account.address, 10n ** 9n]);
    await mined(await write(who, Currency, address, 'approve', [escrow, 2n ** 200n]));
  }
  // Paying back a whole order costs the merchant the delivery charge as well, so a little working capital is needed.
  for (const who of [bakery, instruments]) await write(bank, Currency, address, 'issue', [who.account.address, 100_000n]);
  for (const who of [bakery, instruments]) await write(who, Currency, address, 'approve', [escrow, 2n ** 200n]);
}

// --- orders, through every path -----------------------------------------------------------------------
const PATHS = ['complete', 'complete', 'refund', 'cancel', 'paid', 'shipped', 'inspect', 'partial', 'expire', 'complete', 'refused'];
let counter = 0;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function order(path, gap) {
  const n = counter++;
  const now = Number((await reader.getBlock()).timestamp);
  const merchant = n % 2 ? bakery : instruments;
  const carrier = n % 3 ? courier : freight;
  const shopper = shoppers[n % shoppers.length];
  const id = keccak256(toHex(`order ${n} ${now}`));
  const amount = 4_900n + BigInt(n * 7_919 % 90_000);
  const terms = {
    merchant: merchant.account.address, carrier: carrier.account.address, currency: currencies[n % 3].address, amount, shippingFee: 350n,
    shipBy: path === 'expire' ? now + 4 : now + 172_800, deliverBy: path === 'expire' ? now + 5 : now + 604_800,
    inspectionSeconds: path === 'inspect' || path === 'partial' || path === 'refund' ? 86_400 : 0, document: keccak256(toHex(`salt and invoice ${n}`)),
  };
  const act = async (who, name, ...rest) => { await mined(await write(who, Escrow, escrow, name, [id, ...rest])); await pause(gap); };
  await act(shopper, 'authorize', terms);
  if (path === 'paid') return;
  if (path === 'cancel') return act(shopper, 'cancel', keccak256(toHex('changed my mind')));
  if (path === 'expire') { await pause(7_000); return act(carrier, 'expire'); }
  if (path === 'refused') { await write(carrier, Escrow, escrow, 'deliver', [id, terms.document]); return; } // too early: fails on the ledger
  await act(merchant, 'ship', keccak256(toHex(`parcel ${n}`)));
  if (path === 'shipped') return;
  await act(carrier, 'deliver', keccak256(toHex(`signature ${n}`)));
  if (path === 'partial') { await act(merchant, 'refund', amount / 5n, keccak256(toHex('one piece broken'))); return act(shopper, 'capture'); }
  if (path === 'refund') { await act(shopper, 'capture'); return act(merchant, 'refund', amount, keccak256(toHex('returned'))); }
}

// --- the REST side, straight from the logs ------------------------------------------------------------
const RESULT = { Authorized: 'Authorized', Shipped: 'Shipped', Delivered: 'Delivered', Captured: 'Captured', Cancelled: 'Cancelled', Expired: 'Expired' };
const times = new Map();
async function orders() {
  const logs = parseEventLogs({ abi: Escrow.abi, logs: await reader.getLogs({ address: escrow, fromBlock: deployedAt }) });
  const known = new Map();
  for (const { eventName: name, args: { orderId, terms, ...rest }, transactionHash, blockNumber, blockHash, logIndex } of logs) {
    if (!times.has(blockHash)) times.set(blockHash, Number((await reader.getBlock({ blockHash })).timestamp));
    const timestamp = times.get(blockHash);
    const text = (fields) => Object.fromEntries(Object.entries(fields ?? {}).map(([key, value]) => [key, String(value)]));
    const event = { name, transactionHash, blockNumber: Number(blockNumber), blockHash, logIndex, timestamp, data: text({ ...rest, ...(terms && { amount: terms.amount, shippingFee: terms.shippingFee }) }) };
    if (name === 'Authorized') {
      const { merchant, carrier, currency, amount, shippingFee, document } = text(terms);
      known.set(orderId, { id: orderId, shopper: rest.shopper, merchant, carrier, currency, amount, shippingFee, state: name, refunded: '0', authorizedAt: timestamp, updatedAt: timestamp, document, events: [] });
    }
    const entry = known.get(orderId);
    entry.events.push(event);
    entry.updatedAt = timestamp;
    entry.state = RESULT[name] ?? entry.state;
    if (name === 'Cancelled' || name === 'Expired') entry.refunded = entry.amount;
    if (name === 'Refunded') {
      entry.refunded = String(BigInt(entry.refunded) + rest.amount);
      if (entry.refunded === entry.amount) entry.state = 'Refunded';
    }
  }
  return [...known.values()].reverse();
}

async function api(url) {
  if (url.pathname === '/api/network') return { name: 'Hanse development', chainId: chain.id, escrow, deployedAt: Number(deployedAt), currencies, parties };
  const all = await orders();
  const id = url.pathname.match(/^\/api\/orders\/(0x[0-9a-f]{64})$/i)?.[1];
  if (id) return all.find((entry) => entry.id === id.toLowerCase());
  if (url.pathname !== '/api/orders') return undefined;
  const q = (url.searchParams.get('q') ?? '').toLowerCase();
  const state = url.searchParams.get('state');
  const matching = all.filter((entry) => [entry.id, entry.shopper, entry.merchant, entry.carrier, entry.document].some((text) => text.toLowerCase().startsWith(q)));
  const counts = {};
  for (const entry of all) counts[entry.state] = (counts[entry.state] ?? 0) + 1;
  const shown = matching.filter((entry) => !state || entry.state === state);
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const end = start + Number(url.searchParams.get('limit') ?? 20);
  return { orders: shown.slice(start, end).map(({ events, ...summary }) => summary), next: end < shown.length ? String(end) : null, counts };
}

// --- one port -----------------------------------------------------------------------------------------
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  try {
    if (url.pathname === '/rpc') {
      const { host, origin, ...headers } = request.headers;
      const forward = http.request(upstream, { method: request.method, headers }, (answer) => answer.pipe(response.writeHead(answer.statusCode, answer.headers)));
      forward.on('error', () => response.writeHead(502).end());
      return void request.pipe(forward);
    }
    if (url.pathname.startsWith('/api/')) {
      const body = await api(url);
      return void response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? { error: 'not found' }));
    }
    const path = normalize(url.pathname);
    const file = await readFile(join(dist, path)).catch(() => null);
    const type = file ? (TYPES[extname(path)] ?? 'application/octet-stream') : TYPES['.html'];
    response.writeHead(200, { 'content-type': type, 'content-security-policy': "default-src 'self'" });
    response.end(file ?? (await readFile(join(dist, 'index.html'))));
  } catch (error) {
    response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ error: String(error) }));
  }
});
server.on('upgrade', (request, socket) => {
  const up = net.connect(Number(upstream.port), upstream.hostname, () => {
    const lines = Object.entries(request.headers).filter(([name]) => name !== 'origin').map(([name, value]) => `${name}: ${value}`);
    up.write(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    up.pipe(socket).pipe(up);
  });
  for (const [one, other] of [[up, socket], [socket, up]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
});
server.listen(Number(options.port), () => console.log(`http://localhost:${options.port} in front of ${options.node}, escrow ${escrow}`));

await Promise.all([0, 1, 2].map(async (lane) => { for (let i = lane; i < PATHS.length; i += 3) await order(PATHS[i], 0).catch((error) => console.error(error.shortMessage ?? error)); }));
console.log(`${counter} orders are in place; more follow`);
for (let i = 0; Number(options.pace) > 0; i += 1) {
  await order(PATHS[i % PATHS.length], Number(options.pace)).catch((error) => console.error(error.shortMessage ?? error));
  await pause(Number(options.pace));
}
