// viem: accounts, contracts, subscriptions over WebSocket, typed data, multicall-like batches, errors.
import assert from 'node:assert/strict';
import {
  BaseError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  getContract,
  http,
  parseEther,
  parseEventLogs,
  verifyTypedData,
  webSocket,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { artifact } from './lib.mjs';

const mnemonic = 'test test test test test test test test test test test junk';

/** A promise with its means of keeping it. */
function promised() {
  let keep;
  const promise = new Promise((done) => (keep = done));
  return { promise, keep };
}

export async function viemScript(checks, node) {
  const chain = {
    id: 1337,
    name: 'Hanse',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [node.http], webSocket: [node.ws] } },
  };
  const [bank, shopper] = [0, 3].map((addressIndex) => mnemonicToAccount(mnemonic, { addressIndex }));
  const client = createPublicClient({ chain, transport: http(undefined, { batch: true }) });
  const live = createPublicClient({ chain, transport: webSocket(node.ws) });
  const wallet = createWalletClient({ account: bank, chain, transport: http() });
  const { abi, bytecode } = artifact('Currency');
  let token;

  await checks.check('viem sends, waits, and sees the block arrive over WebSocket', async () => {
    const block = promised();
    const stop = live.watchBlocks({ onBlock: block.keep });
    await new Promise((done) => setTimeout(done, 300));
    const hash = await wallet.sendTransaction({ to: shopper.address, value: parseEther('2') });
    const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    assert.equal(receipt.status, 'success');
    assert.equal((await block.promise).number, receipt.blockNumber);
    stop();
  });

  await checks.check('viem deploys, writes, reads and watches events', async () => {
    const args = ['Viem pound', 'GBP', 2, bank.address];
    const deployed = await client.waitForTransactionReceipt({
      hash: await wallet.deployContract({ abi, bytecode, args }),
      pollingInterval: 50,
    });
    token = getContract({ address: deployed.contractAddress, abi, client: { public: client, wallet } });
    const seen = promised();
    const stop = live.watchContractEvent({ address: token.address, abi, eventName: 'Transfer', onLogs: seen.keep });
    await new Promise((done) => setTimeout(done, 300));
    const hash = await token.write.issue([shopper.address, 500n]);
    const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    const [event] = parseEventLogs({ abi, logs: receipt.logs, eventName: 'Transfer' });
    assert.equal(event.args.value, 500n);
    assert.equal((await seen.promise)[0].args.to, shopper.address);
    assert.equal(await token.read.balanceOf([shopper.address]), 500n);
    const before = await token.read.balanceOf([shopper.address], { blockNumber: receipt.blockNumber - 1n });
    assert.equal(before, 0n);
    stop();
  });

  await checks.check('viem decodes our custom errors', async () => {
    const stranger = token.simulate.issue([shopper.address, 1n], { account: shopper });
    await assert.rejects(stranger, (error) => error instanceof BaseError && /NotIssuer/.test(error.message));
  });

  await checks.check('viem signs a permit, and the contract takes it', async () => {
    const domain = { name: 'Viem pound', version: '1', chainId: 1337, verifyingContract: token.address };
    const field = (name, type) => ({ name, type });
    const types = {
      Permit: [field('owner', 'address'), field('spender', 'address'), field('value', 'uint256'), field('nonce', 'uint256'), field('deadline', 'uint256')],
    };
    const message = { owner: shopper.address, spender: bank.address, value: 40n, nonce: 0n, deadline: 2n ** 64n };
    const signature = await shopper.signTypedData({ domain, types, primaryType: 'Permit', message });
    assert.ok(await verifyTypedData({ address: shopper.address, domain, types, primaryType: 'Permit', message, signature }));
    const [r, s, v] = [signature.slice(0, 66), `0x${signature.slice(66, 130)}`, parseInt(signature.slice(130), 16)];
    const hash = await token.write.permit([shopper.address, bank.address, 40n, message.deadline, v, r, s]);
    await client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    assert.equal(await token.read.allowance([shopper.address, bank.address]), 40n);
  });

  await checks.check('viem reads fees, history, proofs, and simulates blocks', async () => {
    const fees = await client.estimateFeesPerGas();
    assert.ok(fees.maxFeePerGas > 0n);
    const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [50] });
    assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1);
    const proof = await client.getProof({ address: token.address, storageKeys: [] });
    assert.equal(proof.address.toLowerCase(), token.address.toLowerCase());
    const [block] = await client.simulateBlocks({
      blocks: [{ calls: [{ account: bank.address, to: shopper.address, value: 1n }] }],
    });
    assert.equal(block.calls[0].status, 'success');
  });

  await checks.check('viem asks for a block by hand (evm_mine)', async () => {
    const test = createTestClient({ mode: 'anvil', chain, transport: http() });
    const before = await client.getBlockNumber({ cacheTime: 0 });
    await test.request({ method: 'evm_mine', params: [] });
    assert.equal(await client.getBlockNumber({ cacheTime: 0 }), before + 1n);
  });

  const socket = await live.transport.getRpcClient?.();
  socket?.close?.();
}
