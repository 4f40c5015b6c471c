// What validators sign, computed here so that nobody has to be believed: the same EIP-712 digests as the
// node's (crates/primitives/src/signing.rs), and who signed them.

import { hashTypedData, recoverAddress, zeroHash } from 'viem';
import type { Certificate, Evidence, MessageKind, SignedMessage } from './model';

type Hex = `0x${string}`;

/** Signatures of one chain mean nothing on another. */
export interface Domain {
  readonly chainId: number | bigint;
  readonly genesis: Hex; // the hash of block 0
}

const DOMAIN_FIELDS = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'salt', type: 'bytes32' },
] as const;

const VOTE_FIELDS = [
  { name: 'kind', type: 'uint8' },
  { name: 'height', type: 'uint64' },
  { name: 'round', type: 'uint32' },
  { name: 'block', type: 'bytes32' },
] as const;

const PROPOSAL_FIELDS = [
  { name: 'height', type: 'uint64' },
  { name: 'round', type: 'uint32' },
  { name: 'block', type: 'bytes32' },
  { name: 'validRound', type: 'int64' },
] as const;

const VOTE_BYTES = { prevote: 1, precommit: 2 } as const;

const typedDomain = ({ chainId, genesis }: Domain) => ({ name: 'Hanse consensus', version: '1', chainId: BigInt(chainId), salt: genesis });

export interface Vote {
  readonly kind: 'prevote' | 'precommit';
  readonly height: bigint;
  readonly round: number;
  readonly block: Hex | null; // null: for no block, signed as the zero hash
}

export interface Proposal {
  readonly height: bigint;
  readonly round: number;
  readonly block: Hex;
  readonly validRound: number | null; // null: none, signed as -1
}

export function voteDigest(domain: Domain, vote: Vote): Hex {
  return hashTypedData({
    domain: typedDomain(domain),
    types: { EIP712Domain: DOMAIN_FIELDS, Vote: VOTE_FIELDS },
    primaryType: 'Vote',
    message: { kind: VOTE_BYTES[vote.kind], height: vote.height, round: vote.round, block: vote.block ?? zeroHash },
  });
}

export function proposalDigest(domain: Domain, proposal: Proposal): Hex {
  return hashTypedData({
    domain: typedDomain(domain),
    types: { EIP712Domain: DOMAIN_FIELDS, Proposal: PROPOSAL_FIELDS },
    primaryType: 'Proposal',
    message: { height: proposal.height, round: proposal.round, block: proposal.block, validRound: BigInt(proposal.validRound ?? -1) },
  });
}

/** Half the order of the curve: a signature with a higher `s` is another form of one with a lower (EIP-2). */
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Who made this signature of the digest, in lower case; `null` when nobody can have, or it has another form. */
export async function recoverSigner(digest: Hex, signature: Hex): Promise<Hex | null> {
  if (!/^0x[0-9a-f]{130}$/i.test(signature)) return null;
  const recovery = parseInt(signature.slice(130), 16);
  if ((recovery !== 27 && recovery !== 28) || BigInt(`0x${signature.slice(66, 130)}`) > S_MAX) return null;
  try {
    return (await recoverAddress({ hash: digest, signature })).toLowerCase() as Hex;
  } catch {
    return null;
  }
}

/** The digest of one of the two messages of an evidence; `null` for a proposal of no block, which there is not. */
export function messageDigest(domain: Domain, kind: MessageKind, height: bigint, round: number, message: SignedMessage): Hex | null {
  if (kind !== 'proposal') return voteDigest(domain, { kind, height, round, block: message.block });
  return message.block === null ? null : proposalDigest(domain, { height, round, block: message.block, validRound: message.validRound });
}

export interface CheckedMessage {
  readonly digest: Hex | null; // as computed here
  readonly signer: Hex | null;
}

export interface CheckedEvidence {
  readonly messages: readonly [CheckedMessage, CheckedMessage];
  readonly differ: boolean; // the two are for different blocks
  readonly bothByAccused: boolean;
  readonly digestsAgree: boolean; // the node has the same digests
  readonly proven: boolean; // anybody must agree that the accused signed two things
}

export async function checkEvidence(domain: Domain, evidence: Evidence): Promise<CheckedEvidence> {
  const check = async (message: SignedMessage): Promise<CheckedMessage> => {
    const digest = messageDigest(domain, evidence.kind, evidence.height, evidence.round, message);
    return { digest, signer: digest === null ? null : await recoverSigner(digest, message.signature) };
  };
  const [first, second] = evidence.messages;
  const messages = [await check(first), await check(second)] as const;
  const differ = first.block !== second.block;
  const bothByAccused = messages.every(({ signer }) => signer === evidence.accused);
  const digestsAgree = messages[0].digest === first.digest && messages[1].digest === second.digest;
  return { messages, differ, bothByAccused, digestsAgree, proven: differ && bothByAccused };
}

export interface Voter {
  readonly address: Hex;
  readonly power: bigint;
}

/** What is wrong with one signature of a certificate, if anything is. */
export type SignatureVerdict = 'valid' | 'invalid' | 'stranger' | 'twice';

export interface CheckedCertificate {
  readonly verdicts: ReadonlyMap<Hex, SignatureVerdict>;
  readonly signedPower: bigint; // of valid signatures by voters
  readonly totalPower: bigint;
  readonly final: boolean; // more than two thirds of all votes
}

/** Checks every signature against the block, and sums up the power behind them. `voters` decide that height. */
export async function checkCertificate(domain: Domain, certificate: Certificate, voters: readonly Voter[]): Promise<CheckedCertificate> {
  const digest = voteDigest(domain, { kind: 'precommit', height: certificate.number, round: certificate.round, block: certificate.hash });
  const powers = new Map(voters.filter(({ power }) => power > 0n).map(({ address, power }) => [address, power]));
  const totalPower = [...powers.values()].reduce((sum, power) => sum + power, 0n);
  const verdicts = new Map<Hex, SignatureVerdict>();
  let signedPower = 0n;
  for (const { validator, signature } of certificate.signatures) {
    const power = powers.get(validator);
    if (verdicts.has(validator)) verdicts.set(validator, 'twice');
    else if (power === undefined) verdicts.set(validator, 'stranger');
    else if ((await recoverSigner(digest, signature)) !== validator) verdicts.set(validator, 'invalid');
    else {
      verdicts.set(validator, 'valid');
      signedPower += power;
    }
  }
  const clean = [...verdicts.values()].every((verdict) => verdict === 'valid');
  return { verdicts, signedPower, totalPower, final: clean && signedPower * 3n > totalPower * 2n };
}
