// Which chain signatures are for. The genesis hash is what the own node says; whoever wants to believe
// less than that compares it with their genesis file.

import { request } from '../rpc/http';
import { Field } from './read';
import type { Domain } from './signing';

let known: Promise<Domain> | null = null;

async function ask(): Promise<Domain> {
  const [chainId, genesis] = await Promise.all([request('eth_chainId'), request('eth_getBlockByNumber', ['0x0', false])]);
  return { chainId: new Field(chainId, 'chainId').count(), genesis: new Field(genesis, 'genesis').get('hash').hash() };
}

/** Asked once; after a failure, again. */
export function fetchDomain(): Promise<Domain> {
  known ??= ask().catch((error: unknown) => {
    known = null;
    throw error;
  });
  return known;
}
