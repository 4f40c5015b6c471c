// Contracts of a running network get other code by vote: compiled here, compared with what the old code stores, deployed,
// approved, and in force at its block on every node, also on one that was off. What was before stays what it was; and code that
// would stop the network does not come.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalletClient, encodeFunctionData, http, keccak256, parseAbi, toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { Desk, number, order } from './desk.mjs';
import { artifact, root, rpc, until } from './lib.mjs';
import { names, within } from './network.mjs';

const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
const contracts = join(root, 'contracts');
/** Our own artifact of a contract, as a file. */
const own = (name) => join(contracts, 'artifacts', `${name}.json`);

/** Contracts with something more, an escrow that has mislaid its orders, and something that is no contract of the law at all. */
const SOURCES = {
  'next/EscrowNext.sol': `// SPDX-License-Identifier: Apache-2.0 OR MIT
    pragma solidity ^0.8.30;
    import {Escrow} from "src/orders/Escrow.sol";
    contract EscrowNext is Escrow {
        address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
        error NotSystem();
        uint256 public edition;
        function migrate(uint256 edition_) external {
            if (msg.sender != SYSTEM) revert NotSystem();
            edition = edition_;
        }
    }`,
  'next/Mislaid.sol': `// SPDX-License-Identifier: Apache-2.0 OR MIT
    pragma solidity ^0.8.30;
    import {Escrow} from "src/orders/Escrow.sol";
    abstract contract First { uint256 public edition; }
    contract Mislaid is First, Escrow {}`,
  'next/RegistryNext.sol': `// SPDX-License-Identifier: Apache-2.0 OR MIT
    pragma solidity ^0.8.30;
    import {ValidatorRegistry} from "src/consensus/ValidatorRegistry.sol";
    contract RegistryNext is ValidatorRegistry {
        uint256 public constant edition = 2;
        constructor(address[] memory accounts, string[] memory names, address governor_)
            ValidatorRegistry(accounts, names, 100, 50, 30, 20, 100_000, governor_) {}
    }`,
  'next/MembersNext.sol': `// SPDX-License-Identifier: Apache-2.0 OR MIT
    pragma solidity ^0.8.30;
    import {Members} from "src/membership/Members.sol";
    contract MembersNext is Members {
        uint256 public constant edition = 2;
        constructor(address governor_) Members(governor_, new Founder[](0)) {}
    }`,
  'next/Junk.sol': `// SPDX-License-Identifier: Apache-2.0 OR MIT
    pragma solidity ^0.8.30;
    contract Junk { uint256 public size = 1; }`,
};
const nextAbi = parseAbi(['function edition() view returns (uint256)', 'function migrate(uint256)']);
const edition = encodeFunctionData({ abi: nextAbi, functionName: 'edition' });

/** Compiles them with the compiler and the settings of our own contracts, but short rather than fast. */
function compile() {
  const { name: _name, version: _version, ...settings } = artifact('Escrow').compiler;
  settings.optimizer.runs = 1;
  const wanted = { '*': ['evm.bytecode.object', 'evm.deployedBytecode', 'storageLayout'] };
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(SOURCES).map(([name, content]) => [name, { content }])),
    settings: { ...settings, outputSelection: Object.fromEntries(Object.keys(SOURCES).map((name) => [name, wanted])) },
  };
  const places = ['--standard-json', '--base-path', contracts, '--include-path', join(contracts, 'node_modules')];
  const output = execFileSync(join(contracts, 'bin', 'solc'), places, { input: JSON.stringify(input), maxBuffer: 1 << 28 }).toString();
  const { errors = [], contracts: built } = JSON.parse(output);
  assert.deepEqual(errors.filter(({ severity }) => severity === 'error'), []);
  const code = (name) => `0x${built[`next/${name}.sol`][name].evm.bytecode.object}`;
  return { output, code };
}

/** A member at work, with the network it works on. */
class Site {
  constructor(desk, network) {
    Object.assign(this, { desk, network, url: desk.url });
    const chain = { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [desk.url] } } };
    this.wallet = createWalletClient({ account: privateKeyToAccount(desk.keys.Brand.key), chain, transport: http(desk.url) });
  }

  async done(hash) {
    const receipt = await until(`the receipt of ${hash}`, () => rpc(this.url, 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1');
    return receipt;
  }

  /** `types` and `args`: what the constructor takes. */
  async deploy(bytecode, types = '', args = []) {
    const abi = parseAbi([`constructor(${types})`]);
    const { contractAddress } = await this.done(await this.wallet.deployContract({ abi, bytecode, args, gas: 12_000_000n, ...free }));
    return contractAddress;
  }

  /** Proposed, approved and carried out by the command line. */
  async decide(...what) {
    const told = await this.desk.as('Brand', 'proposal', 'new', ...what);
    for (const name of ['Carrier', 'Bank']) await this.desk.as(name, 'proposal', 'approve', number(told));
    const shown = await this.desk.hanse('proposal', 'show', number(told));
    await this.desk.as('Brand', 'proposal', 'execute', number(told));
    return shown;
  }

  /** Transactions, so that there are blocks. */
  async goOn(height) {
    while (Number(await rpc(this.url, 'eth_blockNumber')) < height) {
      await this.done(await this.wallet.sendTransaction({ to: this.wallet.account.address, value: 1n, gas: 21_000n, ...free }));
    }
  }

  async list() {
    return this.desk.json('upgrade', 'list');
  }
}

const block = (height) => toHex(height);

/** What a node says of the escrow before and after. */
async function asked(url, escrow, from, id) {
  const call = (data, height) => rpc(url, 'eth_call', [{ to: escrow, data }, block(height)]);
  const abi = artifact('IEscrow').abi;
  const kept = encodeFunctionData({ abi, functionName: 'order', args: [id] });
  await assert.rejects(call(edition, from - 1), /reverted/, 'the old code has no such method');
  return {
    before: keccak256(await rpc(url, 'eth_getCode', [escrow, block(from - 1)])),
    after: keccak256(await rpc(url, 'eth_getCode', [escrow, block(from)])),
    edition: BigInt(await call(edition, from)),
    orders: [await call(kept, from - 1), await call(kept, from)],
    hash: (await rpc(url, 'eth_getBlockByNumber', [block(from), false])).hash,
  };
}

/** The escrow gets a method, a variable, and a migration, while one node is off. */
async function replaced(site, { output, code }, id) {
  const { desk, network } = site;
  const { escrow } = network.settings.contracts;
  const built = desk.file('next.json', output);
  assert.match(await desk.hanse('upgrade', 'check', own('Escrow'), `${built}:EscrowNext`), /added +edition \(uint256\) at slot 4/);
  await desk.refused(/would lose or mistake what is stored/, undefined, 'upgrade', 'check', own('Escrow'), `${built}:Mislaid`);

  const source = await site.deploy(code('EscrowNext'));
  assert.match(await desk.hanse('upgrade', 'code', own('Escrow'), 'escrow'), /has this code; its hash is 0x\w{64}$/);
  assert.match(await desk.hanse('upgrade', 'code', `${built}:EscrowNext`, source), /has this code/);
  await desk.refused(/has another code: it differs from byte \d+ on/, undefined, 'upgrade', 'code', `${built}:EscrowNext`, 'escrow');
  const from = (await network.height('retailer')) + 12;
  const migration = encodeFunctionData({ abi: nextAbi, functionName: 'migrate', args: [2n] });
  const shown = await site.decide('upgrade', 'escrow', '--source', source, '--from-block', from, '--migration', migration);
  assert.match(shown, new RegExp(`would replace the code of escrow \\(0x\\w{64}\\) by that of ${source} \\(0x\\w{64}\\) from block ${from} on, and call it once with ${migration}`, 'i'));
  assert.match(shown, /needs the policy upgrades: MAJORITY\(admin\)/);
  assert.deepEqual((await site.list()).map(({ status, fromBlock }) => [status, fromBlock]), [['waiting', from]]);
  assert.ok((await network.height('retailer')) < from - 1, 'all that happened before the block of the upgrade');

  await network.kill('bank');
  await site.goOn(from + 2);
  const online = names.filter((name) => name !== 'bank');
  const said = [];
  for (const name of online) {
    await until(`${name} past the upgrade`, async () => (await network.height(name)) >= from);
    said.push(await asked(network.url(name), escrow, from, id));
  }
  await network.revive('bank');
  await until('the bank past the upgrade', async () => (await network.height('bank')) >= from, 60);
  said.push(await asked(network.url('bank'), escrow, from, id));
  for (const one of said) assert.deepEqual(one, said[0]);
  const [{ before, after, edition: found, orders }] = said;
  assert.equal(found, 2n, 'migrated');
  assert.equal(orders[0], orders[1], 'the order is as it was');
  assert.equal(before, keccak256(artifact('Escrow').deployedBytecode));
  assert.equal(after, keccak256(await rpc(site.url, 'eth_getCode', [source, 'latest'])));
  const [applied] = await site.list();
  assert.deepEqual([applied.status, applied.settledIn, applied.failure], ['applied', from, null]);
  // History that is asked for now runs on the code of its time.
  const { receipt, traces } = await traced(site, id);
  assert.equal(receipt.status, '0x1');
  assert.ok(traces.every(({ result }) => result.error === undefined), JSON.stringify(traces));
  // And business goes on.
  const ship = { address: escrow, abi: artifact('IEscrow').abi, functionName: 'ship', args: [id, keccak256(toHex('a parcel'))] };
  await site.done(await site.wallet.writeContract({ ...ship, gas: 500_000n, ...free }));
  return from;
}

/** The block in which the order was paid, traced after the escrow has other code. */
async function traced(site, id) {
  const { escrow } = site.network.settings.contracts;
  const [log] = await rpc(site.url, 'eth_getLogs', [{ address: escrow, fromBlock: '0x0', toBlock: 'latest', topics: [null, id] }]);
  const receipt = await rpc(site.url, 'eth_getTransactionReceipt', [log.transactionHash]);
  const traces = await rpc(site.url, 'debug_traceBlockByNumber', [log.blockNumber, { tracer: 'callTracer' }]);
  return { receipt, traces };
}

/** The contracts that nodes themselves ask, both in one proposal: who is a member, and who votes on blocks. */
async function law(site, { output, code }) {
  const { desk, network } = site;
  const { members, policies } = network.settings.contracts.membership;
  const registry = network.settings.consensus.contract;
  const built = desk.file('next.json', output);
  await desk.hanse('upgrade', 'check', own('Members'), `${built}:MembersNext`);
  await desk.hanse('upgrade', 'check', own('ValidatorRegistry'), `${built}:RegistryNext`);
  const before = { validators: await rpc(site.url, 'hanse_getValidators'), organizations: await desk.json('org', 'list') };
  const sources = {
    members: await site.deploy(code('MembersNext'), 'address governor_', [policies]),
    validators: await site.deploy(code('RegistryNext'), 'address[] accounts, string[] names, address governor_', [[members], ['nobody'], policies]),
  };
  const immutable = new RegExp(`immutable at byte \\d+: 0x0{24}${policies.slice(2)}`, 'i');
  assert.match(await desk.hanse('upgrade', 'code', `${built}:MembersNext`, sources.members), immutable);
  const calls = [];
  for (const [name, source] of Object.entries(sources)) calls.push(await desk.as('Brand', 'proposal', 'new', 'upgrade', name, '--source', source, '--print'));
  await site.decide('calls', desk.file('calls.json', calls.join('\n')), '--description', 'the law has its second edition');
  await site.goOn((await network.height('retailer')) + 6);

  for (const name of names) {
    for (const to of [members, registry]) assert.equal(BigInt(await rpc(network.url(name), 'eth_call', [{ to, data: edition }, 'latest'])), 2n, name);
  }
  assert.deepEqual(await desk.json('org', 'list'), before.organizations);
  const seats = ({ validators }) => validators.map(({ address, power, name }) => ({ address, power, name }));
  assert.deepEqual(seats(await rpc(site.url, 'hanse_getValidators')), seats(before.validators));
  // All four go on to vote, and whoever is no member may still send nothing.
  await until('the signatures of all', async () => {
    await site.goOn((await network.height('retailer')) + 1);
    const { number: tip } = await rpc(site.url, 'hanse_getCheckpoint', ['finalized']);
    const certificate = JSON.stringify(await rpc(site.url, 'hanse_getCertificate', [block(Number(tip) - 1)])).toLowerCase();
    return seats(before.validators).every(({ address }) => certificate.includes(address.toLowerCase()));
  });
  const stranger = privateKeyToAccount(generatePrivateKey());
  const raw = await stranger.signTransaction({ chainId: 1337, type: 'eip1559', to: members, value: 0n, gas: 21_000n, maxFeePerGas: 0n, nonce: 0 });
  await assert.rejects(rpc(site.url, 'eth_sendRawTransaction', [raw]), /may not send transactions: that needs '\*\.member'/);
}

/** What would stop the network, was not agreed to, or was called off. */
async function refused(site, { code }) {
  const { desk, network } = site;
  const junk = await site.deploy(code('Junk'));
  const registry = network.settings.consensus.contract;
  const before = await rpc(site.url, 'eth_getCode', [registry, 'latest']);
  await site.decide('upgrade', 'validators', '--source', junk);
  await site.goOn((await network.height('retailer')) + 3);
  const failed = (await site.list())[3];
  assert.equal(failed.status, 'failed');
  assert.match(failed.failure, /would not have answered its nodes any more: .*validators of the contract of validators/);
  assert.equal(await rpc(site.url, 'eth_getCode', [registry, 'latest']), before);
  assert.match(await desk.hanse('upgrade', 'list'), /3 failed .*validators: 0x/);

  // A member's own contract is not the network's.
  const mine = await site.deploy(code('Junk'));
  const told = await desk.as('Brand', 'proposal', 'new', 'upgrade', mine, '--source', network.settings.contracts.escrow);
  assert.match(told, /alone would fail: 0x\w+ never agreed that the network may replace its code/);
  for (const name of ['Carrier', 'Bank']) await desk.as(name, 'proposal', 'approve', number(told));
  await desk.refused(/call 0 of the proposal fails: 0x\w+ never agreed/, 'Brand', 'proposal', 'execute', number(told));
  await desk.refused(/has no code/, 'Brand', 'proposal', 'new', 'upgrade', 'escrow', '--source', desk.keys.Brand.address);

  await site.decide('upgrade', 'catalog', '--source', junk, '--from-block', 1_000_000);
  assert.match(await site.decide('cancel-upgrade', 4), /would call off upgrade 4/);
  assert.equal((await site.list())[4].status, 'cancelled');
}

export async function upgrades(checks) {
  await checks.check('contracts get other code by vote: at their block, on every node, with their storage and their history', async () => {
    const built = compile();
    await within('bft', async (network) => {
      const folder = mkdtempSync(join(tmpdir(), 'hanse-upgrades-'));
      try {
        const desk = new Desk(folder, network.url('retailer'));
        await desk.prepare();
        const { id } = await order(desk, network.web('retailer'));
        const site = new Site(desk, network);
        const from = await replaced(site, built, id);
        await law(site, built);
        await refused(site, built);
        console.log(`      the escrow had other code from block ${from} on; one node was off then and has it too`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, { more: ['--closed'] });
  });
}
