// The ledger as the standard eth_ methods tell it, with hexadecimal turned into numbers once, here.

import { isPruned, mapLimited, Refused, request } from '../rpc/http';

type Hex = `0x${string}`;

export const REQUESTS_AT_ONCE = 6;

export interface Block {
  readonly number: bigint;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly timestamp: number;
  readonly transactions: readonly Hex[];
  readonly gasUsed: bigint;
  readonly gasLimit: bigint;
  readonly miner: Hex;
  readonly difficulty: bigint; // zero but under proof of work
  readonly size: bigint | null;
  readonly baseFeePerGas: bigint | null;
  readonly stateRoot: Hex;
  readonly transactionsRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly extraData: Hex;
}

export interface Transaction {
  readonly hash: Hex;
  readonly from: Hex;
  readonly to: Hex | null;
  readonly value: bigint;
  readonly input: Hex;
  readonly nonce: bigint;
  readonly gas: bigint;
  readonly gasPrice: bigint | null;
  readonly type: string;
  readonly blockNumber: bigint | null; // null: not in a block yet
  readonly blockHash: Hex | null;
  readonly index: number | null;
}

export interface Log {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly logIndex: number;
  readonly blockNumber: bigint;
  readonly transactionHash: Hex;
}

export interface Receipt {
  readonly success: boolean;
  readonly gasUsed: bigint;
  readonly effectiveGasPrice: bigint | null;
  readonly contractAddress: Hex | null;
  readonly logs: readonly Log[];
}

type Raw = Record<string, string | null | undefined>;

const optional = (value: string | null | undefined): bigint | null => (value == null ? null : BigInt(value));
const lower = (value: string | null | undefined): Hex => String(value).toLowerCase() as Hex;
const text = (value: string | null | undefined): Hex => (value ?? '0x') as Hex;

function readBlock(raw: Raw & { transactions: (string | { hash: string })[] }): Block {
  return {
    number: BigInt(raw['number'] as string),
    hash: lower(raw['hash']),
    parentHash: lower(raw['parentHash']),
    timestamp: Number(raw['timestamp']),
    transactions: raw.transactions.map((item) => lower(typeof item === 'string' ? item : item.hash)),
    gasUsed: BigInt(raw['gasUsed'] as string),
    gasLimit: BigInt(raw['gasLimit'] as string),
    miner: lower(raw['miner']),
    difficulty: BigInt(raw['difficulty'] ?? '0x0'),
    size: optional(raw['size']),
    baseFeePerGas: optional(raw['baseFeePerGas']),
    stateRoot: text(raw['stateRoot']),
    transactionsRoot: text(raw['transactionsRoot']),
    receiptsRoot: text(raw['receiptsRoot']),
    extraData: text(raw['extraData']),
  };
}

function readTransaction(raw: Raw): Transaction {
  return {
    hash: lower(raw['hash']),
    from: lower(raw['from']),
    to: raw['to'] ? lower(raw['to']) : null,
    value: BigInt(raw['value'] ?? '0x0'),
    input: text(raw['input']),
    nonce: BigInt(raw['nonce'] ?? '0x0'),
    gas: BigInt(raw['gas'] ?? '0x0'),
    gasPrice: optional(raw['gasPrice'] ?? raw['maxFeePerGas']),
    type: raw['type'] ?? '0x0',
    blockNumber: optional(raw['blockNumber']),
    blockHash: raw['blockHash'] ? lower(raw['blockHash']) : null,
    index: raw['transactionIndex'] == null ? null : Number(raw['transactionIndex']),
  };
}

function readLog(raw: Raw & { topics: Hex[] }): Log {
  return {
    address: lower(raw['address']),
    topics: raw.topics,
    data: text(raw['data']),
    logIndex: Number(raw['logIndex'] ?? 0),
    blockNumber: BigInt(raw['blockNumber'] ?? '0x0'),
    transactionHash: lower(raw['transactionHash']),
  };
}

const toHex = (value: bigint): Hex => `0x${value.toString(16)}`;

export async function fetchHeight(signal?: AbortSignal): Promise<bigint> {
  return BigInt(await request<string>('eth_blockNumber', [], signal));
}

/** `null` when there is no such block. */
export async function fetchBlock(id: bigint | Hex | 'latest', signal?: AbortSignal): Promise<Block | null> {
  const byHash = typeof id === 'string' && id !== 'latest';
  const raw = await request<(Raw & { transactions: string[] }) | null>(
    byHash ? 'eth_getBlockByHash' : 'eth_getBlockByNumber',
    [typeof id === 'bigint' ? toHex(id) : id, false],
    signal,
  );
  return raw === null ? null : readBlock(raw);
}

/** The blocks from `first` down to `last`, newest first; missing ones are left out. */
export async function fetchBlocks(first: bigint, last: bigint, signal?: AbortSignal): Promise<Block[]> {
  const numbers: bigint[] = [];
  for (let number = first; number >= last && number >= 0n; number -= 1n) numbers.push(number);
  const blocks = await mapLimited(numbers, REQUESTS_AT_ONCE, (number) => fetchBlock(number, signal));
  return blocks.filter((block) => block !== null);
}

export async function fetchTransaction(hash: Hex, signal?: AbortSignal): Promise<Transaction | null> {
  const raw = await request<Raw | null>('eth_getTransactionByHash', [hash], signal);
  return raw === null ? null : readTransaction(raw);
}

/** The same for lists, in which one that the node no longer keeps leaves its place. */
export async function fetchTransactionKept(hash: Hex, signal?: AbortSignal): Promise<Transaction | 'pruned' | null> {
  return fetchTransaction(hash, signal).catch((error: unknown) => {
    if (isPruned(error)) return 'pruned';
    throw error;
  });
}

export async function fetchReceipt(hash: Hex, signal?: AbortSignal): Promise<Receipt | null> {
  const raw = await request<(Raw & { logs: (Raw & { topics: Hex[] })[] }) | null>('eth_getTransactionReceipt', [hash], signal);
  if (raw === null) return null;
  return {
    success: raw['status'] === '0x1',
    gasUsed: BigInt(raw['gasUsed'] ?? '0x0'),
    effectiveGasPrice: optional(raw['effectiveGasPrice']),
    contractAddress: raw['contractAddress'] ? lower(raw['contractAddress']) : null,
    logs: raw.logs.map(readLog),
  };
}

/** `eth_call` on the latest state. */
export async function call(to: Hex, data: Hex, signal?: AbortSignal): Promise<Hex> {
  return request<Hex>('eth_call', [{ to, data }, 'latest'], signal);
}

export interface Account {
  readonly balance: bigint;
  readonly nonce: bigint;
  readonly codeBytes: number; // 0: not a contract
}

export async function fetchAccount(address: Hex, signal?: AbortSignal): Promise<Account> {
  const [balance, nonce, code] = await Promise.all([
    request<string>('eth_getBalance', [address, 'latest'], signal),
    request<string>('eth_getTransactionCount', [address, 'latest'], signal),
    request<string>('eth_getCode', [address, 'latest'], signal),
  ]);
  return { balance: BigInt(balance), nonce: BigInt(nonce), codeBytes: (code.length - 2) / 2 };
}

export async function fetchLogs(
  filter: { address: Hex; topics: (Hex | Hex[] | null)[]; from: bigint; to: bigint },
  signal?: AbortSignal,
): Promise<Log[]> {
  const raw = await request<(Raw & { topics: Hex[] })[]>(
    'eth_getLogs',
    [{ address: filter.address, topics: filter.topics, fromBlock: toHex(filter.from), toBlock: toHex(filter.to) }],
    signal,
  );
  return raw.map(readLog);
}

/** Asks the node to run the call again where it failed, for the bytes it reverts with. */
export async function fetchRefusal(transaction: Transaction, signal?: AbortSignal): Promise<Hex | null> {
  if (transaction.blockNumber === null || transaction.to === null) return null;
  const { from, to, input, value } = transaction;
  const parent = transaction.blockNumber === 0n ? 0n : transaction.blockNumber - 1n;
  try {
    await request('eth_call', [{ from, to, data: input, value: toHex(value) }, toHex(parent)], signal);
    return null; // it failed only in its place in the block, for example out of gas
  } catch (error) {
    const data = error instanceof Refused ? error.data : null;
    return typeof data === 'string' && /^0x([0-9a-f]{2})+$/i.test(data) ? (data as Hex) : null;
  }
}

/** Runs one request per item, a few at once, and joins what they return. */
export async function gather<In, Out>(items: readonly In[], work: (item: In) => Promise<readonly Out[]>): Promise<Out[]> {
  return (await mapLimited(items, REQUESTS_AT_ONCE, work)).flat();
}
