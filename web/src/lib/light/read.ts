// What a server answered, field by field: nothing that is not of the right form gets any further.

import { NotProven } from './error';

export type Hex = `0x${string}`;

export interface Seat {
  readonly address: Hex;
  readonly power: bigint;
}

export interface Span {
  readonly from: bigint;
  readonly engine: string;
  readonly contract: Hex | null;
}

/** A block that is trusted, and who decides the next one. */
export interface Checkpoint {
  readonly chainId: bigint;
  readonly genesis: Hex;
  readonly engines: readonly Span[]; // by genesis
  readonly engineVotes?: Hex; // the contract by which members change that, where they can
  readonly number: bigint;
  readonly hash: Hex;
  readonly validators: readonly Seat[]; // ascending by address
}

export interface SetProof {
  readonly account: readonly Hex[];
  readonly storage: readonly Hex[];
  readonly engineVotes: readonly Hex[] | null; // nodes of the storage of the contract of votes on the engine
}

export interface Signature {
  readonly validator: Hex;
  readonly signature: Hex;
}

export interface Link {
  readonly parent: Hex | null;
  readonly header: Hex;
  readonly round: bigint;
  readonly signatures: readonly Signature[];
  readonly validators: SetProof | null;
  readonly nextValidators: SetProof | null;
}

export interface FinalityProof {
  readonly number: bigint;
  readonly links: readonly Link[];
}

export interface TransactionProof extends FinalityProof {
  readonly index: bigint;
  readonly transaction: readonly Hex[];
  readonly receipt: readonly Hex[];
}

export interface AccountProof {
  readonly address: Hex;
  readonly accountProof: readonly Hex[];
  readonly balance: bigint;
  readonly codeHash: Hex;
  readonly nonce: bigint;
  readonly storageHash: Hex;
  readonly storageProof: readonly { readonly key: bigint; readonly value: bigint; readonly proof: readonly Hex[] }[];
}

export const LINKS_MAX = 64;
export const VALIDATORS_MAX = 64;
export const HEADER_BYTES_MAX = 8 * 1024 + 1024;
export const NODES_MAX = 4_096;

type Fields = Record<string, unknown>;

function malformed(why: string): NotProven {
  return new NotProven('malformed', why);
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} is not an object`);
  return value as Fields;
}

function list<T>(value: unknown, most: number, what: string, read: (item: unknown) => T): T[] {
  if (!Array.isArray(value)) throw malformed(`${what} is not a list`);
  if (value.length > most) throw malformed(`${value.length} ${what} are more than the ${most} that there may be`);
  return value.map(read);
}

export function bytes(value: unknown, what: string, length?: number): Hex {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value)) throw malformed(`${what} is not bytes in hex`);
  if (length !== undefined && value.length !== 2 + 2 * length) throw malformed(`${what} is not ${length} bytes`);
  return value.toLowerCase() as Hex;
}

export function quantity(value: unknown, what: string, bits = 64): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw malformed(`${what} is not a quantity`);
  const number = BigInt(value);
  if (number >> BigInt(bits) !== 0n) throw malformed(`${what} is too large`);
  return number;
}

const nodes = (value: unknown, what: string) => list(value, NODES_MAX, what, (node) => bytes(node, what));

function readSetProof(value: unknown): SetProof | null {
  if (value === null || value === undefined) return null;
  const proof = fields(value, 'the proof of validators');
  const votes = proof['engineVotes'];
  return {
    account: nodes(proof['account'], 'nodes'),
    storage: nodes(proof['storage'], 'nodes'),
    engineVotes: votes === null || votes === undefined ? null : nodes(votes, 'nodes'),
  };
}

function readLink(value: unknown): Link {
  const link = fields(value, 'a link');
  const certificate = fields(link['certificate'], 'a certificate');
  return {
    parent: link['parent'] === null || link['parent'] === undefined ? null : bytes(link['parent'], 'a header'),
    header: bytes(link['header'], 'a header'),
    round: quantity(certificate['round'], 'the round', 32),
    signatures: list(certificate['signatures'], VALIDATORS_MAX, 'signatures', (item) => {
      const one = fields(item, 'a signature');
      return { validator: bytes(one['validator'], 'a validator', 20), signature: bytes(one['signature'], 'a signature', 65) };
    }),
    validators: readSetProof(link['validators']),
    nextValidators: readSetProof(link['nextValidators']),
  };
}

export function readFinalityProof(value: unknown): FinalityProof {
  const proof = fields(value, 'the answer');
  return { number: quantity(proof['number'], 'the height'), links: list(proof['links'], LINKS_MAX, 'links', readLink) };
}

export function readTransactionProof(value: unknown): TransactionProof {
  const proof = fields(value, 'the answer');
  return {
    ...readFinalityProof(value),
    index: quantity(proof['index'], 'the position'),
    transaction: nodes(proof['transaction'], 'nodes'),
    receipt: nodes(proof['receipt'], 'nodes'),
  };
}

export function readAccountProof(value: unknown): AccountProof {
  const proof = fields(value, 'the answer');
  return {
    address: bytes(proof['address'], 'the address', 20),
    accountProof: nodes(proof['accountProof'], 'nodes'),
    balance: quantity(proof['balance'], 'the balance', 256),
    codeHash: bytes(proof['codeHash'], 'the code hash', 32),
    nonce: quantity(proof['nonce'], 'the nonce'),
    storageHash: bytes(proof['storageHash'], 'the storage root', 32),
    storageProof: list(proof['storageProof'], 1_024, 'slots', (item) => {
      const slot = fields(item, 'a slot');
      return {
        key: quantity(slot['key'], 'a slot', 256),
        value: quantity(slot['value'], 'a value', 256),
        proof: nodes(slot['proof'], 'nodes'),
      };
    }),
  };
}

export function readCheckpoint(value: unknown): Checkpoint {
  const point = fields(value, 'the checkpoint');
  const votes = point['engineVotes'];
  return {
    ...(votes === null || votes === undefined ? {} : { engineVotes: bytes(votes, 'a contract', 20) }),
    chainId: quantity(point['chainId'], 'the chain id'),
    genesis: bytes(point['genesis'], 'the genesis hash', 32),
    engines: list(point['engines'], 64, 'engines', (item) => {
      const span = fields(item, 'an engine');
      if (typeof span['engine'] !== 'string' || !/^[a-z]{1,16}$/.test(span['engine'])) throw malformed('an engine has no name');
      const contract = span['contract'];
      return {
        from: quantity(span['from'], 'a height'),
        engine: span['engine'],
        contract: contract === null || contract === undefined ? null : bytes(contract, 'a contract', 20),
      };
    }),
    number: quantity(point['number'], 'the height'),
    hash: bytes(point['hash'], 'the hash', 32),
    validators: list(point['validators'], VALIDATORS_MAX, 'validators', (item) => {
      const seat = fields(item, 'a validator');
      return { address: bytes(seat['address'], 'a validator', 20), power: quantity(seat['power'], 'the power') };
    }),
  };
}

/** A checkpoint as text, as `hanse verify --checkpoint` keeps it. */
export function writeCheckpoint(point: Checkpoint): string {
  return JSON.stringify(point, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value), 2);
}
