import { describe, expect, it } from 'vitest';
import { readNetwork } from './network.svelte';

describe('readNetwork', () => {
  it('takes what the node tells, with addresses in lower case', () => {
    const network = readNetwork({
      name: 'Baltic',
      chainId: 7001,
      escrow: `0x${'Ab'.repeat(20)}`,
      deployedAt: 12,
      currencies: [{ code: 'GBP', address: `0x${'CD'.repeat(20)}`, decimals: 2 }],
      parties: [{ address: `0x${'EF'.repeat(20)}`, name: 'Harbour Bank', role: 'bank' }],
    });
    expect(network.escrow).toBe(`0x${'ab'.repeat(20)}`);
    expect(network.deployedAt).toBe(12n);
    expect(network.currencies).toEqual([{ code: 'GBP', address: `0x${'cd'.repeat(20)}`, decimals: 2 }]);
    expect(network.parties[0]).toMatchObject({ address: `0x${'ef'.repeat(20)}`, role: 'bank' });
  });

  it('takes a young network that has no contracts yet', () => {
    const network = readNetwork({ name: 'Baltic', chainId: 7001, escrow: null, deployedAt: null });
    expect(network).toMatchObject({ escrow: null, deployedAt: 0n, currencies: [], parties: [], nodes: [] });
  });

  it('takes the contracts of the law, and none without all that it takes', () => {
    const [members, policies] = [`0x${'0A'.repeat(20)}`, `0x${'0b'.repeat(20)}`];
    expect(readNetwork({ members, policies, dataCatalog: `0x${'0C'.repeat(20)}`, upgrades: `0x${'0D'.repeat(20)}`, anchors: null, development: true })).toMatchObject({
      law: { members: members.toLowerCase(), policies, anchors: null, catalog: `0x${'0c'.repeat(20)}`, upgrades: `0x${'0d'.repeat(20)}`, engines: null },
      development: true,
    });
    expect(readNetwork({ members, policies: null, development: 'yes' })).toMatchObject({ law: null, development: false });
  });

  it('takes the nodes of a development network, but no address that is not one of the web', () => {
    const network = readNetwork({
      name: 'Baltic',
      nodes: [
        { name: 'brand', validator: `0x${'AB'.repeat(20)}`, rpc: 'http://127.0.0.1:8545', web: 'http://localhost:8080' },
        { name: 'bank', validator: null, rpc: 'http://127.0.0.1:8546', web: 'javascript:alert(1)' },
        { name: 'thief', rpc: 'data:text/plain,x' },
      ],
    });
    expect(network.nodes).toEqual([
      { name: 'brand', validator: `0x${'ab'.repeat(20)}`, rpc: 'http://127.0.0.1:8545', web: 'http://localhost:8080' },
      { name: 'bank', validator: null, rpc: 'http://127.0.0.1:8546', web: null },
    ]);
  });
});
