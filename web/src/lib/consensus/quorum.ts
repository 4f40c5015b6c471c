// How many may fail before nothing is decided any more. Pure.

import type { Validator, Validators } from './model';

export interface Quorum {
  readonly voters: number;
  readonly equal: boolean; // every vote weighs the same
  /** The least number of voters that can decide: the heaviest ones. */
  readonly needed: number;
  /** So many may fail, whichever they are, and the rest still decides. */
  readonly tolerated: number;
}

/** Those with a vote, heaviest first, else in the order of the contract. */
export function voters(all: readonly Validator[]): Validator[] {
  return all.filter(({ power }) => power > 0n).sort((a, b) => (a.power === b.power ? 0 : a.power > b.power ? -1 : 1));
}

export function quorum(set: Validators): Quorum {
  const powers = voters(set.validators).map(({ power }) => power);
  const total = powers.reduce((sum, power) => sum + power, 0n);
  let gathered = 0n;
  const needed = powers.findIndex((power) => (gathered += power) >= set.quorumPower) + 1;
  // The worst case is that the heaviest fail.
  let left = total;
  let tolerated = 0;
  for (const power of powers) {
    left -= power;
    if (left < set.quorumPower) break;
    tolerated += 1;
  }
  return { voters: powers.length, equal: new Set(powers).size <= 1, needed, tolerated };
}

/** Whether these voters could decide alone. */
export function canDecide(set: Validators, present: (validator: Validator) => boolean): boolean {
  const power = set.validators.filter(present).reduce((sum, validator) => sum + validator.power, 0n);
  return power >= set.quorumPower;
}
