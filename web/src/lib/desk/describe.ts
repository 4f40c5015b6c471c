// Calls, events and refusals of the contracts that decide about members, taken apart by their bindings. What is not
// known stays raw: the pages show it as it is. The words for it all are in wording.ts.

import { decodeErrorResult, decodeEventLog, decodeFunctionData, parseAbi, type Abi, type AbiParameter } from 'viem';
import { anchorsAbi } from '../abi/anchors';
import { currencyAbi } from '../abi/currency';
import { dataCatalogAbi } from '../abi/dataCatalog';
import { enginesAbi } from '../abi/engines';
import { escrowAbi } from '../abi/escrow';
import { membersAbi } from '../abi/members';
import { policiesAbi } from '../abi/policies';
import { upgradesAbi } from '../abi/upgrades';
import { lower, type Hex } from './words';

/** What a registry of validators obeys its governor in, where it has one. */
export const registryAbi = parseAbi([
  'function governor() view returns (address)',
  'function admit(address account, string name)',
  'function dismiss(address account)',
  'error NotGovernor(address caller)',
  'error WrongStanding(address account, uint8 standing)',
  'error LastValidator()',
  'error NoPlace()',
]);

const ABIS = {
  members: membersAbi,
  policies: policiesAbi,
  anchors: anchorsAbi,
  catalog: dataCatalogAbi,
  upgrades: upgradesAbi,
  engines: enginesAbi,
  validators: registryAbi,
  escrow: escrowAbi,
  currency: currencyAbi,
} as const satisfies Record<string, Abi>;

export type ContractName = keyof typeof ABIS;
/** Those whose events are the audit trail. */
export const LAW = ['members', 'policies', 'anchors', 'catalog', 'upgrades', 'engines'] as const;
export type LawName = (typeof LAW)[number];

export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
}

export interface Described {
  readonly contract: ContractName;
  readonly name: string;
  readonly arguments: readonly Argument[];
}

/** Which contract is at an address. */
export type ContractAt = (address: Hex) => ContractName | null;

function named(parameters: readonly AbiParameter[], raw: unknown): Argument[] {
  return parameters.map((parameter, index) => {
    const name = (parameter.name ?? '').replace(/^_+|_+$/g, '') || `#${index}`;
    // Arguments of calls and errors come by place, those of events by name.
    const value = Array.isArray(raw) ? raw[index] : (raw as Record<string, unknown> | undefined)?.[parameter.name ?? ''];
    return { name, type: parameter.type, value };
  });
}

function inputsOf(contract: ContractName, type: 'function' | 'event' | 'error', name: string): readonly AbiParameter[] {
  const entry = (ABIS[contract] as Abi).find((item) => item.type === type && 'name' in item && item.name === name);
  return entry !== undefined && 'inputs' in entry ? (entry.inputs as readonly AbiParameter[]) : [];
}

export function describeCall(target: Hex, data: Hex, contractAt: ContractAt): Described | null {
  const contract = contractAt(lower(target));
  if (contract === null) return null;
  try {
    const { functionName, args } = decodeFunctionData({ abi: ABIS[contract] as Abi, data });
    return { contract, name: functionName, arguments: named(inputsOf(contract, 'function', functionName), args ?? []) };
  } catch {
    return null;
  }
}

export function describeEvent(log: { address: Hex; topics: readonly Hex[]; data: Hex }, contractAt: ContractAt): Described | null {
  const contract = contractAt(lower(log.address));
  if (contract === null || log.topics.length === 0) return null;
  try {
    const { eventName, args } = decodeEventLog({ abi: ABIS[contract] as Abi, topics: log.topics as [Hex, ...Hex[]], data: log.data });
    return eventName === undefined ? null : { contract, name: eventName, arguments: named(inputsOf(contract, 'event', eventName), args ?? {}) };
  } catch {
    return null;
  }
}

/** Why a contract refused. Errors of one contract surface through another, so all are tried, the law first. */
export function describeRefusal(data: Hex): Described | null {
  if (data.length < 10) return null;
  for (const contract of Object.keys(ABIS) as ContractName[]) {
    try {
      const { errorName, args } = decodeErrorResult({ abi: ABIS[contract] as Abi, data });
      return { contract, name: errorName, arguments: named(inputsOf(contract, 'error', errorName), args ?? []) };
    } catch {
      // Not an error of this one.
    }
  }
  return null;
}
