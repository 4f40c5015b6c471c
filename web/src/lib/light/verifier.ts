// From what is trusted to a final block: the same rules as `crates/light`, in docs/protocol/light.md.

import { keccak256, size } from 'viem';
import { recoverSigner, voteDigest, type Domain } from '../consensus/signing';
import { NotProven, NotSigned } from './error';
import { HEADER_BYTES_MAX, LINKS_MAX, type Checkpoint, type FinalityProof, type Hex, type Link, type Seat, type Signature, type TransactionProof } from './read';
import { verifySet, type SetNetwork } from './state';
import { decodeRlp, isBytes, Nodes, toHex, toNumber, type Item } from './trie';

const ZERO = `0x${'0'.repeat(64)}` as Hex;

export interface Header {
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly stateRoot: Hex;
  readonly transactionsRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly number: bigint;
  readonly timestamp: number;
}

/** Whose word it is that a block is final. */
export interface Support {
  readonly number: bigint; // the block that they signed: the final one, or its child
  readonly signers: readonly Hex[];
  readonly trustedSince: bigint;
  readonly signed: bigint; // of the trusted power
  readonly total: bigint;
  readonly own: { readonly signed: bigint; readonly total: bigint; readonly voters: number } | null; // of those who decide the block; null: they signed its child
}

export interface FinalBlock {
  readonly header: Header;
  readonly support: Support;
}

interface Trusted {
  readonly number: bigint;
  readonly hash: Hex;
  readonly validators: readonly Seat[];
}

interface Step {
  readonly signed: Header;
  readonly parent: Header | null;
  readonly support: Support;
  readonly own: Support['own'];
  readonly trusted: Trusted;
}

export class Verifier {
  readonly #network: Pick<Checkpoint, 'chainId' | 'genesis' | 'engines' | 'engineVotes'>;
  readonly #domain: Domain;
  #trusted: Trusted;

  constructor(point: Checkpoint) {
    check(point);
    const { chainId, genesis, engines, engineVotes, number, hash, validators } = point;
    this.#network = { chainId, genesis, engines, ...(engineVotes === undefined ? {} : { engineVotes }) };
    this.#domain = { chainId, genesis };
    this.#trusted = { number, hash, validators };
    this.#contractAt(number + 1n);
  }

  /** What is trusted by now. */
  get checkpoint(): Checkpoint {
    return { ...this.#network, ...this.#trusted };
  }

  /** Follows the links to the block at a height. What is trusted moves along, unless this fails. */
  async finality(proof: FinalityProof, target: bigint): Promise<FinalBlock> {
    const wrongEnd = new NotProven('links', `the links do not lead to block ${target}`);
    if (proof.number !== target) throw wrongEnd;
    if (target < this.#trusted.number) throw new NotProven('trust', `block ${target} is older than the trusted block ${this.#trusted.number}`);
    const last = proof.links.at(-1);
    if (last === undefined || proof.links.length > LINKS_MAX) throw wrongEnd;
    let trusted = this.#trusted;
    for (const link of proof.links.slice(0, -1)) {
      const moved = (await this.#follow(link, trusted)).trusted;
      if (moved.number <= trusted.number) throw new NotProven('links', `the link to block ${moved.number} leads nowhere`);
      trusted = moved;
    }
    const step = await this.#follow(last, trusted);
    let block: FinalBlock;
    if (step.signed.number === target) {
      if (step.own === null) throw new NotProven('links', `nothing proves who decides block ${target}`);
      block = { header: step.signed, support: { ...step.support, own: step.own } };
    } else {
      if (step.parent === null || step.parent.number !== target) throw wrongEnd;
      block = { header: step.parent, support: step.support };
    }
    this.#trusted = step.trusted;
    return block;
  }

  async #follow(link: Link, trusted: Trusted): Promise<Step> {
    const signed = readHeader(link.header);
    const { number } = signed;
    if (number <= trusted.number) throw new NotProven('links', `block ${number} is not above the trusted block ${trusted.number}`);
    this.#requireVotes(trusted.number + 1n, number);
    const parent = link.parent === null ? null : readHeader(link.parent);
    const notChild = (of: Hex) => new NotProven('links', `block ${number} is not the child of ${of}`);
    if (parent !== null && (signed.parentHash !== parent.hash || parent.number + 1n !== number)) throw notChild(parent.hash);
    const isNext = number === trusted.number + 1n;
    const support: Support = {
      number,
      signers: link.signatures.map((one) => one.validator),
      trustedSince: trusted.number,
      signed: power(link.signatures, trusted.validators),
      total: total(trusted.validators),
      own: null,
    };
    let step: Step = { signed, parent, support, own: null, trusted };
    if (isNext) {
      if (signed.parentHash !== trusted.hash) throw notChild(trusted.hash);
      if (link.validators !== null) throw new NotProven('links', `the link to block ${number} leads nowhere`);
      step = { ...step, own: await this.#decidedBy(link, signed, trusted.validators) };
    } else {
      await this.#vouchedFor(link, signed, trusted);
      if (parent === null) throw new NotProven('links', `the parent of block ${number} is missing`);
      if (link.validators !== null) {
        const validators = verifySet(link.validators, parent.stateRoot, this.#sets, number);
        const own = await this.#decidedBy(link, signed, validators);
        step = { ...step, own, trusted: { number: parent.number, hash: parent.hash, validators } };
      }
    }
    if (link.nextValidators !== null) {
      // The state of a block is worth nothing before the block is final.
      if (step.own === null) throw new NotProven('links', `nothing proves who decides block ${number}`);
      const validators = verifySet(link.nextValidators, signed.stateRoot, this.#sets, number + 1n);
      step = { ...step, trusted: { number, hash: signed.hash, validators } };
    }
    return step;
  }

  /** Requires a quorum of those who decide the block, and nobody else. */
  async #decidedBy(link: Link, signed: Header, validators: readonly Seat[]) {
    const stranger = link.signatures.find((one) => !validators.some((seat) => seat.address === one.validator));
    if (stranger) throw bad(signed, `${stranger.validator} signed, who is no validator at this height`);
    const sum = power(link.signatures, validators);
    const all = total(validators);
    if (sum * 3n <= all * 2n) throw bad(signed, `signatures with ${sum} of ${all} voting power are no quorum`);
    await this.#checkSignatures(link, signed);
    return { signed: sum, total: all, voters: validators.length };
  }

  /** Requires more than two thirds of those who are trusted, among others perhaps. */
  async #vouchedFor(link: Link, signed: Header, trusted: Trusted): Promise<void> {
    const sum = power(link.signatures, trusted.validators);
    const all = total(trusted.validators);
    if (sum * 3n <= all * 2n) throw bad(signed, `it is signed by ${sum} of the ${all} voting power that is trusted since block ${trusted.number}`);
    await this.#checkSignatures(link, signed);
  }

  async #checkSignatures(link: Link, signed: Header): Promise<void> {
    const order = link.signatures.every((one, at, all) => at === 0 || (all[at - 1] as Signature).validator < one.validator);
    if (!order) throw bad(signed, 'the signers of the certificate are not in order');
    const digest = voteDigest(this.#domain, { kind: 'precommit', height: signed.number, round: Number(link.round), block: signed.hash });
    for (const one of link.signatures) {
      if ((await recoverSigner(digest, one.signature)) !== one.validator) throw bad(signed, `the signature of ${one.validator} is not valid`);
    }
  }

  get #sets(): SetNetwork {
    return { engineVotes: this.#network.engineVotes, contractAt: (height) => this.#contractAt(height) };
  }

  /** By genesis; what members have voted for is proven with each set. */
  #contractAt(height: bigint): Hex {
    const span = this.#network.engines.findLast((one) => one.from <= height);
    if (span === undefined) throw new NotProven('trust', 'no engine decides the first heights');
    if (span.contract === null) throw new NotSigned(height, span.engine);
    return span.contract;
  }

  #requireVotes(from: bigint, to: bigint): void {
    this.#contractAt(from);
    for (const span of this.#network.engines) if (span.from >= from && span.from <= to) this.#contractAt(span.from);
  }
}

export interface Log {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

export interface Receipt {
  readonly succeeded: boolean;
  readonly logs: readonly Log[];
}

/** Checks that a transaction is in a final block; gives its receipt. */
export function verifyTransaction(proof: TransactionProof, { header }: FinalBlock, hash: Hex): Receipt {
  const transaction = item(proof.transaction, header.transactionsRoot, proof.index, 'transaction');
  const found = keccak256(transaction);
  if (found !== hash.toLowerCase()) throw new NotProven('content', `the proven transaction is ${found}, not ${hash}`);
  const receipt = item(proof.receipt, header.receiptsRoot, proof.index, 'receipt');
  const first = receipt[0] as number;
  const body = decodeRlp(first < 0xc0 ? receipt.slice(1) : receipt);
  const undecodable = new NotProven('state', 'the proven receipt does not decode');
  const [status, , , logs] = body === null || isBytes(body) ? ([] as Item[]) : body;
  if (!isBytes(status) || logs === undefined || isBytes(logs)) throw undecodable;
  return {
    succeeded: status.length === 1 && status[0] === 1,
    logs: logs.map((log) => {
      const [address, topics, data] = isBytes(log) ? ([] as Item[]) : log;
      if (!isBytes(address) || topics === undefined || isBytes(topics) || !isBytes(data)) throw undecodable;
      return {
        address: toHex(address),
        topics: topics.map((topic) => {
          if (!isBytes(topic)) throw undecodable;
          return toHex(topic);
        }),
        data: toHex(data),
      };
    }),
  };
}

function item(proof: readonly Hex[], root: Hex, index: bigint, what: string): Uint8Array {
  const nodes = new Nodes(proof, what);
  const found = nodes.get(root, indexKey(index));
  if (found === null) throw new NotProven('state', `there is no ${what} at ${index}`);
  nodes.finish();
  return found;
}

/** RLP of a position. */
function indexKey(index: bigint): Hex {
  if (index === 0n) return '0x80';
  const digits = index.toString(16);
  const padded = digits.length % 2 === 0 ? digits : `0${digits}`;
  if (index < 0x80n) return `0x${padded}`;
  return `0x${(0x80 + padded.length / 2).toString(16)}${padded}`;
}

function bad(signed: Header, why: string): NotProven {
  return new NotProven('signatures', `block ${signed.number}: ${why}`);
}

function power(signatures: readonly Signature[], seats: readonly Seat[]): bigint {
  const signers = new Set(signatures.map((one) => one.validator)); // nobody counts twice
  return total(seats.filter((seat) => signers.has(seat.address)));
}

function total(seats: readonly Seat[]): bigint {
  return seats.reduce((sum, seat) => sum + seat.power, 0n);
}

export function readHeader(bytes: Hex): Header {
  const invalid = new NotProven('links', 'a header is not valid');
  if (size(bytes) > HEADER_BYTES_MAX) throw invalid;
  const items = decodeRlp(bytes);
  if (items === null || isBytes(items) || items.length < 15) throw invalid;
  const hash = (at: number): Hex => {
    const field = items[at];
    if (!isBytes(field) || field.length !== 32) throw invalid;
    return toHex(field);
  };
  const number = (at: number): bigint => {
    const field = items[at];
    if (!isBytes(field) || field.length > 8 || field[0] === 0) throw invalid;
    return toNumber(field);
  };
  return {
    hash: keccak256(bytes),
    parentHash: hash(0),
    stateRoot: hash(3),
    transactionsRoot: hash(4),
    receiptsRoot: hash(5),
    number: number(8),
    timestamp: Number(number(11)),
  };
}

function check(point: Checkpoint): void {
  const invalid = (why: string) => new NotProven('trust', `the checkpoint is not valid: ${why}`);
  const { engines, validators } = point;
  if (engines[0]?.from !== 1n) throw invalid('no engine decides height 1');
  if (engines.some((span, at) => at > 0 && (engines[at - 1] as { from: bigint }).from >= span.from)) throw invalid('the engines are not in order');
  const span = engines.findLast((one) => one.from <= point.number + 1n);
  if (span !== undefined && span.contract === null) throw new NotSigned(point.number + 1n, span.engine);
  if (point.number === 0n && point.hash !== point.genesis) throw invalid('block 0 is not genesis');
  if (point.genesis === ZERO) throw invalid('it names no genesis');
  if (validators.length === 0) throw invalid('it has no validators');
  if (validators.some((seat, at) => at > 0 && (validators[at - 1] as Seat).address >= seat.address)) throw invalid('its validators are not in order');
  if (validators.some((seat) => seat.power === 0n)) throw invalid('one of its validators has no power');
}
