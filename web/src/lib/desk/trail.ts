// The audit trail: every event of the contracts of the law, newest first, searched backwards piece by piece.

import { fetchBlock, fetchHeight, type Log } from '../explorer/chain';
import { readKept } from '../explorer/history';
import { mapLimited, request } from '../rpc/http';
import { describeEvent, type ContractAt, type Described } from './describe';
import { toWord, type Hex } from './words';

const SPAN_BLOCKS = 5_000n; // nodes answer eth_getLogs over a bounded range only
const EVENTS_WANTED = 60;
const SPANS_MAX = 8; // of one search; quiet years take several clicks
const BLOCKS_AT_ONCE = 6;

export interface Happening {
  readonly described: Described | null;
  readonly contract: Hex;
  readonly blockNumber: bigint;
  readonly logIndex: number;
  readonly transactionHash: Hex;
  readonly timestamp: number;
}

export interface Search {
  readonly contracts: readonly Hex[];
  readonly organization: string | null; // what is about this one, by the first topic
  readonly before: bigint | null; // block, from which on nothing is wanted
}

export interface Found {
  readonly list: readonly Happening[];
  readonly older: bigint | null; // where to go on; null: genesis is reached, or what this node keeps
  readonly since: bigint | null; // this node keeps nothing older
}

const toHex = (value: bigint): Hex => `0x${value.toString(16)}`;

export async function fetchTrail(search: Search, contractAt: ContractAt, signal?: AbortSignal): Promise<Found> {
  let last = search.before === null ? await fetchHeight(signal) : search.before - 1n;
  const logs: Log[] = [];
  let since: bigint | null = null;
  for (let span = 0; span < SPANS_MAX && last >= 0n && logs.length < EVENTS_WANTED; span += 1) {
    const first = last >= SPAN_BLOCKS ? last - SPAN_BLOCKS + 1n : 0n;
    const topics = search.organization === null ? [] : [null, toWord(search.organization)];
    const toBlock = toHex(last);
    const kept = await readKept(
      first,
      last,
      (from) => request<Record<string, string>[]>('eth_getLogs', [{ address: search.contracts, topics, fromBlock: toHex(from), toBlock }], signal),
      signal,
    );
    logs.push(
      ...(kept.got ?? [])
        .map((log) => ({
          address: String(log['address']).toLowerCase() as Hex,
          topics: log['topics'] as unknown as Hex[],
          data: (log['data'] ?? '0x') as Hex,
          logIndex: Number(log['logIndex']),
          blockNumber: BigInt(log['blockNumber'] ?? 0),
          transactionHash: log['transactionHash'] as Hex,
        }))
        .reverse(),
    );
    since = kept.since;
    last = since === null ? first - 1n : -1n;
  }
  const heights = [...new Set(logs.map(({ blockNumber }) => blockNumber))];
  const blocks = await mapLimited(heights, BLOCKS_AT_ONCE, (height) => fetchBlock(height, signal));
  const times = new Map(heights.map((height, index) => [height, blocks[index]?.timestamp ?? 0]));
  const list = logs.map((log) => ({
    described: describeEvent(log, contractAt),
    contract: log.address,
    blockNumber: log.blockNumber,
    logIndex: log.logIndex,
    transactionHash: log.transactionHash,
    timestamp: times.get(log.blockNumber) ?? 0,
  }));
  return { list, older: last >= 0n ? last + 1n : null, since };
}
