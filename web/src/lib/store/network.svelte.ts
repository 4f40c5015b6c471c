// What this network is: its name, escrow, currencies and known parties. Told by the node, never configured.

import type { Contract } from '../decode/decode';
import type { Currency } from '../money/money';
import { get } from '../rpc/http';
import { shorten } from '../format/format';

type Hex = `0x${string}`;

export const ROLES = ['merchant', 'carrier', 'bank', 'shopper'] as const;
export type Role = (typeof ROLES)[number];

export interface Party {
  readonly address: Hex;
  readonly name: string;
  readonly role: Role;
}

/** Another node of a development network, which the page may look at too. */
export interface NetworkNode {
  readonly name: string;
  readonly validator: Hex | null;
  readonly rpc: string;
  readonly web: string | null;
}

/** The contracts that say who takes part and who may do what. */
export interface Law {
  readonly members: Hex;
  readonly policies: Hex;
  readonly anchors: Hex | null;
  readonly catalog: Hex | null;
  readonly upgrades: Hex | null;
  readonly engines: Hex | null;
}

interface Network {
  readonly name: string;
  readonly chainId: number;
  readonly escrow: Hex | null;
  readonly deployedAt: bigint;
  readonly currencies: readonly Currency[];
  readonly parties: readonly Party[];
  readonly nodes: readonly NetworkNode[]; // empty on a real network
  readonly law: Law | null; // null: everybody may do everything, and nobody is a member
  readonly development: boolean;
}

const lower = (text: unknown): Hex => String(text).toLowerCase() as Hex;

/** An address that a page may call or link to; anything else is as good as none. */
function webAddress(text: unknown): string | null {
  return typeof text === 'string' && /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null;
}

export function readNetwork(value: unknown): Network {
  const raw = value as Record<string, unknown>;
  const address = (name: string) => (raw[name] ? lower(raw[name]) : null);
  const [members, policies] = [address('members'), address('policies')];
  const list = (name: string) => (Array.isArray(raw[name]) ? (raw[name] as Record<string, unknown>[]) : []);
  return {
    name: String(raw['name']),
    chainId: Number(raw['chainId']),
    escrow: raw['escrow'] ? lower(raw['escrow']) : null,
    deployedAt: BigInt((raw['deployedAt'] as number | undefined) ?? 0),
    currencies: list('currencies').map((currency) => ({
      code: String(currency['code']),
      address: lower(currency['address']),
      decimals: Number(currency['decimals']),
    })),
    parties: list('parties').map((party) => ({
      address: lower(party['address']),
      name: String(party['name']),
      role: ROLES.find((role) => role === party['role']) ?? 'shopper',
    })),
    nodes: list('nodes').flatMap((node) => {
      const rpc = webAddress(node['rpc']);
      const validator = node['validator'] ? lower(node['validator']) : null;
      return rpc === null ? [] : [{ name: String(node['name']), validator, rpc, web: webAddress(node['web']) }];
    }),
    law: members === null || policies === null ? null : { members, policies, anchors: address('anchors'), catalog: address('dataCatalog'), upgrades: address('upgrades'), engines: address('engines') },
    development: raw['development'] === true,
  };
}

const RETRY_MS = 3_000;

let known = $state.raw<Network | null>(null);

export const network = {
  get known(): Network | null {
    return known;
  },
  get escrow(): Hex | null {
    return known?.escrow ?? null;
  },
  get currencies(): readonly Currency[] {
    return known?.currencies ?? [];
  },
  /** `null` too while nothing is known yet. */
  get law(): Law | null {
    return known?.law ?? null;
  },
  get nodes(): readonly NetworkNode[] {
    return known?.nodes ?? [];
  },
  currency(address: string | null): Currency | null {
    const wanted = address?.toLowerCase();
    return known?.currencies.find((currency) => currency.address === wanted) ?? null;
  },
  party(address: string): Party | null {
    const wanted = address.toLowerCase();
    return known?.parties.find((party) => party.address === wanted) ?? null;
  },
  /** The party's name, or the ends of the address. */
  nameOf(address: string): string {
    return this.party(address)?.name ?? shorten(address, 4, 4);
  },
  /** The one party (or currency code) that this text names, ignoring case; a unique part of a name is enough. */
  addressOf(text: string): Hex | null {
    const wanted = text.trim().toLowerCase();
    if (wanted === '' || known === null) return null;
    const code = known.currencies.find((currency) => currency.code.toLowerCase() === wanted);
    const exact = known.parties.find((party) => party.name.toLowerCase() === wanted);
    const partly = known.parties.filter((party) => party.name.toLowerCase().includes(wanted));
    return code?.address ?? exact?.address ?? (partly.length === 1 ? (partly[0] as Party).address : null);
  },
  contractAt(address: string): Contract | null {
    if (known?.escrow === address.toLowerCase()) return 'escrow';
    return this.currency(address) === null ? null : 'currency';
  },
};

export async function loadNetwork(): Promise<void> {
  try {
    const answer = await get('/api/network');
    if (answer !== null) known = readNetwork(answer);
  } catch {
    // The node is away; the connection sign in the header says so.
  }
  // Asked again until the contracts are there: a young network deploys them after its first blocks.
  if (known === null || known.escrow === null) setTimeout(loadNetwork, RETRY_MS);
}
