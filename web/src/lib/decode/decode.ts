// Turns calldata and logs of the Escrow and Currency contracts into names and values. What is not ours,
// or does not decode, stays raw: the explorer shows it as it is.

import { decodeErrorResult, decodeEventLog, decodeFunctionData, type AbiParameter } from 'viem';
import { currencyAbi } from '../abi/currency';
import { escrowAbi } from '../abi/escrow';
import { ORDER_STATES } from '../orders/model';

type Hex = `0x${string}`;

export type Contract = 'escrow' | 'currency';

/** Which contract answers at an address, as far as the network description says. */
export type ContractOf = (address: Hex) => Contract | null;

export type Value =
  | { kind: 'address'; value: Hex }
  | { kind: 'order'; value: Hex }
  | { kind: 'bytes'; value: Hex }
  | { kind: 'amount'; value: bigint } // minor units of the currency that the context names
  | { kind: 'time'; value: bigint } // unix seconds
  | { kind: 'text'; value: string }
  | { kind: 'fields'; value: Field[] };

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly value: Value;
}

export interface Decoded {
  readonly contract: Contract;
  readonly name: string;
  readonly fields: readonly Field[];
}

const ABIS = { escrow: escrowAbi, currency: currencyAbi } as const;

const AMOUNTS = new Set(['amount', 'shippingFee', 'toMerchant', 'toCarrier', 'value', 'asked', 'most', 'expected', 'received', 'needed', 'balance', 'allowance']);
const STATES = ['None', ...ORDER_STATES]; // the contract's enum, in its order
const TIMES = new Set(['shipBy', 'deliverBy', 'deadline', 'until', 'since']);

type Parameter = AbiParameter & { components?: readonly AbiParameter[] };

function valueOf(parameter: Parameter, raw: unknown): Value {
  const name = (parameter.name ?? '').replace(/^_+|_+$/g, '');
  if (parameter.type === 'tuple') return { kind: 'fields', value: fieldsOf(parameter.components ?? [], raw) };
  if (parameter.type === 'address') return { kind: 'address', value: String(raw).toLowerCase() as Hex };
  if (parameter.type === 'bytes32' && name === 'orderId') return { kind: 'order', value: raw as Hex };
  if (parameter.type.startsWith('bytes') && !parameter.type.endsWith(']')) return { kind: 'bytes', value: raw as Hex };
  if (/^uint\d+$/.test(parameter.type) && AMOUNTS.has(name)) return { kind: 'amount', value: BigInt(raw as bigint | number) };
  if (/^uint\d+$/.test(parameter.type) && TIMES.has(name)) return { kind: 'time', value: BigInt(raw as bigint | number) };
  if (parameter.type === 'uint8' && name === 'state') return { kind: 'text', value: STATES[Number(raw)] ?? String(raw) };
  const text = JSON.stringify(raw, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
  return { kind: 'text', value: typeof raw === 'string' ? raw : (text ?? '') };
}

function fieldsOf(parameters: readonly Parameter[], raw: unknown): Field[] {
  return parameters.map((parameter, index) => {
    const values = raw as Record<string | number, unknown> | undefined;
    // Arrays of arguments come by place, structs and event arguments by name.
    const item = Array.isArray(values) ? values[index] : values?.[parameter.name ?? index];
    return { name: (parameter.name ?? '').replace(/^_+|_+$/g, '') || `#${index}`, type: parameter.type, value: valueOf(parameter, item) };
  });
}

function entry(contract: Contract, type: 'function' | 'event' | 'error', name: string): readonly Parameter[] {
  const found = ABIS[contract].find((item) => item.type === type && 'name' in item && item.name === name);
  return (found && 'inputs' in found ? found.inputs : []) as readonly Parameter[];
}

/** The call a transaction makes, when it goes to one of our contracts. */
export function decodeCall(to: Hex | null, input: Hex, contractOf: ContractOf): Decoded | null {
  const contract = to === null ? null : contractOf(to);
  if (contract === null || input.length < 10) return null;
  try {
    const { functionName, args } = decodeFunctionData({ abi: ABIS[contract], data: input });
    return { contract, name: functionName, fields: fieldsOf(entry(contract, 'function', functionName), args ?? []) };
  } catch {
    return null;
  }
}

export interface RawLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** The event in a log, when one of our contracts wrote it. */
export function decodeLog(log: RawLog, contractOf: ContractOf): Decoded | null {
  const contract = contractOf(log.address);
  if (contract === null || log.topics.length === 0) return null;
  try {
    const { eventName, args } = decodeEventLog({ abi: ABIS[contract], topics: log.topics as [Hex, ...Hex[]], data: log.data });
    return { contract, name: eventName, fields: fieldsOf(entry(contract, 'event', eventName), args ?? {}) };
  } catch {
    return null;
  }
}

/** Why a contract refused, from the bytes it reverted with. */
export function decodeRefusal(contract: Contract, data: Hex): Decoded | null {
  // A failed transfer surfaces through the escrow with the currency's own error, so both are tried.
  for (const known of [contract, contract === 'escrow' ? 'currency' : 'escrow'] as const) {
    try {
      const { errorName, args } = decodeErrorResult({ abi: ABIS[known], data });
      return { contract: known, name: errorName, fields: fieldsOf(entry(known, 'error', errorName), args ?? []) };
    } catch {
      // Not an error of this contract.
    }
  }
  return null;
}

function walk(fields: readonly Field[], visit: (field: Field) => void): void {
  for (const field of fields) {
    visit(field);
    if (field.value.kind === 'fields') walk(field.value.value, visit);
  }
}

/** The currency named among the fields themselves (an order's terms carry it). */
export function currencyIn(decoded: Decoded): Hex | null {
  let found: Hex | null = null;
  walk(decoded.fields, (field) => {
    if (field.name === 'currency' && field.value.kind === 'address') found = field.value.value;
  });
  return found;
}

/** The order that a call or an event is about. */
export function orderIn(decoded: Decoded): Hex | null {
  let found: Hex | null = null;
  walk(decoded.fields, (field) => {
    if (field.value.kind === 'order') found ??= field.value.value;
  });
  return found;
}
