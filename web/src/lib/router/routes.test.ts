import { describe, expect, it } from 'vitest';
import { href, parse, type Route } from './routes';

const hash = `0x${'ab'.repeat(32)}` as const;
const address = `0x${'cd'.repeat(20)}` as const;

const routes: Route[] = [
  { page: 'home' },
  { page: 'blocks', before: null },
  { page: 'blocks', before: 1200n },
  { page: 'transactions', before: null },
  { page: 'transactions', before: 7n },
  { page: 'block', id: 0n },
  { page: 'block', id: 12345678901234n },
  { page: 'block', id: hash },
  { page: 'transaction', hash },
  { page: 'account', address },
  { page: 'search', query: 'a b&c=d?e#f/中文' },
  { page: 'orders', state: null, query: '' },
  { page: 'orders', state: 'Shipped', query: '' },
  { page: 'orders', state: 'Refunded', query: '4F3A-9C21' },
  { page: 'order', id: hash },
  { page: 'network' },
  { page: 'evidences' },
  { page: 'evidence', index: 0 },
  { page: 'evidence', index: 17 },
  { page: 'desk' },
  { page: 'organization', id: 'Baltic-Bank_2' },
  { page: 'policies' },
  { page: 'proposals' },
  { page: 'proposal', id: 0 },
  { page: 'propose', what: null, subject: '' },
  { page: 'propose', what: 'roles', subject: 'Brand' },
  { page: 'trail', contract: '', organization: '', before: null },
  { page: 'trail', contract: 'members', organization: 'Brand', before: 812n },
  { page: 'catalog' },
  { page: 'consent', organization: 'Brand', roles: 4, until: 0n, certificate: null },
  { page: 'consent', organization: 'Brand', roles: 0, until: 1_900_000_000n, certificate: hash },
];

describe('routes', () => {
  it.each(routes.map((route) => [href(route), route] as const))('%s survives the round trip', (path, route) => {
    expect(parse(path)).toEqual(route);
  });

  it('ignore letter case and a trailing slash', () => {
    expect(parse(`/tx/${hash.toUpperCase().replace('0X', '0x')}/`)).toEqual({ page: 'transaction', hash });
  });

  it.each(['/nothing', '/block', '/block/-1', '/block/1/2', '/tx/0x12', '/account/bob', `/order/${address}`, '/block/0x', '/network/1', '/evidence/x', '/evidence/-1', '/desk/x', '/desk/proposal/x', '/desk/organization/1st', '/desk/organization/A/B', '/desk/policies/1', '/desk/consent', '/desk/consent?organization=Brand&roles=-1'])(
    '%s is unknown',
    (path) => {
      expect(parse(path).page).toBe('unknown');
    },
  );

  it('drop a state that does not exist', () => {
    expect(parse('/orders?state=Lost')).toEqual({ page: 'orders', state: null, query: '' });
    expect(parse('/blocks?before=x')).toEqual({ page: 'blocks', before: null });
  });
});
