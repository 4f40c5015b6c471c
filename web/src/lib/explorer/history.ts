// What the node that is asked still keeps of the past, and how to ask for what it may have let go.

import { isPruned, requestAll } from '../rpc/http';

type Hex = `0x${string}`;

export interface History {
  /** Since this block all is there, of everything. */
  readonly whole: bigint;
  /** Below this block only headers, seals and proofs are left. */
  readonly below: bigint;
  /** The same of what concerns single contracts. */
  readonly contracts: ReadonlyMap<Hex, bigint>;
}

export async function fetchHistory(signal?: AbortSignal): Promise<History> {
  const [history, capabilities] = await requestAll<Record<string, unknown>>([['hanse_getHistory', []], ['eth_capabilities', []]], signal);
  const { below, contracts } = history as { below: string; contracts: Record<string, string> };
  const { tx } = capabilities as { tx: { oldestBlock: string } };
  return {
    whole: BigInt(tx.oldestBlock),
    below: BigInt(below),
    contracts: new Map(Object.entries(contracts).map(([address, height]) => [address.toLowerCase() as Hex, BigInt(height)])),
  };
}

/** What was read, and since which block, where the node no longer keeps all that was asked for. */
export interface Kept<T> {
  readonly got: T | null; // null: nothing of it is kept
  readonly since: bigint | null; // null: all is there
}

/** Reads something of blocks up to `to`; where the node has let some of them go, from where on it has all. */
export async function readKept<T>(from: bigint, to: bigint, read: (from: bigint) => Promise<T>, signal?: AbortSignal): Promise<Kept<T>> {
  try {
    return { got: await read(from), since: null };
  } catch (error) {
    if (!isPruned(error)) throw error;
    const { whole } = await fetchHistory(signal);
    return { got: whole > to ? null : await read(whole > from ? whole : from), since: whole };
  }
}
