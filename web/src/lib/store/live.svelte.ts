// The ledger as it grows: the socket, the newest height, and the window of the last blocks.

import { fetchBlock, fetchBlocks, fetchHeight, type Block } from '../explorer/chain';
import { insert, orphan, rates, RATE_SECONDS, type Rates } from '../explorer/window';
import { RpcSocket, type SocketStatus, type Wire } from '../rpc/socket';

const FIRST_BLOCKS = 40n; // enough to draw the page
const BACKFILL_STEP = 40n; // then further back, until a minute is covered
const BACKFILL_BLOCKS_MAX = 400;
const CALM_MS = 250; // at most four redraws a second, however fast blocks come
const POLL_MS = 3_000; // while the socket is away, or has been silent for long
const SILENCE_MS = 10_000;
const REORG_DEPTH_MAX = 64;

let status = $state<SocketStatus>('connecting');
let everLive = $state(false);
let head = $state.raw<bigint | null>(null);
let blocks = $state.raw<readonly Block[]>([]);
let measured = $derived<Rates | null>(rates(blocks));

let watchers = 0;
let syncing = false;
let heardAt = 0; // when the socket last told of a block

const socket = new RpcSocket(
  () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`) as unknown as Wire,
  (next) => {
    status = next;
    if (next === 'live') {
      everLive = true;
      void poll(); // whatever was missed
    }
  },
);

function onHead(height: bigint): void {
  if (head === null || height > head) head = height;
  if (watchers > 0) void sync();
}

async function poll(): Promise<void> {
  try {
    onHead(await fetchHeight());
  } catch {
    // The node is away; the socket's status already says so.
  }
}

async function catchUp(goal: bigint): Promise<void> {
  const newest = blocks[0]?.number ?? null;
  const near = newest !== null && goal - newest <= FIRST_BLOCKS;
  const last = near ? newest + 1n : goal - FIRST_BLOCKS + 1n;
  let next = insert(near ? blocks : [], await fetchBlocks(goal, last > 0n ? last : 0n));
  // A block that its successor does not name was reorganized away: fetch its height again.
  for (let depth = 0, lost = orphan(next); lost !== null && depth < REORG_DEPTH_MAX; depth += 1, lost = orphan(next)) {
    const block = await fetchBlock(lost);
    if (block === null) break;
    next = insert(next, [block]);
  }
  blocks = next;
}

async function backfill(): Promise<boolean> {
  const newest = blocks[0];
  const oldest = blocks[blocks.length - 1];
  if (!newest || !oldest || oldest.number === 0n || blocks.length >= BACKFILL_BLOCKS_MAX) return false;
  if (newest.timestamp - oldest.timestamp > RATE_SECONDS) return false;
  const last = oldest.number - BACKFILL_STEP;
  const older = await fetchBlocks(oldest.number - 1n, last > 0n ? last : 0n);
  blocks = insert(blocks, older);
  return older.length > 0;
}

async function sync(): Promise<void> {
  if (syncing) return;
  syncing = true;
  try {
    let more = true;
    while (watchers > 0 && more) {
      const newest = blocks[0]?.number ?? -1n;
      if (head !== null && head > newest) await catchUp(head);
      else more = await backfill();
      await new Promise((resolve) => setTimeout(resolve, CALM_MS));
      more ||= head !== null && head > (blocks[0]?.number ?? -1n);
    }
  } catch {
    // The node went away in the middle; the next head or poll starts again.
  } finally {
    syncing = false;
  }
}

export const live = {
  get status(): SocketStatus {
    return status;
  },
  /** True when a connection that had worked is gone. */
  get dropped(): boolean {
    return everLive && status !== 'live';
  },
  /** The newest height, once known. */
  get head(): bigint | null {
    return head;
  },
  /** Newest first, without gaps; kept up to date while somebody watches. */
  get blocks(): readonly Block[] {
    return blocks;
  },
  get rates(): Rates | null {
    return measured;
  },
  /** Keeps `blocks` current until the returned function is called. */
  watch(): () => void {
    watchers += 1;
    if (head !== null) void sync();
    return () => {
      watchers -= 1;
    };
  },
  /** Calls back for every matching log as it is written. */
  onLogs(filter: { address: string; topics: (string | null)[] }, callback: () => void): () => void {
    return socket.subscribe(['logs', filter], callback);
  },
};

export function startLive(): void {
  socket.subscribe(['newHeads'], (result) => {
    const number = (result as { number?: string } | null)?.number;
    if (typeof number !== 'string') return;
    heardAt = Date.now();
    onHead(BigInt(number));
  });
  socket.start();
  void poll();
  setInterval(() => {
    if (!document.hidden && (status !== 'live' || Date.now() - heardAt > SILENCE_MS)) void poll();
  }, POLL_MS);
  addEventListener('online', () => socket.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) socket.retryNow();
  });
}
