// What this browser trusts, kept between visits: the chain that the first visit found (or that somebody pasted),
// and the newest point that has been verified from there.

import { NotProven } from './error';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './read';

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const ANCHOR = 'hanse.light.anchor';
const NEWEST = 'hanse.light.newest';
const ORIGIN = 'hanse.light.origin';
const ESCROW = 'hanse.light.escrow';

/** How the browser came to trust: by its own node at the first visit, or by a checkpoint from somebody. */
export type Origin = 'first-visit' | 'pasted';

function load(store: Store, key: string): Checkpoint | null {
  const text = store.getItem(key);
  if (text === null) return null;
  try {
    return readCheckpoint(JSON.parse(text));
  } catch {
    return null; // not ours, or of an older version
  }
}

export class Trust {
  constructor(readonly store: Store) {}

  get anchor(): Checkpoint | null {
    return load(this.store, ANCHOR);
  }

  get origin(): Origin {
    return this.store.getItem(ORIGIN) === 'pasted' ? 'pasted' : 'first-visit';
  }

  /** Begins to trust, and forgets what was verified from elsewhere. */
  pin(point: Checkpoint, origin: Origin): void {
    this.store.setItem(ANCHOR, writeCheckpoint(point));
    this.store.setItem(ORIGIN, origin);
    this.store.removeItem(NEWEST);
  }

  forget(): void {
    for (const key of [ANCHOR, NEWEST, ORIGIN, ESCROW]) this.store.removeItem(key);
  }

  /** The first escrow that the node named is the one: another contract could hold whatever it likes. */
  requireEscrow(escrow: string): void {
    const pinned = this.store.getItem(ESCROW);
    if (pinned === null) this.store.setItem(ESCROW, escrow);
    else if (pinned !== escrow) throw new NotProven('trust', `the escrow was ${pinned}, the node names ${escrow} now`);
  }

  /** Keeps a point that was verified from the anchor. */
  advance(point: Checkpoint): void {
    const before = load(this.store, NEWEST) ?? this.anchor;
    if (before === null || point.number > before.number) this.store.setItem(NEWEST, writeCheckpoint(point));
  }

  /** The newest trusted point below a height; without a height, the newest. */
  startFor(height: bigint | null): Checkpoint {
    const anchor = this.anchor;
    if (anchor === null) throw new NotProven('trust', 'nothing is trusted yet');
    const newest = load(this.store, NEWEST);
    const fits = newest !== null && newest.genesis === anchor.genesis && (height === null || newest.number < height);
    return fits ? newest : anchor;
  }
}
