// The hanse_ methods about consensus, as calls.

import { Refused, request } from '../rpc/http';
import { readCertificate, readEvidence, readPeers, readStatus, readValidators, type Certificate, type Evidence, type Peer, type Status, type Validators } from './model';

type Hex = `0x${string}`;

const METHOD_NOT_FOUND = -32601;
export const EVIDENCE_PAGE = 100;

const toHex = (value: bigint | number): Hex => `0x${value.toString(16)}`;

/** `endpoint` is another node of the same network; none is the node that served this page. */
export async function fetchStatus(signal?: AbortSignal, endpoint?: string): Promise<Status> {
  return readStatus(await request('hanse_status', [], signal, endpoint));
}

/** Who decides the height after `block`. */
export async function fetchValidators(block: bigint | 'latest', signal?: AbortSignal): Promise<Validators> {
  return readValidators(await request('hanse_getValidators', [block === 'latest' ? block : toHex(block)], signal));
}

/** `null` for a block without one, and from a node that knows nothing of certificates. */
export async function fetchCertificate(block: bigint | Hex, signal?: AbortSignal): Promise<Certificate | null> {
  try {
    return readCertificate(await request('hanse_getCertificate', [typeof block === 'bigint' ? toHex(block) : block], signal));
  } catch (error) {
    if (error instanceof Refused && error.code === METHOD_NOT_FOUND) return null;
    throw error;
  }
}

export async function fetchEvidence(from = 0, limit = EVIDENCE_PAGE, signal?: AbortSignal): Promise<Evidence[]> {
  return readEvidence(await request('hanse_getEvidence', [toHex(from), toHex(limit)], signal));
}

/** All that was ever proven. There is one entry at most for each height and validator, so pages are few. */
export async function fetchAllEvidence(signal?: AbortSignal): Promise<Evidence[]> {
  const all: Evidence[] = [];
  for (;;) {
    const page = await fetchEvidence(all.length, EVIDENCE_PAGE, signal);
    all.push(...page);
    if (page.length < EVIDENCE_PAGE) return all;
  }
}

export async function fetchPeers(signal?: AbortSignal): Promise<Peer[]> {
  return readPeers(await request('hanse_getPeers', [], signal));
}

/** Makes a node of a development network misbehave for a while; `null` ends it. */
export async function setFault(endpoint: string, kind: string | null, milliseconds: number): Promise<void> {
  await request('hanse_setFault', [kind, toHex(milliseconds)], undefined, endpoint);
}
