// What the members of a network on this machine decide together, by the accounts that act for them.
import assert from 'node:assert/strict';
import { createWalletClient, encodeFunctionData, http } from 'viem';
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { artifact, rpc, until } from './lib.mjs';

/** The well-known account that acts for each member. */
export const admins = Object.fromEntries(
  Object.entries({ brand: 1, retailer: 3, carrier: 2, bank: 0 }).map(([name, addressIndex]) => [
    name,
    mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex }),
  ]),
);

const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };

/** Writes to contracts through one node; `who` is an account or a private key. */
export function writer(who, url) {
  const chain = { id: 1337, name: 'hanse', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } };
  const account = typeof who === 'string' ? privateKeyToAccount(who) : who;
  const wallet = createWalletClient({ account, chain, transport: http(url) });
  return async (name, address, functionName, args = []) => {
    const hash = await wallet.writeContract({ address, abi: artifact(name).abi, functionName, args, gas: 2_000_000n, ...free });
    const receipt = await until(`the receipt of ${functionName}`, () => rpc(url, 'eth_getTransactionReceipt', [hash]));
    assert.equal(receipt.status, '0x1', `${functionName} failed`);
    return receipt;
  };
}

/** A call of a proposal. */
export const act = (name, target, functionName, args) => ({ target, data: encodeFunctionData({ abi: artifact(name).abi, functionName, args }) });

/** Proposes calls, has the other members named approve, and carries them out. Returns the last receipt. */
export async function decide(url, policies, calls, description, [first, ...others] = ['brand', 'retailer', 'carrier']) {
  const acts = (name) => writer(admins[name], url);
  const receipt = await acts(first)('Policies', policies, 'propose', [calls, description, 10_000n]);
  const id = BigInt(receipt.logs[0].topics[1]);
  for (const name of others) await acts(name)('Policies', policies, 'approve', [id]);
  return acts(first)('Policies', policies, 'execute', [id]);
}
