// Something fetched, with the states a page must draw: loading, there, or failed.

import { untrack } from 'svelte';
import { Unreachable } from '../rpc/http';

const RETRY_MS = 3_000;

export interface Resource<T> {
  readonly value: T | undefined; // the last good answer
  readonly error: unknown;
  readonly loading: boolean; // nothing to show yet
  readonly busy: boolean; // being fetched, for the first time or again; not a signal
  reload(): void;
}

/**
 * `plan` runs as an effect: what it reads decides when to fetch anew. It returns the key of what is
 * wanted (another key clears the old value) and how to fetch it.
 */
export function resource<T>(plan: () => readonly [key: string, load: (signal: AbortSignal) => Promise<T>]): Resource<T> {
  let value = $state.raw<T | undefined>();
  let error = $state.raw<unknown>();
  let loadedKey: string | null = null;
  let current: AbortController | null = null;
  let generation = $state(0);
  const again = () => untrack(() => (generation += 1)); // callers are often effects themselves

  $effect(() => {
    void generation;
    const [key, load] = plan();
    if (key !== loadedKey) {
      value = undefined;
      error = undefined;
      loadedKey = key;
    }
    const abort = new AbortController();
    current = abort;
    let retry: ReturnType<typeof setTimeout> | undefined;
    load(abort.signal).then(
      (loaded) => {
        if (abort.signal.aborted) return;
        current = null;
        value = loaded;
        error = undefined;
      },
      (failure: unknown) => {
        if (abort.signal.aborted) return;
        current = null;
        error = failure;
        if (failure instanceof Unreachable) retry = setTimeout(again, RETRY_MS);
      },
    );
    return () => {
      abort.abort();
      clearTimeout(retry);
    };
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
    get loading() {
      return value === undefined && error === undefined;
    },
    get busy() {
      return current !== null;
    },
    reload() {
      again();
    },
  };
}
