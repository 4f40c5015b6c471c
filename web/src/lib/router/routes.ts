// Every address of the page, in both directions. Pure, so a test can walk through all of them.

import type { OrderState } from '../orders/model';
import { ORDER_STATES } from '../orders/model';

type Hex = `0x${string}`;

export type Route =
  | { page: 'home' }
  | { page: 'blocks'; before: bigint | null }
  | { page: 'transactions'; before: bigint | null }
  | { page: 'block'; id: bigint | Hex }
  | { page: 'transaction'; hash: Hex }
  | { page: 'account'; address: Hex }
  | { page: 'search'; query: string }
  | { page: 'orders'; state: OrderState | null; query: string }
  | { page: 'order'; id: Hex }
  | { page: 'network' }
  | { page: 'evidences' }
  | { page: 'evidence'; index: number }
  | { page: 'desk' }
  | { page: 'organization'; id: string }
  | { page: 'policies' }
  | { page: 'proposals' }
  | { page: 'proposal'; id: number }
  | { page: 'propose'; what: Change | null; subject: string }
  | { page: 'trail'; contract: string; organization: string; before: bigint | null }
  | { page: 'catalog' }
  | { page: 'consent'; organization: string; roles: number; until: bigint; certificate: Hex | null }
  | { page: 'unknown'; path: string };

/** What can be proposed with a form. */
export const CHANGES = ['admit', 'remove', 'roles', 'appoint', 'policy', 'access', 'guard', 'topic', 'upgrade', 'engine', 'adopt', 'lift'] as const;
export type Change = (typeof CHANGES)[number];

export type Page = Route['page'];

const HASH = /^0x[0-9a-f]{64}$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const HEIGHT = /^\d{1,19}$/;
const ORGANIZATION = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;
const INDEX = /^\d{1,9}$/;

export const isHash = (text: string): text is Hex => HASH.test(text);
export const isAddress = (text: string): text is Hex => ADDRESS.test(text);
export const isHeight = (text: string): boolean => HEIGHT.test(text);

function lower(hex: string): Hex {
  return hex.toLowerCase() as Hex;
}

function cursor(params: URLSearchParams): bigint | null {
  const before = params.get('before') ?? '';
  return isHeight(before) ? BigInt(before) : null;
}

/** The pages of the desk: what is asked for, and which one of it. */
function desk(what: string | undefined, which: string | undefined, params: URLSearchParams, unknown: Route): Route {
  if (which !== undefined) {
    if (what === 'organization' && ORGANIZATION.test(which)) return { page: 'organization', id: which };
    return what === 'proposal' && INDEX.test(which) ? { page: 'proposal', id: Number(which) } : unknown;
  }
  switch (what) {
    case undefined:
      return { page: 'desk' };
    case 'policies':
    case 'proposals':
      return { page: what };
    case 'propose':
      return { page: 'propose', what: CHANGES.find((known) => known === params.get('what')) ?? null, subject: params.get('subject') ?? '' };
    case 'trail':
      return { page: 'trail', contract: params.get('contract') ?? '', organization: params.get('organization') ?? '', before: cursor(params) };
    case 'data':
      return { page: 'catalog' };
    case 'consent': {
      const [organization, certificate, roles, until] = ['organization', 'certificate', 'roles', 'until'].map((name) => params.get(name) ?? '');
      if (!ORGANIZATION.test(organization ?? '') || !INDEX.test(roles ?? '')) return unknown;
      return {
        page: 'consent',
        organization: organization ?? '',
        roles: Number(roles),
        until: isHeight(until ?? '') ? BigInt(until ?? 0) : 0n,
        certificate: isHash(certificate ?? '') ? lower(certificate ?? '') : null,
      };
    }
    default:
      return unknown;
  }
}

export function parse(url: string): Route {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const unknown: Route = { page: 'unknown', path: pathname };
  const [head = '', argument, ...rest] = pathname.split('/').filter((part) => part !== '');
  if (head === 'desk') return rest.length > 1 ? unknown : desk(argument, rest[0], searchParams, unknown);
  if (rest.length > 0) return unknown;
  if (argument === undefined) {
    switch (head) {
      case '':
        return { page: 'home' };
      case 'blocks':
        return { page: 'blocks', before: cursor(searchParams) };
      case 'transactions':
        return { page: 'transactions', before: cursor(searchParams) };
      case 'search':
        return { page: 'search', query: searchParams.get('q') ?? '' };
      case 'orders': {
        const state = ORDER_STATES.find((known) => known === searchParams.get('state')) ?? null;
        return { page: 'orders', state, query: searchParams.get('q') ?? '' };
      }
      case 'network':
        return { page: 'network' };
      case 'evidence':
        return { page: 'evidences' };
      default:
        return unknown;
    }
  }
  switch (head) {
    case 'block':
      if (isHeight(argument)) return { page: 'block', id: BigInt(argument) };
      return isHash(argument) ? { page: 'block', id: lower(argument) } : unknown;
    case 'tx':
      return isHash(argument) ? { page: 'transaction', hash: lower(argument) } : unknown;
    case 'account':
      return isAddress(argument) ? { page: 'account', address: lower(argument) } : unknown;
    case 'order':
      return isHash(argument) ? { page: 'order', id: lower(argument) } : unknown;
    case 'evidence':
      return INDEX.test(argument) ? { page: 'evidence', index: Number(argument) } : unknown;
    default:
      return unknown;
  }
}

function withParams(path: string, params: Record<string, string | null>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== null && value !== '') search.set(name, value);
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function href(route: Route): string {
  switch (route.page) {
    case 'home':
      return '/';
    case 'blocks':
    case 'transactions':
      return withParams(`/${route.page}`, { before: route.before === null ? null : route.before.toString() });
    case 'block':
      return `/block/${route.id}`;
    case 'transaction':
      return `/tx/${route.hash}`;
    case 'account':
      return `/account/${route.address}`;
    case 'search':
      return withParams('/search', { q: route.query });
    case 'orders':
      return withParams('/orders', { state: route.state, q: route.query });
    case 'order':
      return `/order/${route.id}`;
    case 'network':
      return '/network';
    case 'evidences':
      return '/evidence';
    case 'evidence':
      return `/evidence/${route.index}`;
    case 'desk':
      return '/desk';
    case 'organization':
      return `/desk/organization/${route.id}`;
    case 'policies':
    case 'proposals':
      return `/desk/${route.page}`;
    case 'proposal':
      return `/desk/proposal/${route.id}`;
    case 'propose':
      return withParams('/desk/propose', { what: route.what, subject: route.subject });
    case 'trail':
      return withParams('/desk/trail', { contract: route.contract, organization: route.organization, before: route.before === null ? null : route.before.toString() });
    case 'catalog':
      return '/desk/data';
    case 'consent':
      return withParams('/desk/consent', {
        organization: route.organization,
        roles: String(route.roles),
        until: route.until === 0n ? null : route.until.toString(),
        certificate: route.certificate,
      });
    case 'unknown':
      return route.path;
  }
}
