// Looks again when blocks come: not at each of them, for there may be many in a second, and not while the last look is
// still under way, for it would never end.

import { live } from './live.svelte';
import type { Resource } from './resource.svelte';

const PACE_MS = 1_500;

/** Keeps resources current; called when a component begins. */
export function follow(...resources: readonly Resource<unknown>[]): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;

  const look = (): void => {
    timer = undefined;
    if (resources.some(({ busy }) => busy)) {
      timer = setTimeout(look, PACE_MS);
      return;
    }
    last = Date.now();
    for (const resource of resources) resource.reload();
  };

  $effect(() => {
    if (live.head === null) return;
    timer ??= setTimeout(look, Math.max(0, last + PACE_MS - Date.now()));
  });
  $effect(() => () => clearTimeout(timer));
}
