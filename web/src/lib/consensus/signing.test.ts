import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import chain from './certificate.fixture.json';
import { readCertificate, readValidators, type Certificate, type Evidence } from './model';
import { checkCertificate, checkEvidence, messageDigest, recoverSigner, type Domain } from './signing';

type Hex = `0x${string}`;

interface Case {
  readonly digest: Hex;
  readonly message: { kind: 'prevote' | 'precommit' | 'proposal'; height: string; round: number; block: Hex | null; validRound?: number | null };
  readonly signature: Hex;
  readonly signer: Hex;
}

// The file that the Rust test `the_browser_computes_the_same_digests` writes down.
const golden = JSON.parse(readFileSync(new URL('../../../../crates/primitives/src/fixtures/signing.json', import.meta.url), 'utf8')) as { chainId: number; genesis: Hex; cases: Case[] };
const domain: Domain = { chainId: golden.chainId, genesis: golden.genesis };

const digestOf = (where: Domain, { message, signature }: Case) =>
  messageDigest(where, message.kind, BigInt(message.height), message.round, { block: message.block, validRound: message.validRound ?? null, digest: '0x', signature });

describe('what validators sign', () => {
  it.each(golden.cases.map((one) => [`${one.message.kind} ${one.message.block === null ? 'for no block' : 'for a block'} ${one.message.validRound ?? ''}`, one] as const))(
    '%s: the digest is the node’s, and so is who signed it',
    async (_, one) => {
      expect(digestOf(domain, one)).toBe(one.digest);
      expect(await recoverSigner(one.digest, one.signature)).toBe(one.signer);
    },
  );

  it('has six vectors, all different', () => {
    expect(new Set(golden.cases.map(({ digest }) => digest)).size).toBe(6);
  });

  it('means nothing on another chain', async () => {
    const one = golden.cases[0] as Case;
    for (const elsewhere of [{ ...domain, chainId: 1338 }, { ...domain, genesis: `0x${'08'.repeat(32)}` as Hex }]) {
      expect(digestOf(elsewhere, one)).not.toBe(one.digest);
      expect(await recoverSigner(digestOf(elsewhere, one) as Hex, one.signature)).not.toBe(one.signer);
    }
  });

  it('has one signature only: not its other form, not another recovery id', async () => {
    const { digest, signature } = golden.cases[0] as Case;
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const other = signature.endsWith('1b') ? '1c' : '1b';
    expect(await recoverSigner(digest, `${signature.slice(0, 66)}${high}${other}` as Hex)).toBeNull();
    expect(await recoverSigner(digest, `${signature.slice(0, 130)}00` as Hex)).toBeNull();
    expect(await recoverSigner(digest, `${signature.slice(0, 130)}` as Hex)).toBeNull();
    expect(await recoverSigner(digest, `0x${'00'.repeat(64)}1b`)).toBeNull();
    expect(await recoverSigner(digest, `0x${'ff'.repeat(32)}${'11'.repeat(32)}1b`)).toBeNull();
  });
});

describe('a certificate of a real network', () => {
  const where: Domain = { chainId: chain.chainId, genesis: chain.genesis as Hex };
  const certificate = readCertificate(chain.certificate) as Certificate;
  const voters = readValidators(chain.validators).validators;

  it('makes its block final', async () => {
    const checked = await checkCertificate(where, certificate, voters);
    expect([...checked.verdicts.values()]).toEqual(['valid', 'valid', 'valid']);
    expect(checked).toMatchObject({ signedPower: 3n, totalPower: 4n, final: true });
  });

  const lies: [string, Partial<Certificate>][] = [
    ['another block', { hash: `0x${'07'.repeat(32)}` }],
    ['another height', { number: 10n }],
    ['another round', { round: 1 }],
    ['too few signatures', { signatures: certificate.signatures.slice(0, 2) }],
    ['one signature twice', { signatures: [...certificate.signatures, certificate.signatures[0] as { validator: Hex; signature: Hex }] }],
    ['a borrowed name', { signatures: certificate.signatures.map((one, index) => (index === 0 ? { ...one, validator: certificate.absent[0] as Hex } : one)) }],
    ['a stranger', { signatures: [...certificate.signatures, { validator: `0x${'99'.repeat(20)}` as Hex, signature: (certificate.signatures[0] as { signature: Hex }).signature }] }],
  ];
  it.each(lies)('does not with %s', async (_, lie) => {
    expect((await checkCertificate(where, { ...certificate, ...lie }, voters)).final).toBe(false);
  });

  it('does not on another chain, nor with other voters', async () => {
    expect((await checkCertificate({ ...where, chainId: 1 }, certificate, voters)).final).toBe(false);
    expect((await checkCertificate(where, certificate, [])).final).toBe(false);
    const heavy = voters.map((voter) => ({ ...voter, power: voter.address === certificate.absent[0] ? 3n : 1n }));
    expect(await checkCertificate(where, certificate, heavy)).toMatchObject({ signedPower: 3n, totalPower: 6n, final: false });
  });
});

describe('evidence', () => {
  const [forBlock, forNothing] = golden.cases as [Case, Case];
  const message = ({ message: said, digest, signature }: Case) => ({ block: said.block, validRound: null, digest, signature });
  const guilty: Evidence = {
    index: 0, accused: forBlock.signer, accuser: `0x${'bb'.repeat(20)}`, kind: 'prevote', height: BigInt(forBlock.message.height), round: forBlock.message.round,
    acceptedIn: 9n, transactionHash: null, messages: [message(forBlock), message(forNothing)], standing: 'equivocated',
  };

  it('proves that one validator signed two votes', async () => {
    const checked = await checkEvidence(domain, guilty);
    expect(checked).toMatchObject({ differ: true, bothByAccused: true, digestsAgree: true, proven: true });
    expect(checked.messages.map(({ signer }) => signer)).toEqual([forBlock.signer, forBlock.signer]);
  });

  const innocent: [string, Partial<Evidence>][] = [
    ['both are for the same', { messages: [message(forBlock), message(forBlock)] }],
    ['somebody else is accused', { accused: `0x${'aa'.repeat(20)}` }],
    ['they are of another height', { height: 5n }],
    ['they are of another kind', { kind: 'precommit' }],
    ['a proposal is of no block', { kind: 'proposal' }],
    ['a signature is not one', { messages: [message(forBlock), { ...message(forNothing), signature: `0x${'00'.repeat(65)}` }] }],
  ];
  it.each(innocent)('proves nothing when %s', async (_, change) => {
    expect((await checkEvidence(domain, { ...guilty, ...change })).proven).toBe(false);
  });

  it('says when the node tells another digest, which proves nothing either way', async () => {
    const [first, second] = guilty.messages;
    const checked = await checkEvidence(domain, { ...guilty, messages: [{ ...first, digest: `0x${'11'.repeat(32)}` }, second] });
    expect(checked).toMatchObject({ digestsAgree: false, proven: true });
  });
});
