// The calls that the forms make, as bytes.

import { encodeFunctionData } from 'viem';
import { dataCatalogAbi } from '../abi/dataCatalog';
import { enginesAbi } from '../abi/engines';
import { membersAbi } from '../abi/members';
import { policiesAbi } from '../abi/policies';
import { upgradesAbi } from '../abi/upgrades';
import type { CertificateFacts } from './certificate';
import { registryAbi } from './describe';
import { ENGINE_KINDS, type Kind, type Timing } from './engine';
import type { Law } from '../store/network.svelte';
import { PLACES, type Call, type Entry } from './read';
import { toWord, ZERO_WORD, type Hex } from './words';

const members = (law: Law, data: Hex): Call => ({ target: law.members, data });
const policies = (law: Law, data: Hex): Call => ({ target: law.policies, data });

// What the network decides.

export const admit = (law: Law, id: string, name: string, roles: number, root: CertificateFacts, admin: Hex): Call =>
  members(law, encodeFunctionData({ abi: membersAbi, functionName: 'admit', args: [toWord(id), name, roles, root.der, root.notBefore, root.notAfter, admin] }));

export const remove = (law: Law, id: string): Call => members(law, encodeFunctionData({ abi: membersAbi, functionName: 'remove', args: [toWord(id)] }));

export const setRoles = (law: Law, id: string, roles: number): Call => members(law, encodeFunctionData({ abi: membersAbi, functionName: 'setRoles', args: [toWord(id), roles] }));

export const appoint = (law: Law, id: string, admin: Hex): Call => members(law, encodeFunctionData({ abi: membersAbi, functionName: 'appoint', args: [toWord(id), admin] }));

export const adopt = (catalog: Hex, { owner, id, revision }: Pick<Entry, 'owner' | 'id' | 'revision'>): Call => ({
  target: catalog,
  data: encodeFunctionData({ abi: dataCatalogAbi, functionName: 'adopt', args: [toWord(owner), toWord(id), revision] }),
});

export const lift = (catalog: Hex, { owner, id }: Pick<Entry, 'owner' | 'id'>): Call => ({
  target: catalog,
  data: encodeFunctionData({ abi: dataCatalogAbi, functionName: 'lift', args: [toWord(owner), toWord(id)] }),
});

export const dismiss = (registry: Hex, account: Hex): Call => ({ target: registry, data: encodeFunctionData({ abi: registryAbi, functionName: 'dismiss', args: [account] }) });

export const setPolicy = (law: Law, name: string, form: Hex): Call => policies(law, encodeFunctionData({ abi: policiesAbi, functionName: 'setPolicy', args: [toWord(name), form] }));

export const setAccess = (law: Law, target: Hex, selector: Hex | null, form: Hex): Call =>
  policies(law, encodeFunctionData({ abi: policiesAbi, functionName: 'setAccess', args: [target, selector ?? '0x00000000', selector === null, form] }));

export const setGuard = (law: Law, target: Hex, slot: Hex | null, form: Hex): Call =>
  policies(law, encodeFunctionData({ abi: policiesAbi, functionName: 'setGuard', args: [target, slot ?? ZERO_WORD, slot === null, form] }));

export const setTopic = (law: Law, target: Hex, policy: string | null): Call =>
  policies(law, encodeFunctionData({ abi: policiesAbi, functionName: 'setTopic', args: [target, policy === null ? ZERO_WORD : toWord(policy)] }));

/** What takes the place of what: both codes by their hashes, as they were looked at. */
export interface Upgrade {
  readonly target: Hex;
  readonly oldCodeHash: Hex;
  readonly source: Hex;
  readonly newCodeHash: Hex;
  readonly fromBlock: bigint; // 0: the next one
  readonly migration: Hex;
}

export const upgrade = (upgrades: Hex, { target, oldCodeHash, source, newCodeHash, fromBlock, migration }: Upgrade): Call => ({
  target: upgrades,
  data: encodeFunctionData({ abi: upgradesAbi, functionName: 'schedule', args: [target, oldCodeHash, source, newCodeHash, fromBlock, migration] }),
});

export const cancelUpgrade = (upgrades: Hex, id: bigint): Call => ({ target: upgrades, data: encodeFunctionData({ abi: upgradesAbi, functionName: 'cancel', args: [id] }) });

/** Who decides blocks from one on, and in what times. */
export interface EngineChange {
  readonly from: bigint;
  readonly kind: Kind;
  readonly validators: Hex;
  readonly timing: Timing;
}

export const changeEngine = (engines: Hex, { from, kind, validators, timing }: EngineChange): Call => ({
  target: engines,
  data: encodeFunctionData({ abi: enginesAbi, functionName: 'change', args: [from, ENGINE_KINDS.indexOf(kind), validators, timing] }),
});

export const cancelEngine = (engines: Hex): Call => ({ target: engines, data: encodeFunctionData({ abi: enginesAbi, functionName: 'cancel' }) });

// How it decides.

export const propose = (law: Law, calls: readonly Call[], description: string, lifetime: bigint): Call =>
  policies(law, encodeFunctionData({ abi: policiesAbi, functionName: 'propose', args: [calls, description, lifetime] }));

export const onProposal = (law: Law, functionName: 'approve' | 'withdrawApproval' | 'withdraw' | 'execute', id: number): Call =>
  policies(law, encodeFunctionData({ abi: policiesAbi, functionName, args: [BigInt(id)] }));

// What an organization decides.

export interface Enrollment {
  readonly account: Hex;
  readonly roles: number;
  readonly validUntil: bigint;
  readonly certificate: Hex | null;
  readonly notBefore: bigint;
}

export const enroll = (law: Law, { account, roles, validUntil, certificate, notBefore }: Enrollment, consent: Hex): Call =>
  members(law, encodeFunctionData({ abi: membersAbi, functionName: 'enroll', args: [account, roles, validUntil, certificate ?? ZERO_WORD, notBefore, consent] }));

export const revokeAccount = (law: Law, account: Hex): Call => members(law, encodeFunctionData({ abi: membersAbi, functionName: 'revokeAccount', args: [account] }));

export const revokeCertificate = (law: Law, fingerprint: Hex): Call => members(law, encodeFunctionData({ abi: membersAbi, functionName: 'revokeCertificate', args: [fingerprint] }));

export const addNode = (law: Law, key: Hex, { fingerprint, notBefore, notAfter }: CertificateFacts): Call =>
  members(law, encodeFunctionData({ abi: membersAbi, functionName: 'addNode', args: [key, fingerprint, notBefore, notAfter] }));

export const addRoot = (law: Law, { der, notBefore, notAfter }: CertificateFacts): Call =>
  members(law, encodeFunctionData({ abi: membersAbi, functionName: 'addRoot', args: [der, notBefore, notAfter] }));

// The catalog of data.

export type Terms = Pick<Entry, 'name' | 'purpose' | 'legalBasis' | 'where' | 'isPersonal' | 'retentionDays' | 'contracts' | 'collections'>;

export function describeData(catalog: Hex, functionName: 'register' | 'change', id: string, terms: Terms): Call {
  const given = { ...terms, where: PLACES.indexOf(terms.where) };
  return { target: catalog, data: encodeFunctionData({ abi: dataCatalogAbi, functionName, args: [toWord(id), given] }) };
}

export const retire = (catalog: Hex, owner: string, id: string): Call => ({ target: catalog, data: encodeFunctionData({ abi: dataCatalogAbi, functionName: 'retire', args: [toWord(owner), toWord(id)] }) });
