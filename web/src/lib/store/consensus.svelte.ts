// The network as it decides: asked every second while somebody looks, and whatever a new block changes
// asked again with it.

import { fetchCertificate, fetchEvidence, fetchPeers, fetchStatus, fetchValidators, EVIDENCE_PAGE } from '../consensus/api';
import { isStalled, observe, type Happening, type Look } from '../consensus/journal';
import { matrix, type Matrix } from '../consensus/matrix';
import type { Certificate, Evidence, Peer, Status, Validators } from '../consensus/model';
import { mapLimited } from '../rpc/http';
import { network, type NetworkNode } from './network.svelte';

export const ROWS = 20;
const POLL_MS = 1_000;
const CALM_MS = 250; // at most four looks a second, however fast blocks come
const ANSWER_MS_MAX = 4_000;
const OTHERS_MS_MAX = 1_500; // another node that takes longer is one that does not answer
const REQUESTS_AT_ONCE = 6;
const HAPPENINGS_MAX = 12;
/** The own certificate of the newest block may gain signatures when its successor quotes another. */
const UNSETTLED = 1n;

export interface Told {
  readonly at: number; // unix milliseconds
  readonly happening: Happening;
}

let status = $state.raw<Status | null>(null);
let error = $state.raw<unknown>();
let heightSince = $state(0);
let validators = $state.raw<Validators | null>(null);
let certificates = $state.raw<readonly Certificate[]>([]); // newest first
let evidence = $state.raw<readonly Evidence[]>([]);
let peers = $state.raw<readonly Peer[] | null>(null);
/** What each node of a development network last said; `null` when it does not answer. */
let nodes = $state.raw<ReadonlyMap<string, Status | null>>(new Map());
let told = $state.raw<readonly Told[]>([]);
let picture = $derived<Matrix>(matrix(certificates, validators?.validators ?? []));
let stalled = $state(false);

let watchers = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let busy = false;
let wanted = false; // asked while busy
let lookedAt: bigint | null = null; // the head that everything below status is of
let before: Look | null = null;

const votes = (known: Status): boolean => known.engine === 'bft' || known.engine === 'pos';
const soon = (milliseconds: number): AbortSignal => AbortSignal.timeout(milliseconds);

async function certificatesUpTo(head: bigint): Promise<readonly Certificate[]> {
  const newest = certificates[0]?.number ?? null;
  const lowest = head >= BigInt(ROWS) ? head - BigInt(ROWS) + 1n : 1n;
  const from = newest === null || newest < lowest ? lowest : newest - UNSETTLED + 1n;
  const numbers: bigint[] = [];
  for (let number = head; number >= from && number >= lowest; number -= 1n) numbers.push(number);
  const fetched = await mapLimited(numbers, REQUESTS_AT_ONCE, (number) => fetchCertificate(number, soon(ANSWER_MS_MAX)));
  const byNumber = new Map(certificates.map((known) => [known.number, known]));
  for (const certificate of fetched) if (certificate !== null) byNumber.set(certificate.number, certificate);
  const shown = [...byNumber.values()].filter(({ number }) => number >= lowest && number <= head);
  return shown.sort((a, b) => (a.number < b.number ? 1 : -1));
}

async function newEvidence(): Promise<readonly Evidence[]> {
  let all = evidence;
  for (;;) {
    const page = await fetchEvidence(all.length, EVIDENCE_PAGE, soon(ANSWER_MS_MAX));
    if (page.length > 0) all = [...all, ...page];
    if (page.length < EVIDENCE_PAGE) return all;
  }
}

async function askNodes(own: Status, list: readonly NetworkNode[]): Promise<void> {
  const ask = (node: NetworkNode) => (node.validator !== null && node.validator === own.validator ? own : fetchStatus(soon(OTHERS_MS_MAX), node.rpc).catch(() => null));
  const answers = await Promise.all(list.map(ask));
  nodes = new Map(list.map((node, index) => [node.name, answers[index] ?? null]));
}

function note(known: Status): void {
  const after: Look = {
    head: known.head.number,
    validators: validators?.validators ?? [],
    matrix: picture,
    evidence,
    stalled,
    faults: new Map([...nodes].flatMap(([name, said]) => (said === null ? [] : [[name, said.fault] as const]))),
  };
  // A node that was silent for a moment has not ended its fault meanwhile.
  if (before !== null) for (const [name, fault] of before.faults) if (!after.faults.has(name)) (after.faults as Map<string, typeof fault>).set(name, fault);
  if (before !== null) {
    const at = Date.now();
    const fresh = observe(before, after).map((happening) => ({ at, happening }));
    if (fresh.length > 0) told = [...fresh.reverse(), ...told].slice(0, HAPPENINGS_MAX);
  }
  before = after;
}

async function look(): Promise<void> {
  const next = await fetchStatus(soon(ANSWER_MS_MAX));
  if (status === null || status.height !== next.height) heightSince = Date.now();
  status = next;
  const list = next.faults.length > 0 ? network.nodes : [];
  const others = list.length > 0 ? askNodes(next, list) : Promise.resolve();
  if (votes(next) && lookedAt !== next.head.number) {
    const [set, rows, proofs] = await Promise.all([fetchValidators('latest', soon(ANSWER_MS_MAX)), certificatesUpTo(next.head.number), newEvidence()]);
    validators = set;
    certificates = rows;
    evidence = proofs;
    lookedAt = next.head.number;
  }
  peers = await fetchPeers(soon(ANSWER_MS_MAX));
  await others;
  stalled = isStalled(next, Date.now() - heightSince);
  note(next);
}

async function refresh(): Promise<void> {
  clearTimeout(timer);
  if (busy) {
    wanted = true;
    return;
  }
  busy = true;
  try {
    for (;;) {
      wanted = false;
      await look();
      error = undefined;
      if (watchers === 0) break;
      await new Promise((resolve) => setTimeout(resolve, CALM_MS));
      if (!wanted) break;
    }
  } catch (failure) {
    error = failure; // what was known stays on the screen
  } finally {
    busy = false;
    clearTimeout(timer);
    if (watchers > 0) timer = setTimeout(tick, POLL_MS);
  }
}

function tick(): void {
  if (watchers === 0) return;
  if (document.hidden) timer = setTimeout(tick, POLL_MS);
  else void refresh();
}

export const consensus = {
  get status(): Status | null {
    return status;
  },
  /** Why the last look failed, if it did. */
  get error(): unknown {
    return error;
  },
  get validators(): Validators | null {
    return validators;
  },
  get certificates(): readonly Certificate[] {
    return certificates;
  },
  get matrix(): Matrix {
    return picture;
  },
  get evidence(): readonly Evidence[] {
    return evidence;
  },
  get peers(): readonly Peer[] | null {
    return peers;
  },
  get nodes(): ReadonlyMap<string, Status | null> {
    return nodes;
  },
  /** No block comes about though one is under way. */
  get stalled(): boolean {
    return stalled;
  },
  /** When the height that is being decided was first seen, in unix milliseconds. */
  get heightSince(): number {
    return heightSince;
  },
  /** What happened since the page was opened, newest first. */
  get told(): readonly Told[] {
    return told;
  },
  /** Looks again now, for example because a block has arrived. */
  refresh(): void {
    if (watchers > 0) void refresh();
  },
  /** Keeps looking until the returned function is called. */
  watch(): () => void {
    watchers += 1;
    void refresh();
    return () => {
      watchers -= 1;
      if (watchers === 0) {
        clearTimeout(timer);
        before = null; // what happens while nobody looks is not told as news
      }
    };
  },
};
