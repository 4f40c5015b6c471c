// What somebody may have typed into the search box, and where it leads.

import { fetchOrder } from '../orders/api';
import type { Route } from '../router/routes';
import { isAddress, isHash } from '../router/routes';
import { fetchBlock, fetchHeight, fetchTransaction } from './chain';

type Hex = `0x${string}`;

export type Query =
  | { kind: 'empty' }
  | { kind: 'height'; height: bigint }
  | { kind: 'hash'; hash: Hex }
  | { kind: 'address'; address: Hex }
  | { kind: 'order-number'; text: string }
  | { kind: 'name'; text: string };

export function classify(input: string): Query {
  const text = input.trim();
  if (text === '') return { kind: 'empty' };
  const digits = text.replace(/^#/, '').replace(/[\s,_']/g, '');
  if (/^\d{1,19}$/.test(digits)) return { kind: 'height', height: BigInt(digits) };
  const hex = text.replace(/\s/g, '').replace(/^0X/, '0x');
  if (isHash(hex)) return { kind: 'hash', hash: hex.toLowerCase() as Hex };
  if (isHash(`0x${hex}`)) return { kind: 'hash', hash: `0x${hex}`.toLowerCase() as Hex };
  if (isAddress(hex)) return { kind: 'address', address: hex.toLowerCase() as Hex };
  if (isAddress(`0x${hex}`)) return { kind: 'address', address: `0x${hex}`.toLowerCase() as Hex };
  if (/^[0-9a-f]{4}-[0-9a-f]{4}$/i.test(hex)) return { kind: 'order-number', text: hex };
  return { kind: 'name', text };
}

/** Order numbers and names as the order list of the node understands them: the start of an id, or an address. */
export function orderQuery(input: string, addressOf: (name: string) => Hex | null): string {
  const query = classify(input);
  if (query.kind === 'order-number') return `0x${query.text.replace('-', '').toLowerCase()}`;
  if (query.kind === 'name') return addressOf(query.text) ?? query.text;
  if (query.kind === 'hash') return query.hash;
  if (query.kind === 'address') return query.address;
  return input.trim();
}

export type Found = { route: Route } | { nothing: 'height'; tip: bigint } | { nothing: 'hash' | 'name' | 'empty' };

export async function find(input: string, addressOf: (name: string) => Hex | null, signal?: AbortSignal): Promise<Found> {
  const query = classify(input);
  switch (query.kind) {
    case 'empty':
      return { nothing: 'empty' };
    case 'height': {
      const tip = await fetchHeight(signal);
      return query.height <= tip ? { route: { page: 'block', id: query.height } } : { nothing: 'height', tip };
    }
    case 'address':
      return { route: { page: 'account', address: query.address } };
    case 'order-number':
      return { route: { page: 'orders', state: null, query: query.text } };
    case 'hash': {
      const [transaction, block] = await Promise.all([fetchTransaction(query.hash, signal), fetchBlock(query.hash, signal)]);
      if (transaction) return { route: { page: 'transaction', hash: query.hash } };
      if (block) return { route: { page: 'block', id: query.hash } };
      if (await fetchOrder(query.hash, signal)) return { route: { page: 'order', id: query.hash } };
      return { nothing: 'hash' };
    }
    case 'name': {
      const address = addressOf(query.text);
      return address === null ? { nothing: 'name' } : { route: { page: 'account', address } };
    }
  }
}
