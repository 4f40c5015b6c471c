// ethers.js 6: provider, wallet, contract, events.
import assert from 'node:assert/strict';
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, parseEther } from 'ethers';
import { artifact, devKey } from './lib.mjs';

export async function ethersScript(checks, node) {
  const provider = new JsonRpcProvider(node.http, undefined, { pollingInterval: 50, cacheTimeout: -1 });
  const wallet = new NonceManager(new Wallet(devKey, provider));
  const { abi, bytecode } = artifact('Currency');
  const to = '0x000000000000000000000000000000000000bEEF';

  await checks.check('ethers knows the network and moves ether', async () => {
    assert.equal((await provider.getNetwork()).chainId, 1337n);
    const receipt = await (await wallet.sendTransaction({ to, value: parseEther('1') })).wait();
    assert.equal(receipt.status, 1);
    assert.equal(await provider.getBalance(to), parseEther('1'));
  });

  await checks.check('ethers deploys, calls, filters events and follows them over WebSocket', async () => {
    const address = await wallet.getAddress();
    const token = await new ContractFactory(abi, bytecode, wallet).deploy('Ethers pound', 'GBP', 2, address);
    await token.waitForDeployment();
    const socket = new WebSocketProvider(node.ws);
    const live = new Contract(await token.getAddress(), abi, socket);
    let seen;
    const event = new Promise((done) => (seen = done));
    await live.on('Transfer', (from, receiver, value) => seen({ receiver, value }));
    await (await token.issue(to, 7n)).wait();
    assert.equal(await token.balanceOf(to), 7n);
    assert.deepEqual(await event, { receiver: to, value: 7n });
    const past = await token.queryFilter(token.filters.Transfer());
    assert.equal(past.length, 1);
    await live.removeAllListeners();
    await socket.destroy();
  });

  await checks.check('ethers tells why a call reverts', async () => {
    const address = await wallet.getAddress();
    const token = await new ContractFactory(abi, bytecode, wallet).deploy('Other pound', 'GBP', 2, address);
    await token.waitForDeployment();
    const stranger = token.connect(provider);
    await assert.rejects(stranger.issue.staticCall(to, 1n, { from: to }), (error) => error.revert?.name === 'NotIssuer');
  });
  provider.destroy();
}
