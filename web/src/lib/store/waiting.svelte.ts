// How many proposals wait for who acts here, kept current at the price of next to nothing: the contracts tell by events
// when something has changed, and only then is anything asked. Loaded after the page, and only where there are members.

import type { Waiting } from '../desk/waiting';
import { acting, rememberActor } from './actor.svelte';
import { live } from './live.svelte';
import { network } from './network.svelte';

const CALM_MS = 400; // one block may hold several events
const PACE_MS = 15_000; // while no events come, because the socket is away

let found = $state.raw<Waiting | null>(null);

export const waiting = {
  get ids(): readonly number[] {
    return found?.ids ?? [];
  },
};

/** Follows the proposals for the account of now, until the returned function is called. */
function follow(): (() => void) | undefined {
  const { law } = network;
  const account = acting.actor?.address ?? null;
  found = null;
  if (law === null || account === null) return undefined;
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lookedAt = 0;
  const watch = import('../desk/waiting').then(({ Watch }) => new Watch(law, account));

  const look = async () => {
    timer = undefined;
    lookedAt = Date.now();
    try {
      const next = await (await watch).look(abort.signal);
      if (!abort.signal.aborted) found = next;
    } catch {
      // The node is away, or restarting: the next event or the next connection leads here again.
    }
  };
  const soon = () => {
    timer ??= setTimeout(look, CALM_MS);
  };

  const stops = [law.policies, law.members].map((address) => live.onLogs({ address, topics: [] }, soon));
  soon();
  $effect(() => {
    if (live.status === 'live') soon(); // whatever was missed
  });
  $effect(() => {
    const { head } = live;
    if (head === null) return;
    const isOver = found?.until != null && head >= found.until;
    if (isOver || (live.status !== 'live' && Date.now() - lookedAt > PACE_MS)) soon();
  });
  return () => {
    abort.abort();
    clearTimeout(timer);
    stops.forEach((stop) => stop());
  };
}

let isFollowing = false;

/** Begins; once is enough. */
export function followProposals(): void {
  if (isFollowing) return;
  isFollowing = true;
  $effect.root(() => {
    $effect(() => {
      if (network.known !== null) void rememberActor();
    });
    $effect(follow);
  });
}
