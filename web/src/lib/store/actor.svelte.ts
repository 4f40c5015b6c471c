// Who acts on the desk: the reader's own wallet, or on a development network one of the well-known accounts, whose
// keys everybody has. What is to be sent is tried first, so that a refusal costs nothing and says its reason.

import type { TypedDataDefinition } from 'viem';
import type { Call } from '../desk/read';
import { lower, type Hex } from '../desk/words';
import { fetchReceipt, fetchRefusal, fetchTransaction } from '../explorer/chain';
import { Refused, request } from '../rpc/http';
import { network } from './network.svelte';

/** What a wallet in the browser offers (EIP-1193). */
interface Wallet {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: never) => void): void;
}

/** The mnemonic of development chains, of Hanse as of other tools. It protects nothing. */
const MNEMONIC = 'test test test test test test test test test test test junk';
export const DEVELOPMENT_ACCOUNTS = 10;

const STORAGE_KEY = 'hanse.actor';
const RECEIPT_LOOKS = 240;
const RECEIPT_LOOK_MS = 250;
const GAS_EXTRA_PERCENT = 30n; // state may have moved between the estimate and the block

export type Actor = { readonly kind: 'wallet'; readonly address: Hex } | { readonly kind: 'development'; readonly address: Hex; readonly index: number };

let actor = $state.raw<Actor | null>(null);
let developers = $state.raw<readonly Hex[]>([]);

const walletOf = (): Wallet | null => (globalThis as { ethereum?: Wallet }).ethereum ?? null;

/** The node took it, and the ledger has it, but it failed there. */
export class Failed extends Error {
  constructor(
    readonly transactionHash: Hex,
    readonly data: Hex | null,
  ) {
    super('the transaction failed');
  }
}

export const toHex = (value: bigint | number): Hex => `0x${value.toString(16)}`;

async function developer(index: number) {
  const { mnemonicToAccount } = await import('viem/accounts');
  return mnemonicToAccount(MNEMONIC, { addressIndex: index });
}

/** Makes the well-known accounts known, where there are any; chooses the one of the last time. */
export async function loadDevelopers(): Promise<void> {
  if (network.known?.development !== true || developers.length > 0) return;
  const all: Hex[] = [];
  for (let index = 0; index < DEVELOPMENT_ACCOUNTS; index += 1) all.push(lower((await developer(index)).address));
  developers = all;
  const remembered = rememberedIndex();
  if (actor === null && remembered !== null && remembered in all) chooseDeveloper(remembered);
}

function rememberedIndex(): number | null {
  try {
    const index = sessionStorage.getItem(STORAGE_KEY);
    return index === null ? null : Number(index);
  } catch {
    return null; // storage may be forbidden; then nobody is remembered
  }
}

/** Whoever acted here before, as far as that is known without asking: in this tab, or of what a wallet has shown this page. */
export async function rememberActor(): Promise<void> {
  if (actor === null && rememberedIndex() !== null) await loadDevelopers();
  const wallet = walletOf();
  if (actor !== null || wallet === null) return;
  try {
    useAccounts(wallet, (await wallet.request({ method: 'eth_accounts' })) as string[]);
  } catch {
    // Then it is connected by hand.
  }
}

export function chooseDeveloper(index: number | null): void {
  const address = index === null ? undefined : developers[index];
  actor = address === undefined || index === null ? null : { kind: 'development', address, index };
  try {
    if (index === null) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, String(index));
  } catch {
    // As above.
  }
}

let isListening = false;

/** Asks the wallet in the browser for its account, on this chain. */
export async function connectWallet(): Promise<void> {
  const wallet = walletOf();
  if (wallet === null) throw new Error('no wallet');
  const accounts = (await wallet.request({ method: 'eth_requestAccounts' })) as string[];
  await useChain(wallet);
  useAccounts(wallet, accounts);
}

function useAccounts(wallet: Wallet, accounts: readonly string[]): void {
  actor = accounts[0] === undefined ? null : { kind: 'wallet', address: lower(accounts[0]) };
  if (isListening) return;
  isListening = true;
  wallet.on?.('accountsChanged', (changed: readonly string[]) => {
    if (actor?.kind !== 'wallet') return;
    actor = changed[0] === undefined ? null : { kind: 'wallet', address: lower(changed[0]) };
  });
}

async function useChain(wallet: Wallet): Promise<void> {
  const chainId = network.known?.chainId;
  if (chainId === undefined || Number(await wallet.request({ method: 'eth_chainId' })) === chainId) return;
  await wallet.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: toHex(chainId) }] });
}

export const acting = {
  get actor(): Actor | null {
    return actor;
  },
  /** The well-known accounts of a development network. */
  get developers(): readonly Hex[] {
    return developers;
  },
  get hasWallet(): boolean {
    return walletOf() !== null;
  },
};

/** What the contracts would say, without asking them to do it. Throws `Refused` with their reason. */
export async function attempt(from: Hex, call: Call): Promise<void> {
  await request('eth_call', [{ from, to: call.target, data: call.data }, 'latest']);
}

async function submit(who: Actor, call: Call): Promise<Hex> {
  const { address } = who;
  const fields = { from: address, to: call.target, data: call.data };
  const estimate = BigInt(await request<string>('eth_estimateGas', [fields]));
  const gas = estimate + (estimate * GAS_EXTRA_PERCENT) / 100n;
  if (who.kind === 'wallet') {
    const wallet = walletOf();
    if (wallet === null) throw new Error('no wallet');
    await useChain(wallet);
    return (await wallet.request({ method: 'eth_sendTransaction', params: [{ ...fields, gas: toHex(gas) }] })) as Hex;
  }
  const [nonce, price, account] = await Promise.all([
    request<string>('eth_getTransactionCount', [address, 'pending']),
    request<string>('eth_gasPrice'),
    developer(who.index),
  ]);
  const raw = await account.signTransaction({
    type: 'eip1559',
    chainId: network.known?.chainId ?? 0,
    nonce: Number(nonce),
    to: call.target,
    data: call.data,
    gas,
    maxFeePerGas: BigInt(price) * 2n,
    maxPriorityFeePerGas: 0n,
  });
  return request<Hex>('eth_sendRawTransaction', [raw]);
}

/** Does it: tries, signs, sends, and waits until it is in a block. */
export async function send(call: Call): Promise<Hex> {
  if (actor === null) throw new Error('nobody acts');
  await attempt(actor.address, call);
  const hash = await submit(actor, call);
  for (let look = 0; look < RECEIPT_LOOKS; look += 1) {
    const receipt = await fetchReceipt(hash);
    if (receipt?.success === true) return hash;
    if (receipt !== null) {
      const transaction = await fetchTransaction(hash);
      throw new Failed(hash, transaction === null ? null : await fetchRefusal(transaction));
    }
    await new Promise((resolve) => setTimeout(resolve, RECEIPT_LOOK_MS));
  }
  throw new Refused(0, `${hash} is in no block yet`);
}

/** The actor's signature of something (EIP-712). */
export async function sign(data: TypedDataDefinition): Promise<Hex> {
  if (actor === null) throw new Error('nobody acts');
  if (actor.kind === 'development') return (await developer(actor.index)).signTypedData(data);
  const wallet = walletOf();
  if (wallet === null) throw new Error('no wallet');
  const { getTypesForEIP712Domain, serializeTypedData } = await import('viem');
  // A domain whose fields are not among the types would be left out of what is signed.
  const whole = { ...data, types: { EIP712Domain: getTypesForEIP712Domain({ domain: data.domain ?? {} }), ...data.types } };
  return (await wallet.request({ method: 'eth_signTypedData_v4', params: [actor.address, serializeTypedData(whole as never)] })) as Hex;
}

/** On a development network, the signature of another well-known account; `null` for any other. */
export async function signAsDeveloper(address: Hex, data: TypedDataDefinition): Promise<Hex | null> {
  const index = developers.indexOf(lower(address));
  return index < 0 ? null : (await developer(index)).signTypedData(data);
}
