// Calls, events and refusals in sentences.

import { toFunctionSelector, type Abi } from 'viem';
import { escrowAbi } from '../abi/escrow';
import { currencyAbi } from '../abi/currency';
import { dataCatalogAbi } from '../abi/dataCatalog';
import { anchorsAbi } from '../abi/anchors';
import { membersAbi } from '../abi/members';
import { upgradesAbi } from '../abi/upgrades';
import { formatDay, formatInteger, shorten } from '../format/format';
import { say, sayAny, sayCount } from '../i18n/desk';
import { i18n } from '../i18n/i18n.svelte';
import { isPruned, Refused, Unreachable } from '../rpc/http';
import { network } from '../store/network.svelte';
import { describeRefusal, type Argument, type ContractName, type Described } from './describe';
import { ENGINE_KINDS, type Timing } from './engine';
import { NoPolicy, showForm, type Problem } from './policy';
import { fromWord, lower, rolesOf, ZERO_WORD, type Hex } from './words';

const NO_END = 253_402_300_799n;
const FAILURES = ['unknown', 'oldCode', 'newCode', 'migration', 'answers'] as const; // as IUpgrades numbers them
const KINDS = ['root', 'node', 'client'] as const;
const METHODS: Partial<Record<ContractName, Abi>> = { members: membersAbi, escrow: escrowAbi, currency: currencyAbi, catalog: dataCatalogAbi, anchors: anchorsAbi, upgrades: upgradesAbi };

let registry: Hex | null = null;

/** Where validators are registered, once a page has learned it. */
export function knowRegistry(address: Hex | null): void {
  registry = address;
}

/** Which of the contracts is at an address. */
export function contractAt(address: Hex): ContractName | null {
  const { law, escrow } = network;
  const at = lower(address);
  if (law !== null && at === law.members) return 'members';
  if (law !== null && at === law.policies) return 'policies';
  if (law?.anchors === at) return 'anchors';
  if (law?.catalog === at) return 'catalog';
  if (law?.upgrades === at) return 'upgrades';
  if (law?.engines === at) return 'engines';
  if (registry === at) return 'validators';
  if (escrow === at) return 'escrow';
  return network.currency(at) === null ? null : 'currency';
}

/** What a contract or account is called; the ends of its address when nobody knows. */
export function nameAt(address: Hex): string {
  const contract = contractAt(address);
  if (contract === 'currency') return network.currency(address)?.code ?? shorten(address);
  return contract === null ? network.nameOf(lower(address)) : say(`contract.${contract}`);
}

/** The contracts whose code the network may replace, as far as this page knows them. */
export function replacedContracts(): Hex[] {
  const policies = network.law?.policies;
  return [...ruledContracts(), ...[policies, registry].filter((one) => one != null)];
}

/** The contracts that a rule may be about: not the one that keeps the rules. */
export function ruledContracts(): Hex[] {
  const { law, escrow, currencies } = network;
  return [law?.members, law?.catalog, law?.anchors, law?.upgrades, law?.engines, escrow, ...currencies.map(({ address }) => address)].filter((one) => one != null);
}

/** Methods of a known contract that somebody may be kept from. */
export function methodsAt(target: Hex): { name: string; selector: Hex }[] {
  const contract = contractAt(target);
  const abi = contract === null ? undefined : METHODS[contract];
  return (abi ?? []).flatMap((item) =>
    item.type === 'function' && item.stateMutability !== 'view' && item.stateMutability !== 'pure' ? [{ name: item.name, selector: toFunctionSelector(item) }] : [],
  );
}

export const methodName = (target: Hex, selector: Hex): string => methodsAt(target).find((method) => method.selector === selector)?.name ?? selector;

export function rolesText(bits: number): string {
  const roles = rolesOf(bits).filter((role) => role !== 'member');
  return roles.length === 0 ? say('roles.none') : new Intl.ListFormat(i18n.locale, { type: 'unit' }).format(roles.map((role) => say(`role.${role}`)));
}

export const listText = (names: readonly string[]): string => new Intl.ListFormat(i18n.locale, { type: 'conjunction' }).format(names);

export function endText(until: bigint): string {
  return until === 0n || until >= NO_END ? say('end.never') : say('end.until', { when: formatDay(Number(until), i18n.locale) });
}

const NUMBER = (value: unknown): string => formatInteger(BigInt(value as bigint | number), i18n.locale);
const MOMENTS = new Set(['notBefore', 'notAfter']);
/** What is approved letter by letter, and must not be cut short. */
const WHOLE = new Set(['source', 'oldCodeHash', 'newCodeHash', 'expected', 'found', 'migration']);
const NAMES = new Set(['policy', 'name', 'organization', 'owner', 'id']);

function textOf({ name, type, value }: Argument, whole: Described): string {
  if (name === 'fromBlock') return BigInt(value as bigint) === 0n ? say('upgrade.from.next') : say('upgrade.from.block', { block: NUMBER(value) });
  if (name === 'failure') return say(`upgrade.failure.${FAILURES[Number(value)] ?? 'unknown'}`);
  if (WHOLE.has(name)) return String(value);
  if (type === 'address') return nameAt(value as Hex);
  if (type === 'address[]') return listText((value as readonly Hex[]).map(nameAt));
  if (name === 'roles') return rolesText(Number(value));
  if (name === 'retentionDays') return sayCount('days', Number(value));
  if (name === 'validUntil') return endText(BigInt(value as bigint));
  if (MOMENTS.has(name)) return BigInt(value as bigint) >= NO_END ? say('end.never') : formatDay(Number(value), i18n.locale);
  if (whole.contract === 'engines') {
    if (name === 'kind') return say(`engine.kind.${ENGINE_KINDS[Number(value)] ?? 'none'}`);
    if (name === 'timing') return say('engine.times', Object.fromEntries(Object.entries(value as Timing).map(([field, time]) => [field, NUMBER(time)])) as Record<keyof Timing, string>);
    if (name === 'why') return sayAny(`engine.why.${String(value)}`, {}) ?? String(value);
  }
  if (name === 'kind') return say(`certificate.kind.${KINDS[Number(value)] ?? 'root'}`);
  if (name === 'form') return showForm(value as Hex);
  if (name === 'reason') return refusal(value as Hex);
  if (name === 'status') return say(`proposal.status.${(['none', 'open', 'executed', 'expired', 'withdrawn'] as const)[Number(value)] ?? 'none'}`);
  if (name === 'terms') return (value as { name: string }).name;
  if (name === 'selector') return methodName(String(whole.arguments.find((one) => one.name === 'target')?.value ?? '0x') as Hex, value as Hex);
  if (type === 'bytes32' && NAMES.has(name)) return fromWord(value as Hex) ?? shorten(value as Hex);
  if (type === 'bytes32') return shorten(value as Hex);
  if (/^uint/.test(type)) return NUMBER(value);
  if (typeof value === 'string') return value.length > 80 && /^0x/.test(value) ? shorten(value) : value;
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item)) ?? '';
}

function valuesOf(described: Described): Record<string, string> {
  const values: Record<string, string> = {};
  for (const one of described.arguments) values[one.name] = textOf(one, described);
  const at = described.arguments.find(({ name }) => name === 'target')?.value as Hex | undefined;
  const isWhole = described.arguments.find(({ name }) => name === 'isWhole')?.value;
  if (at !== undefined && isWhole !== undefined) {
    const target = nameAt(at);
    if (isWhole === true) values['place'] = say('place.whole', { target });
    else if ('slot' in values) values['place'] = say('place.slot', { slot: values['slot'] ?? '', target });
    else values['place'] = say('place.method', { method: values['selector'] ?? '', target });
  }
  return values;
}

/** What takes something away has words of its own. */
function variant(described: Described): string {
  const value = (name: string) => described.arguments.find((one) => one.name === name)?.value;
  if (value('form') === '0x') return '.none';
  if (/^(schedule|Scheduled)$/.test(described.name) && value('migration') !== '0x') return '.migrating';
  return /^(setTopic|TopicSet)$/.test(described.name) && value('policy') === ZERO_WORD ? '.none' : '';
}

function generic(described: Described): Record<string, string> {
  const list = described.arguments.map((one) => `${one.name}: ${textOf(one, described)}`).join(', ');
  return { contract: say(`contract.${described.contract}`), name: described.name, list };
}

export function callText(described: Described | null, target: Hex, data: Hex): string {
  if (described === null) return say('call.raw', { target: nameAt(target), data: shorten(data, 8, 6) });
  return sayAny(`call.${described.contract}.${described.name}${variant(described)}`, valuesOf(described)) ?? say('call.other', generic(described) as never);
}

export function eventText(described: Described | null): string {
  if (described === null) return say('event.raw');
  return sayAny(`event.${described.contract}.${described.name}${variant(described)}`, valuesOf(described)) ?? say('event.other', generic(described) as never);
}

/** Why a contract refused, from the bytes it reverted with. */
export function refusal(data: Hex): string {
  const described = describeRefusal(data);
  if (described === null) return data === '0x' ? say('refused.silent') : say('refused.raw', { data: shorten(data, 8, 6) });
  return sayAny(`refused.${described.name}`, valuesOf(described)) ?? say('refused.other', generic(described) as never);
}

/** Whatever went wrong, for people. */
export function failure(error: unknown): string {
  if (error instanceof Unreachable) return say('refused.unreachable');
  if (isPruned(error)) return say('refused.pruned');
  const data = (error as { data?: unknown } | null)?.data;
  // Wallets wrap what the node said.
  const inner = typeof data === 'object' && data !== null && 'data' in data ? (data as { data: unknown }).data : data;
  if (typeof inner === 'string' && /^0x([0-9a-f]{2})*$/i.test(inner)) return refusal(inner as Hex);
  if ((error as { code?: unknown } | null)?.code === 4001) return say('refused.byPerson');
  const message = error instanceof Error || error instanceof Refused ? error.message : String((error as { message?: unknown } | null)?.message ?? error);
  return say('refused.message', { message });
}

/** What is wrong with the text of a policy. */
export function problemText(error: unknown): string {
  if (!(error instanceof NoPolicy)) return String(error);
  const problem: Problem = error.problem;
  switch (problem.kind) {
    case 'text': {
      const expected = problem.expected === 'sign' ? say('policy.expected.sign', { sign: problem.sign }) : say(`policy.expected.${problem.expected}`);
      return problem.found === '' ? say('policy.problem.end', { expected }) : say('policy.problem.text', { column: problem.column, expected, found: problem.found });
    }
    case 'number':
      return say(`policy.problem.number.${problem.what}`);
    case 'form':
      return say('policy.problem.form', { at: problem.at });
    default:
      return say(`policy.problem.${problem.kind}`);
  }
}
