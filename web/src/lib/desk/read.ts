// What the contracts of the law say, read by eth_call of any node, many calls in one request.

import { decodeFunctionResult, encodeFunctionData, keccak256, type Abi, type ContractFunctionArgs, type ContractFunctionName, type ContractFunctionReturnType } from 'viem';
import { dataCatalogAbi } from '../abi/dataCatalog';
import { membersAbi } from '../abi/members';
import { policiesAbi } from '../abi/policies';
import { requestAll } from '../rpc/http';
import type { Law } from '../store/network.svelte';
import { registryAbi } from './describe';
import type { Approver } from './evaluate';
import { fromWord, lower, toWord, ZERO_ADDRESS, type Hex } from './words';

const PAGE = 200; // accounts or certificates of one call
export const ACCOUNTS_READ_MAX = 1_000;
export const PROPOSALS_READ_MAX = 200;

interface Ask<T> {
  readonly to: Hex;
  readonly data: Hex;
  readonly read: (answer: Hex) => T;
}

type View = 'view' | 'pure';

function ask<const A extends Abi, N extends ContractFunctionName<A, View>, const Args extends ContractFunctionArgs<A, View, N>>(
  abi: A,
  to: Hex,
  functionName: N,
  args: Args,
): Ask<ContractFunctionReturnType<A, View, N, Args>> {
  const given = { abi, functionName, args } as unknown as Parameters<typeof encodeFunctionData>[0];
  return {
    to,
    data: encodeFunctionData(given),
    read: (data) => decodeFunctionResult({ ...(given as object), data } as Parameters<typeof decodeFunctionResult>[0]) as ContractFunctionReturnType<A, View, N, Args>,
  };
}

type Answers<Asks extends readonly Ask<unknown>[]> = { -readonly [K in keyof Asks]: Asks[K] extends Ask<infer T> ? T : never };

/** All in one request, on one state. */
async function callAll<const Asks extends readonly Ask<unknown>[]>(asks: Asks, signal?: AbortSignal): Promise<Answers<Asks>> {
  const answers = await requestAll<Hex>(
    asks.map(({ to, data }) => ['eth_call', [{ to, data }, 'latest']]),
    signal,
  );
  return asks.map(({ read }, index) => read(answers[index] as Hex)) as Answers<Asks>;
}

export type Status = 'none' | 'active' | 'removed';
const STATUSES: readonly Status[] = ['none', 'active', 'removed'];
export const CERTIFICATE_KINDS = ['root', 'node', 'client'] as const;

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly status: Status;
  readonly roles: number;
  readonly since: bigint; // block
  readonly admins: number;
}

export interface Certificate {
  readonly fingerprint: Hex;
  readonly kind: (typeof CERTIFICATE_KINDS)[number];
  readonly subject: Hex;
  readonly notBefore: bigint;
  readonly notAfter: bigint;
  readonly revokedIn: bigint; // block, 0 while it is not
}

export interface Enrolled {
  readonly account: Hex;
  readonly organization: string | null; // it belongs to now
  readonly enrolled: number; // roles
  readonly effective: number; // 0: it has no rights
  readonly validUntil: bigint;
  readonly isRevoked: boolean;
  readonly certificate: Hex | null;
}

export interface Member {
  readonly organization: Organization;
  readonly certificates: readonly Certificate[];
  readonly accounts: readonly Enrolled[];
  readonly accountCount: number; // ever enrolled; `accounts` may be fewer
}

function readOrganization(raw: { id: Hex; name: string; status: number; roles: number; since: bigint; admins: number }): Organization {
  return { id: fromWord(raw.id) ?? raw.id, name: raw.name, status: STATUSES[raw.status] ?? 'none', roles: raw.roles, since: raw.since, admins: raw.admins };
}

export async function fetchOrganizations(law: Law, signal?: AbortSignal): Promise<Organization[]> {
  const [list] = await callAll([ask(membersAbi, law.members, 'organizations', [])], signal);
  return list.map(readOrganization);
}

const pagesOf = (count: number): number[] => Array.from({ length: Math.ceil(count / PAGE) }, (_, index) => index * PAGE);

async function fetchAccounts(law: Law, id: string, count: number, signal?: AbortSignal): Promise<Enrolled[]> {
  const pages = await callAll(pagesOf(count).map((first) => ask(membersAbi, law.members, 'accounts', [toWord(id), BigInt(first), BigInt(PAGE)])), signal);
  const list = pages.flat().map((account) => lower(account));
  const [standings, enrollments] = await Promise.all([
    callAll(pagesOf(list.length).map((first) => ask(membersAbi, law.members, 'standings', [list.slice(first, first + PAGE)])), signal),
    callAll(list.map((account) => ask(membersAbi, law.members, 'enrollment', [account])), signal),
  ]);
  const effective = standings.flatMap(([organizations, roles]) => organizations.map((organization, index) => ({ organization: fromWord(organization), roles: roles[index] ?? 0 })));
  return list.map((account, index) => {
    const enrollment = enrollments[index];
    const now = effective[index];
    const isHere = now?.organization === id;
    return {
      account,
      organization: now?.organization ?? null,
      enrolled: enrollment?.roles ?? 0,
      effective: isHere ? now.roles : 0,
      validUntil: enrollment?.validUntil ?? 0n,
      isRevoked: enrollment?.isRevoked === true || (enrollment !== undefined && fromWord(enrollment.organization) !== id),
      certificate: enrollment === undefined || BigInt(enrollment.certificate) === 0n ? null : enrollment.certificate,
    };
  });
}

/** An organization with what is its own. */
export async function fetchMember(law: Law, organization: Organization, signal?: AbortSignal): Promise<Member> {
  const { id } = organization;
  const [accountCount, certificateCount] = await callAll(
    [ask(membersAbi, law.members, 'accountCount', [toWord(id)]), ask(membersAbi, law.members, 'certificateCount', [toWord(id)])],
    signal,
  );
  const [accounts, certificates] = await Promise.all([
    fetchAccounts(law, id, Math.min(Number(accountCount), ACCOUNTS_READ_MAX), signal),
    callAll(pagesOf(Number(certificateCount)).map((first) => ask(membersAbi, law.members, 'certificates', [toWord(id), BigInt(first), BigInt(PAGE)])), signal),
  ]);
  return {
    organization,
    accounts,
    accountCount: Number(accountCount),
    certificates: certificates.flat().map(({ fingerprint, kind, subject, notBefore, notAfter, revokedIn }) => ({
      fingerprint,
      kind: CERTIFICATE_KINDS[kind] ?? 'root',
      subject,
      notBefore,
      notAfter,
      revokedIn,
    })),
  };
}

export async function fetchMembers(law: Law, signal?: AbortSignal): Promise<Member[]> {
  const organizations = await fetchOrganizations(law, signal);
  return Promise.all(organizations.map((organization) => fetchMember(law, organization, signal)));
}

export interface NamedPolicy {
  readonly name: string;
  readonly form: Hex;
}

export interface Rulebook {
  readonly policies: readonly NamedPolicy[];
  readonly access: readonly { target: Hex; selector: Hex; isWhole: boolean; form: Hex }[];
  readonly guards: readonly { target: Hex; slot: Hex; isWhole: boolean; form: Hex }[];
  readonly topics: readonly { target: Hex; policy: string }[];
  readonly lifetimeMax: bigint;
}

export async function fetchRulebook(law: Law, signal?: AbortSignal): Promise<Rulebook> {
  const on = law.policies;
  const [policies, access, guards, [targets, names], lifetimeMax] = await callAll(
    [ask(policiesAbi, on, 'policies', []), ask(policiesAbi, on, 'accessRules', []), ask(policiesAbi, on, 'guards', []), ask(policiesAbi, on, 'topics', []), ask(policiesAbi, on, 'lifetimeMax', [])],
    signal,
  );
  return {
    policies: policies.map(({ name, form }) => ({ name: fromWord(name) ?? name, form })),
    access: access.map((rule) => ({ ...rule, target: lower(rule.target) })),
    guards: guards.map((guard) => ({ ...guard, target: lower(guard.target) })),
    topics: targets.map((target, index) => ({ target: lower(target), policy: fromWord(names[index] ?? '0x') ?? '' })),
    lifetimeMax,
  };
}

/** Which named policy decides on a call, as `Policies` finds it. */
export function topicOf(law: Law, rulebook: Rulebook, target: Hex): string {
  if (target === law.policies) return 'policies';
  if (target === law.members) return 'membership';
  return rulebook.topics.find((topic) => topic.target === target)?.policy ?? 'governance';
}

export const PROPOSAL_STATUSES = ['none', 'open', 'executed', 'expired', 'withdrawn'] as const;
export type ProposalStatus = (typeof PROPOSAL_STATUSES)[number];

export interface Call {
  readonly target: Hex;
  readonly data: Hex;
}

export interface Proposal {
  readonly id: number;
  readonly proposer: Hex;
  readonly status: ProposalStatus;
  readonly lastBlock: bigint;
  readonly description: string;
  readonly calls: readonly Call[];
  readonly approvals: readonly Hex[]; // also of those who are members no more
  readonly counted: readonly Approver[]; // whose approval counts now
  readonly isCarried: boolean;
}

/** The newest proposals, newest first, and how many there are. */
export async function fetchProposals(law: Law, signal?: AbortSignal): Promise<{ count: number; list: Proposal[] }> {
  const count = await fetchProposalCount(law, signal);
  const ids = Array.from({ length: Math.min(count, PROPOSALS_READ_MAX) }, (_, index) => count - 1 - index);
  return { count, list: await fetchProposalsBy(law, ids, signal) };
}

/** `null` when there is no such proposal. */
export async function fetchProposal(law: Law, id: number, signal?: AbortSignal): Promise<Proposal | null> {
  return id < (await fetchProposalCount(law, signal)) ? ((await fetchProposalsBy(law, [id], signal))[0] ?? null) : null;
}

export async function fetchProposalCount(law: Law, signal?: AbortSignal): Promise<number> {
  const [count] = await callAll([ask(policiesAbi, law.policies, 'proposalCount', [])], signal);
  return Number(count);
}

export async function fetchProposalsBy(law: Law, ids: readonly number[], signal?: AbortSignal): Promise<Proposal[]> {
  const [known, approvers, carried] = await Promise.all([
    callAll(ids.map((id) => ask(policiesAbi, law.policies, 'proposal', [BigInt(id)])), signal),
    callAll(ids.map((id) => ask(policiesAbi, law.policies, 'approvers', [BigInt(id)])), signal),
    callAll(ids.map((id) => ask(policiesAbi, law.policies, 'isCarried', [BigInt(id)])), signal),
  ]);
  const standings = await callAll(approvers.map((accounts) => ask(membersAbi, law.members, 'standings', [accounts])), signal);
  return ids.flatMap((id, index) => {
    const [proposal, accounts = []] = [known[index], approvers[index]];
    if (proposal === undefined) return [];
    const [organizations = [], roles = []] = standings[index] ?? [];
    return [
      {
        id,
        proposer: lower(proposal.proposer),
        status: PROPOSAL_STATUSES[proposal.status] ?? 'none',
        lastBlock: proposal.lastBlock,
        description: proposal.description,
        calls: proposal.calls.map(({ target, data }) => ({ target: lower(target), data })),
        approvals: accounts.map(lower),
        counted: accounts.flatMap((account, at) => {
          const organization = fromWord(organizations[at] ?? '0x');
          return organization === null ? [] : [{ account: lower(account), organization, roles: roles[at] ?? 0 }];
        }),
        isCarried: carried[index]?.[0] === true,
      },
    ];
  });
}

/** What accounts are now; `null` for one that is in no organization. */
export async function fetchStandings(law: Law, accounts: readonly Hex[], signal?: AbortSignal): Promise<(Approver | null)[]> {
  const [[organizations, roles]] = await callAll([ask(membersAbi, law.members, 'standings', [accounts])], signal);
  return accounts.map((account, index) => {
    const organization = fromWord(organizations[index] ?? '0x');
    return organization === null ? null : { account: lower(account), organization, roles: roles[index] ?? 0 };
  });
}

export async function fetchNonce(law: Law, account: Hex, signal?: AbortSignal): Promise<bigint> {
  const [nonce] = await callAll([ask(membersAbi, law.members, 'nonces', [account])], signal);
  return nonce;
}

/** Whether the contract that decides about validators obeys the policies; one without a governor says nothing. */
export async function isGoverned(law: Law, registry: Hex, signal?: AbortSignal): Promise<boolean> {
  try {
    const [governor] = await callAll([ask(registryAbi, registry, 'governor', [])], signal);
    return governor !== ZERO_ADDRESS && lower(governor) === law.policies;
  } catch {
    return false;
  }
}

/** The hash of the code at each; `null` where there is none. */
export async function fetchCodeHashes(accounts: readonly Hex[], signal?: AbortSignal): Promise<(Hex | null)[]> {
  const codes = await requestAll<Hex>(
    accounts.map((account) => ['eth_getCode', [account, 'latest']]),
    signal,
  );
  return codes.map((code) => (code === '0x' ? null : keccak256(code)));
}

export const PLACES = ['chain', 'private', 'offChain'] as const;

export interface Entry {
  readonly owner: string;
  readonly id: string;
  readonly revision: number;
  readonly registeredIn: bigint;
  readonly changedIn: bigint;
  readonly retiredIn: bigint;
  readonly name: string;
  readonly purpose: string;
  readonly legalBasis: string;
  readonly where: (typeof PLACES)[number];
  readonly isPersonal: boolean;
  readonly retentionDays: number;
  readonly contracts: readonly Hex[];
  readonly collections: readonly string[];
}

/** What of an entry the network has made a rule: nodes let go what is older. */
export interface Rule {
  readonly owner: string;
  readonly id: string;
  readonly revision: number; // of the entry, then
  readonly retentionDays: number;
  readonly adoptedIn: bigint; // block
  readonly contracts: readonly Hex[];
}

export interface Catalog {
  readonly entries: readonly Entry[];
  readonly rules: readonly Rule[];
}

export const sameEntry = (one: Pick<Entry, 'owner' | 'id'>, other: Pick<Entry, 'owner' | 'id'>): boolean => one.owner === other.owner && one.id === other.id;

/** Whether there is anything in it that nodes could let go; else no rule can come of it. */
export const canBeRule = ({ where, retentionDays, contracts }: Entry): boolean => where === 'chain' && retentionDays > 0 && contracts.length > 0;

export async function fetchCatalog(catalog: Hex, signal?: AbortSignal): Promise<Catalog> {
  const [count, rules] = await callAll([ask(dataCatalogAbi, catalog, 'entryCount', []), ask(dataCatalogAbi, catalog, 'rules', [])], signal);
  const pages = await callAll(pagesOf(Number(count)).map((first) => ask(dataCatalogAbi, catalog, 'entries', [BigInt(first), BigInt(PAGE)])), signal);
  return {
    entries: pages.flat().map(({ owner, id, terms, ...rest }) => ({
      ...rest,
      ...terms,
      owner: fromWord(owner) ?? owner,
      id: fromWord(id) ?? id,
      where: PLACES[terms.where] ?? 'chain',
      contracts: terms.contracts.map(lower),
    })),
    rules: rules.map(({ owner, id, contracts, ...rest }) => ({ ...rest, owner: fromWord(owner) ?? owner, id: fromWord(id) ?? id, contracts: contracts.map(lower) })),
  };
}
