// What changed between two looks at the network, as things that happened. Pure.

import type { Matrix } from './matrix';
import { AWAY_CERTIFICATES } from './matrix';
import type { ActiveFault, Evidence, Standing, Status, Validator } from './model';

type Hex = `0x${string}`;

export interface Look {
  readonly head: bigint;
  readonly validators: readonly Validator[];
  readonly matrix: Matrix;
  readonly evidence: readonly Evidence[];
  readonly stalled: boolean;
  /** By the name of each node that told. */
  readonly faults: ReadonlyMap<string, ActiveFault | null>;
}

export type Happening =
  | { what: 'fault'; node: string; kind: string; untilMs: number }
  | { what: 'fault-ended'; node: string; kind: string }
  | { what: 'away'; validator: Hex; block: bigint }
  | { what: 'back'; validator: Hex; block: bigint }
  | { what: 'removed'; validator: Hex; standing: Standing; block: bigint }
  | { what: 'returned'; validator: Hex; block: bigint }
  | { what: 'evidence'; index: number; accused: Hex; accuser: Hex; block: bigint }
  | { what: 'stalled'; block: bigint }
  | { what: 'resumed'; block: bigint };

/** Voting has stood at one height for a while: too few are there. */
export const STALLED_MS = 6_000;

/**
 * Between blocks a network that has nothing to write may wait on purpose, in the first round's first
 * step. Votes that wait for more votes, or round after round, are another matter.
 */
export function isStalled(status: Status, heightForMs: number): boolean {
  if (status.engine !== 'bft' && status.engine !== 'pos') return false;
  const voting = status.step === 'prevote' || status.step === 'precommit' || (status.step === 'propose' && status.round > 0);
  return voting && heightForMs >= STALLED_MS;
}

/** The lowest block of the run of certificates, up to the newest, that lack this signature. */
function awaySince(matrix: Matrix, column: number): bigint {
  let since = matrix.rows[0]?.certificate.number ?? 0n;
  for (const row of matrix.rows) {
    if (row.cells[column]?.mark !== 'away') break;
    since = row.certificate.number;
  }
  return since;
}

/** The first block with this signature after the last run without it. */
function backSince(matrix: Matrix, column: number): bigint | null {
  let first: bigint | null = null;
  for (const row of matrix.rows) {
    const mark = row.cells[column]?.mark;
    if (mark === 'away') break;
    if (mark === 'signed') first = row.certificate.number;
  }
  return first;
}

function absences(before: Look, after: Look): Happening[] {
  return after.matrix.columns.flatMap((column, index): Happening[] => {
    const earlier = before.matrix.columns.find(({ address }) => address === column.address);
    const voter = column.validator !== null && column.validator.power > 0n;
    if (earlier === undefined || !voter) return [];
    const wasAway = earlier.missing >= AWAY_CERTIFICATES;
    const isAway = column.missing >= AWAY_CERTIFICATES;
    if (!wasAway && isAway) return [{ what: 'away', validator: column.address, block: awaySince(after.matrix, index) }];
    // One signature is enough to be back. It may be in a block that was shown without it a moment ago.
    if (!wasAway || isAway) return [];
    const first = backSince(after.matrix, index);
    return first === null ? [] : [{ what: 'back', validator: column.address, block: first }];
  });
}

function standings(before: Look, after: Look): Happening[] {
  return after.validators.flatMap((validator): Happening[] => {
    const earlier = before.validators.find(({ address }) => address === validator.address);
    if (earlier === undefined || earlier.standing === validator.standing) return [];
    const what = validator.standing === 'active' ? ({ what: 'returned' } as const) : ({ what: 'removed', standing: validator.standing } as const);
    return [{ ...what, validator: validator.address, block: validator.since }];
  });
}

function faults(before: Look, after: Look): Happening[] {
  return [...after.faults].flatMap(([node, fault]): Happening[] => {
    const earlier = before.faults.get(node) ?? null;
    if (fault !== null && (earlier === null || earlier.kind !== fault.kind)) return [{ what: 'fault', node, kind: fault.kind, untilMs: fault.untilMs }];
    return fault === null && earlier !== null ? [{ what: 'fault-ended', node, kind: earlier.kind }] : [];
  });
}

/** In the order in which they are best told: what was caused, what came of it. */
export function observe(before: Look, after: Look): Happening[] {
  const proven = after.evidence
    .filter(({ index }) => !before.evidence.some((known) => known.index === index))
    .map(({ index, accused, accuser, acceptedIn }): Happening => ({ what: 'evidence', index, accused, accuser, block: acceptedIn }));
  const halted: Happening[] =
    before.stalled === after.stalled ? [] : [after.stalled ? { what: 'stalled', block: after.head } : { what: 'resumed', block: after.head }];
  return [...faults(before, after), ...halted, ...absences(before, after), ...proven, ...standings(before, after)];
}
