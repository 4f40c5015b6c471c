// The last blocks, newest first, without gaps: what the live page draws and counts. Pure.

import type { Block } from './chain';

export const WINDOW_BLOCKS_MAX = 600; // a minute of blocks at ten a second
export const RATE_SECONDS = 60;

/**
 * Puts blocks into the window. A block replaces another of the same height (a reorganization), and a
 * hole cuts off what lies below it: rates are only honest over consecutive blocks.
 */
export function insert(window: readonly Block[], blocks: readonly Block[]): Block[] {
  const byNumber = new Map<bigint, Block>();
  for (const block of [...window, ...blocks]) byNumber.set(block.number, block);
  const sorted = [...byNumber.values()].sort((a, b) => (a.number < b.number ? 1 : -1));
  const hole = sorted.findIndex((block, index) => index > 0 && (sorted[index - 1] as Block).number !== block.number + 1n);
  return (hole === -1 ? sorted : sorted.slice(0, hole)).slice(0, WINDOW_BLOCKS_MAX);
}

/** The height of the newest block whose successor does not name it as its parent: it was reorganized away. */
export function orphan(window: readonly Block[]): bigint | null {
  for (let index = 1; index < window.length; index += 1) {
    if ((window[index - 1] as Block).parentHash !== (window[index] as Block).hash) return (window[index] as Block).number;
  }
  return null;
}

export interface Rates {
  readonly transactionsPerSecond: number;
  readonly blockSeconds: number;
  readonly gasUsed: bigint;
  readonly gasLimit: bigint;
  readonly seconds: number; // the time this was measured over: a minute, or less on a young page
}

/** `null` until two blocks of different times are known. */
export function rates(window: readonly Block[]): Rates | null {
  const newest = window[0];
  if (newest === undefined) return null;
  const recent = window.filter((block) => newest.timestamp - block.timestamp <= RATE_SECONDS);
  const oldest = recent[recent.length - 1] as Block;
  const seconds = newest.timestamp - oldest.timestamp;
  if (seconds <= 0) return null;
  const counted = recent.slice(0, -1); // the oldest block only marks where time starts
  const sum = (part: (block: Block) => bigint) => counted.reduce((total, block) => total + part(block), 0n);
  return {
    transactionsPerSecond: counted.reduce((total, block) => total + block.transactions.length, 0) / seconds,
    blockSeconds: seconds / counted.length,
    gasUsed: sum((block) => block.gasUsed),
    gasLimit: sum((block) => block.gasLimit),
    seconds,
  };
}
