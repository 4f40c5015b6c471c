// By which engine blocks are decided now: what a change of it begins with.

import { Field } from '../consensus/read';
import { request } from '../rpc/http';
import type { Hex } from './words';

/** Times of the engine in milliseconds (`IEngines.Timing`). */
export const TIMES = ['blockTimeMs', 'emptyBlockTimeMs', 'proposeTimeoutMs', 'voteTimeoutMs', 'timeoutStepMs'] as const;
export type Timing = Readonly<Record<(typeof TIMES)[number], number>>;

/** Engines that members may vote for, at the places that `IEngines.Kind` has. */
export const ENGINE_KINDS = ['none', 'bft', 'pos'] as const;
export type Kind = Exclude<(typeof ENGINE_KINDS)[number], 'none'>;

export interface EngineNow {
  readonly kind: Kind;
  readonly contract: Hex;
  readonly timing: Timing;
  /** Blocks between the vote and its effect, at least. */
  readonly notice: bigint;
  /** The block that is decided next. */
  readonly decides: bigint;
  /** The first block of a change that waits. */
  readonly waits: bigint | null;
}

/** `null` where nobody votes, or not about this. */
export function readEngine(value: unknown): EngineNow | null {
  const raw = new Field(value, 'engine');
  const notice = raw.get('votes').optional((votes) => votes.get('notice').quantity());
  const now = raw.get('now').optional((field) => {
    const kind = field.get('engine').text();
    if (kind !== 'bft' && kind !== 'pos') return null;
    const timing = Object.fromEntries(TIMES.map((name) => [name, field.get(name).count()])) as Record<(typeof TIMES)[number], number>;
    return { kind: kind as Kind, contract: field.get('contract').address(), timing };
  });
  if (notice === null || now === null) return null;
  const waits = raw.get('next').optional((next) => next.get('from').quantity());
  return { ...now, notice, decides: raw.get('decides').quantity(), waits };
}

export const fetchEngine = async (signal?: AbortSignal): Promise<EngineNow | null> => readEngine(await request('hanse_getEngine', [], signal));
