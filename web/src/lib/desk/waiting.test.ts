import { afterEach, describe, expect, it, vi } from 'vitest';
import { decisionsOf, waitsFor } from './decide';
import type { Approver } from './evaluate';
import { parsePolicy, toForm } from './policy';
import * as read from './read';
import { Watch } from './waiting';
import { bitsOf, type Hex, type Role } from './words';

vi.mock('./read', async (original) => ({
  ...(await original<typeof read>()),
  fetchProposalCount: vi.fn(),
  fetchProposalsBy: vi.fn(),
  fetchStandings: vi.fn(),
  fetchRulebook: vi.fn(),
  fetchOrganizations: vi.fn(),
}));

const at = (digit: string): Hex => `0x${digit.repeat(40)}`;
const law = { members: at('a'), policies: at('b'), anchors: null, catalog: at('d'), upgrades: null, engines: null };
const account = (organization: string, digit: string, ...roles: Role[]): Approver => ({ account: at(digit), organization, roles: bitsOf(roles) });
const [ada, bob, cleo, dan] = [account('Bank', '1', 'admin'), account('Bank', '2', 'admin'), account('Brand', '3', 'admin'), account('Shop', '4', 'merchant')];
const ACTIVE = ['Bank', 'Brand', 'Shop'];

const rulebook = (policies: Record<string, string>): read.Rulebook => ({
  policies: Object.entries(policies).map(([name, text]) => ({ name, form: text.startsWith('0x') ? (text as Hex) : toForm(parsePolicy(text)) })),
  access: [],
  guards: [],
  topics: [],
  lifetimeMax: 10n,
});

function proposal(id: number, given: Partial<read.Proposal> & { by?: readonly Approver[] } = {}): read.Proposal {
  const { by = [ada], ...rest } = given;
  return {
    id,
    proposer: ada.account,
    status: 'open',
    lastBlock: 100n,
    description: '',
    calls: [{ target: law.members, data: '0x' }],
    approvals: by.map((one) => one.account),
    counted: by,
    isCarried: false,
    ...rest,
  };
}

function waits(policies: Record<string, string>, who: Approver, given: Parameters<typeof proposal>[1] = {}): boolean {
  const open = proposal(0, given);
  return waitsFor(open, decisionsOf(law, rulebook(policies), open, ACTIVE), who);
}

describe('a proposal waits for somebody', () => {
  it('whose approval is part of what is missing', () => {
    expect(waits({ membership: 'MAJORITY(admin)' }, cleo)).toBe(true);
    expect(waits({ membership: 'MAJORITY(admin)' }, bob), 'the bank has agreed').toBe(false);
    expect(waits({ membership: 'MAJORITY(admin)' }, dan), 'no admin').toBe(false);
    expect(waits({ membership: "AND('Bank.admin', 'Shop.merchant')" }, dan)).toBe(true);
    expect(waits({ membership: "2 of 'Bank.admin'" }, bob)).toBe(true);
    expect(waits({ membership: "2 of '*.admin'" }, cleo)).toBe(true);
    expect(waits({ membership: "AND('Bank.admin', NOBODY)" }, cleo)).toBe(false);
  });

  it('who has not approved it, while it is open and not yet enough', () => {
    expect(waits({ membership: "2 of 'Bank.admin'" }, ada)).toBe(false);
    expect(waits({ membership: 'MAJORITY(admin)' }, cleo, { status: 'expired' })).toBe(false);
    expect(waits({ membership: 'MAJORITY(admin)' }, cleo, { isCarried: true })).toBe(false);
  });

  it('by any of the policies that decide on it', () => {
    const calls = [law.members, law.policies].map((target): read.Call => ({ target, data: '0x' }));
    expect(waits({ membership: "'Bank.admin'", policies: "'Brand.admin'" }, cleo, { calls })).toBe(true);
    expect(waits({ membership: "'Bank.admin'", policies: "'Shop.merchant'" }, cleo, { calls })).toBe(false);
  });

  it('when the policy is one that this page cannot read', () => {
    expect(waits({ membership: '0x7f' }, cleo)).toBe(true);
  });
});

describe('a watch', () => {
  afterEach(() => vi.clearAllMocks());

  const set = (who: Approver | null, ...proposals: read.Proposal[]): void => {
    vi.mocked(read.fetchStandings).mockResolvedValue([who]);
    vi.mocked(read.fetchProposalCount).mockResolvedValue(proposals.length);
    vi.mocked(read.fetchProposalsBy).mockImplementation(async (_, ids) => ids.flatMap((id) => proposals.find((one) => one.id === id) ?? []));
    vi.mocked(read.fetchRulebook).mockResolvedValue(rulebook({ membership: 'MAJORITY(admin)' }));
    vi.mocked(read.fetchOrganizations).mockResolvedValue(ACTIVE.map((id) => ({ id, name: id, status: 'active', roles: 2, since: 0n, admins: 1 })));
  };

  it('finds what waits, until when, and asks no more about what is decided', async () => {
    const watch = new Watch(law, cleo.account);
    set(cleo, proposal(0, { status: 'executed' }), proposal(1, { lastBlock: 50n }), proposal(2, { by: [cleo] }), proposal(3));
    expect(await watch.look()).toEqual({ ids: [3, 1], until: 51n });
    await watch.look();
    expect(vi.mocked(read.fetchProposalsBy).mock.calls.map(([, ids]) => ids)).toEqual([[3, 2, 1, 0], [3, 2, 1]]);
  });

  it('asks for policies only where something is open', async () => {
    set(cleo, proposal(0, { status: 'withdrawn' }));
    const watch = new Watch(law, cleo.account);
    expect(await watch.look()).toEqual({ ids: [], until: null });
    expect(await watch.look()).toEqual({ ids: [], until: null });
    expect(read.fetchProposalsBy).toHaveBeenCalledOnce();
    expect(read.fetchRulebook).not.toHaveBeenCalled();
  });

  it('finds nothing for a stranger', async () => {
    set(null, proposal(0));
    expect(await new Watch(law, dan.account).look()).toEqual({ ids: [], until: null });
    expect(read.fetchProposalsBy).not.toHaveBeenCalled();
  });
});
