// Faults that a development network lets a reader cause, and what will come of them. Pure.

import { quorum } from './quorum';
import type { Validators } from './model';

type Hex = `0x${string}`;

/** Faults that the page can explain; another one is offered under the name that the node gives it. */
export const FAULT_KINDS = ['pause', 'cut', 'equivocateVotes', 'equivocateProposals', 'silent', 'invalidBlocks', 'flood'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Offered at once; the others are one click further away. */
export const FIRST_KINDS = 3;

export const FAULT_SECONDS = [10, 30, 60, 120] as const;

export const known = (kind: string): FaultKind | null => FAULT_KINDS.find((fault) => fault === kind) ?? null;

/** Signing two things costs the seat for ever; anything else only for as long as it lasts. */
export const isLie = (kind: string): boolean => kind.startsWith('equivocate');

/** The most telling first, what the page does not know last. */
export function ordered(kinds: readonly string[]): string[] {
  const rank = (kind: string) => (known(kind) === null ? FAULT_KINDS.length : FAULT_KINDS.indexOf(kind as FaultKind));
  return [...kinds].sort((a, b) => rank(a) - rank(b));
}

export interface Forecast {
  readonly left: bigint; // votes of those who still work
  readonly total: bigint;
  readonly needed: bigint;
  readonly goesOn: boolean;
  /** After a lie: how many validators are left, and how many of them may fail. `null` otherwise. */
  readonly after: { readonly voters: number; readonly tolerated: number } | null;
}

/** What happens to the network if `address` fails too, while those in `failing` do already. */
export function forecast(set: Validators, address: Hex, kind: string, failing: ReadonlySet<string>): Forecast {
  const working = set.validators.filter((validator) => validator.address !== address && !failing.has(validator.address));
  const left = working.reduce((sum, { power }) => sum + power, 0n);
  const others = set.validators.filter((validator) => validator.address !== address);
  const total = others.reduce((sum, { power }) => sum + power, 0n);
  const rest = quorum({ ...set, validators: others, totalPower: total, quorumPower: (total * 2n) / 3n + 1n });
  return {
    left,
    total: set.totalPower,
    needed: set.quorumPower,
    goesOn: left >= set.quorumPower,
    after: isLie(kind) ? { voters: rest.voters, tolerated: rest.tolerated } : null,
  };
}
