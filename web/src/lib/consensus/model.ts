// What a node tells about who decides on blocks (the hanse_ methods about consensus), checked once, here.

import { Field, Malformed } from './read';

type Hex = `0x${string}`;

export const ENGINES = ['bft', 'pos', 'pow', 'solo'] as const;
export type Engine = (typeof ENGINES)[number];

export const STEPS = ['propose', 'prevote', 'precommit', 'commit', 'wait', 'mine', 'seal', 'follow', 'sync', 'handover'] as const;
export type Step = (typeof STEPS)[number];

export const STANDINGS = ['active', 'absent', 'equivocated', 'votedOut', 'left', 'unbonded', 'outbid'] as const;
export type Standing = (typeof STANDINGS)[number];

export const MESSAGE_KINDS = ['prevote', 'precommit', 'proposal'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export interface BlockPoint {
  readonly number: bigint;
  readonly hash: Hex;
  readonly timestamp: number;
}

export interface ActiveFault {
  readonly kind: string;
  readonly untilMs: number; // unix
}

export interface Status {
  readonly engine: Engine;
  readonly nextEngine: { readonly from: bigint; readonly engine: Engine } | null; // what members have decided on
  readonly height: bigint; // being decided
  readonly round: number;
  readonly step: Step | null; // null: this node decides nothing
  readonly bestKnown: bigint; // the highest height a peer has told of
  readonly head: BlockPoint;
  readonly finalized: BlockPoint;
  readonly validator: Hex | null;
  readonly miner: Hex | null;
  readonly peerId: Hex | null;
  readonly fault: ActiveFault | null;
  readonly faults: readonly string[]; // which this node lets a caller cause
}

export interface Validator {
  readonly address: Hex;
  readonly name: string;
  readonly standing: Standing;
  readonly since: bigint; // block of the last change of standing
  readonly power: bigint; // 0: does not vote at the height in question
  readonly proposes: boolean;
  readonly missed: number; // certificates within the window
  readonly absentSeconds: number; // for which that has been too many
  readonly votesFrom: bigint;
  readonly connected: boolean | null; // null: no peer has proven to be it
}

export interface AbsenceRules {
  readonly window: number;
  readonly missedMax: number;
  readonly absentSeconds: number; // that it must last to cost the seat
  readonly waitBlocks: bigint;
}

export interface Validators {
  readonly decides: bigint;
  readonly totalPower: bigint;
  readonly quorumPower: bigint;
  readonly contract: Hex | null;
  readonly validators: readonly Validator[]; // former ones too
  readonly rules: AbsenceRules | null;
}

export interface CertificateSignature {
  readonly validator: Hex;
  readonly signature: Hex;
}

export interface Certificate {
  readonly number: bigint;
  readonly hash: Hex;
  readonly round: number;
  readonly proposer: Hex | null;
  readonly signatures: readonly CertificateSignature[];
  readonly absent: readonly Hex[];
  readonly signedPower: bigint;
  readonly totalPower: bigint;
}

export interface SignedMessage {
  readonly block: Hex | null; // null: a vote for no block
  readonly validRound: number | null;
  readonly digest: Hex; // as the node has it
  readonly signature: Hex;
}

export interface Evidence {
  readonly index: number;
  readonly accused: Hex;
  readonly accuser: Hex;
  readonly kind: MessageKind;
  readonly height: bigint;
  readonly round: number;
  readonly acceptedIn: bigint;
  readonly transactionHash: Hex | null;
  readonly messages: readonly [SignedMessage, SignedMessage];
  readonly standing: Standing; // of the accused, now
}

export interface Peer {
  readonly id: Hex;
  readonly address: string;
  readonly inbound: boolean;
  readonly software: string;
  readonly score: number;
  readonly validator: Hex | null;
}

const start = (value: unknown, name: string): Field => new Field(value, name);

function readPoint(field: Field): BlockPoint {
  return { number: field.get('number').quantity(), hash: field.get('hash').hash(), timestamp: field.get('timestamp').count() };
}

export function readStatus(value: unknown): Status {
  const raw = start(value, 'status');
  return {
    engine: raw.get('engine').oneOf(ENGINES),
    nextEngine: raw.get('nextEngine').optional((field) => ({ from: field.get('from').quantity(), engine: field.get('engine').oneOf(ENGINES) })),
    height: raw.get('height').quantity(),
    round: raw.get('round').count(),
    step: raw.get('step').optional((field) => field.oneOf(STEPS)),
    bestKnown: raw.get('bestKnown').quantity(),
    head: readPoint(raw.get('head')),
    finalized: readPoint(raw.get('finalized')),
    validator: raw.get('validator').optional((field) => field.address()),
    miner: raw.get('miner').optional((field) => field.address()),
    peerId: raw.get('peerId').optional((field) => field.bytes(32)),
    fault: raw.get('fault').optional((field) => ({ kind: field.get('kind').text(), untilMs: field.get('untilMs').count() })),
    faults: raw.get('faults').list().map((field) => field.text()),
  };
}

export function readValidators(value: unknown): Validators {
  const raw = start(value, 'validators');
  return {
    decides: raw.get('decides').quantity(),
    totalPower: raw.get('totalPower').quantity(),
    quorumPower: raw.get('quorumPower').quantity(),
    contract: raw.get('contract').optional((field) => field.address()),
    validators: raw.get('validators').list().map((field) => ({
      address: field.get('address').address(),
      name: field.get('name').text(),
      standing: field.get('standing').oneOf(STANDINGS),
      since: field.get('since').quantity(),
      power: field.get('power').quantity(),
      proposes: field.get('proposes').boolean(),
      missed: field.get('missed').count(),
      absentSeconds: field.get('absentSeconds').count(),
      votesFrom: field.get('votesFrom').quantity(),
      connected: field.get('peer').optional((peer) => peer.get('connected').boolean()),
    })),
    rules: raw.get('rules').optional((field) => ({
      window: field.get('window').count(),
      missedMax: field.get('missedMax').count(),
      absentSeconds: field.get('absentSeconds').count(),
      waitBlocks: field.get('waitBlocks').quantity(),
    })),
  };
}

/** `null` for a block that nobody voted on: genesis, or one of another engine. */
export function readCertificate(value: unknown): Certificate | null {
  return start(value, 'certificate').optional((raw) => ({
    number: raw.get('number').quantity(),
    hash: raw.get('hash').hash(),
    round: raw.get('round').count(),
    proposer: raw.get('proposer').optional((field) => field.address()),
    signatures: raw.get('signatures').list().map((field) => ({
      validator: field.get('validator').address(),
      signature: field.get('signature').bytes(65),
    })),
    absent: raw.get('absent').list().map((field) => field.address()),
    signedPower: raw.get('signedPower').quantity(),
    totalPower: raw.get('totalPower').quantity(),
  }));
}

function readMessage(field: Field): SignedMessage {
  return {
    block: field.get('block').optional((block) => block.hash()),
    validRound: field.get('validRound').optional((round) => round.count()),
    digest: field.get('digest').hash(),
    signature: field.get('signature').bytes(65),
  };
}

export function readEvidence(value: unknown): Evidence[] {
  return start(value, 'evidence').list().map((raw) => {
    const messages = raw.get('messages').list();
    const [first, second] = messages;
    if (first === undefined || second === undefined || messages.length !== 2) throw new Malformed(`${raw.path}.messages`, 'two messages');
    return {
      index: raw.get('index').count(),
      accused: raw.get('accused').address(),
      accuser: raw.get('accuser').address(),
      kind: raw.get('kind').oneOf(MESSAGE_KINDS),
      height: raw.get('height').quantity(),
      round: raw.get('round').count(),
      acceptedIn: raw.get('acceptedIn').quantity(),
      transactionHash: raw.get('transactionHash').optional((field) => field.hash()),
      messages: [readMessage(first), readMessage(second)],
      standing: raw.get('standing').oneOf(STANDINGS),
    };
  });
}

/** A score is told as a plain number, from 100 for a peer with nothing against it down to 0. */
function readScore(field: Field): number {
  return typeof field.value === 'number' && Number.isSafeInteger(field.value) ? field.value : field.count();
}

export function readPeers(value: unknown): Peer[] {
  return start(value, 'peers').list().map((field) => ({
    id: field.get('id').bytes(32),
    address: field.get('address').text(),
    inbound: field.get('inbound').boolean(),
    software: field.get('software').text(),
    score: readScore(field.get('score')),
    validator: field.get('validator').optional((validator) => validator.address()),
  }));
}
