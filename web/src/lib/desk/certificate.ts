// Reads from a certificate what a form needs of it: whose it is, its period, its key. It checks nothing more: nodes do
// (crates/identity), and do not take a certificate that is not exactly what it should be.

import { ROLES, bitsOf, isName, type Hex, type Role } from './words';

export type CertificateKind = 'root' | 'node' | 'client' | 'server';

export interface CertificateFacts {
  readonly der: Hex;
  readonly fingerprint: Hex;
  readonly organization: string;
  readonly name: string; // for people
  readonly kind: CertificateKind;
  readonly roles: number; // of a client
  readonly notBefore: bigint;
  readonly notAfter: bigint;
  readonly key: Hex | null; // Ed25519
  readonly account: Hex | null;
}

/** The bytes are no certificate, or the text holds none. */
export class NoCertificate extends Error {}

const BYTES_MAX = 2_048;
const ORGANIZATION = '55040a';
const UNIT = '55040b';
const COMMON_NAME = '550403';
const ED25519 = '2b6570';
const ALTERNATIVE_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';
const ACCOUNT = /urn:hanse:account:(0x[0-9a-f]{40})/;

interface Part {
  readonly tag: number;
  readonly content: Uint8Array;
}

function parts(bytes: Uint8Array): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] as number;
    let length = bytes[at + 1] ?? NaN;
    at += 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 2) throw new NoCertificate('length');
      length = 0;
      for (let index = 0; index < count; index += 1) length = length * 256 + (bytes[at++] ?? NaN);
    }
    if (!(at + length <= bytes.length)) throw new NoCertificate('length');
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const ascii = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function part(list: readonly Part[], index: number): Part {
  const found = list[index];
  if (found === undefined) throw new NoCertificate(`part ${index}`);
  return found;
}

/** UTCTime or GeneralizedTime, in seconds. */
function moment({ tag, content }: Part): bigint {
  const digits = ascii(content);
  const found = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(digits);
  if (found === null || (tag !== 0x17 && tag !== 0x18)) throw new NoCertificate('time');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  const full = tag === 0x17 ? (year >= 50 ? 1900 : 2000) + year : year;
  return BigInt(Date.UTC(full, month - 1, day, hour, minute, second) / 1000);
}

function subjectOf(name: Uint8Array): { organization: string; units: string[]; common: string } {
  const subject = { organization: '', units: [] as string[], common: '' };
  for (const set of parts(name)) {
    for (const { content } of parts(set.content)) {
      const [type, value] = [part(parts(content), 0), part(parts(content), 1)];
      const text = ascii(value.content);
      if (hex(type.content) === ORGANIZATION) subject.organization = text;
      if (hex(type.content) === UNIT) subject.units.push(text);
      if (hex(type.content) === COMMON_NAME) subject.common = text;
    }
  }
  return subject;
}

function extensionsOf(list: readonly Part[]): { isAuthority: boolean; account: Hex | null } {
  const found = { isAuthority: false, account: null as Hex | null };
  const wrapped = list.find(({ tag }) => tag === 0xa3);
  for (const { content } of wrapped === undefined ? [] : parts(part(parts(wrapped.content), 0).content)) {
    const inner = parts(content);
    const type = hex(part(inner, 0).content);
    const value = part(inner, inner.length - 1).content;
    if (type === BASIC_CONSTRAINTS) found.isAuthority = hex(value).includes('0101ff');
    if (type === ALTERNATIVE_NAME) found.account = (ACCOUNT.exec(ascii(value))?.[1] as Hex | undefined) ?? null;
  }
  return found;
}

async function sha256(bytes: Uint8Array): Promise<Hex> {
  // `crypto.subtle` exists in secure places only; a node may be reached without TLS.
  const { sha256: digest } = await import('viem');
  return digest(bytes);
}

/** Reads DER bytes. */
export async function readDer(der: Uint8Array): Promise<CertificateFacts> {
  if (der.length > BYTES_MAX) throw new NoCertificate('too long');
  const whole = parts(der);
  if (whole.length !== 1 || whole[0]?.tag !== 0x30) throw new NoCertificate('sequence');
  const body = parts(part(parts(part(whole, 0).content), 0).content);
  // version, serial number, algorithm, issuer, validity, subject, key, extensions
  const [period, key] = [parts(part(body, 4).content), parts(part(body, 6).content)];
  const { organization, units, common } = subjectOf(part(body, 5).content);
  const { isAuthority, account } = extensionsOf(body);
  const isEdwards = hex(part(parts(part(key, 0).content), 0).content) === ED25519;
  if (!isName(organization)) throw new NoCertificate('organization');
  const roles = ROLES.filter((role: Role) => units.includes(role));
  return {
    der: `0x${hex(der)}`,
    fingerprint: await sha256(der),
    organization,
    name: common,
    kind: isAuthority ? 'root' : units.includes('node') ? 'node' : units.includes('server') ? 'server' : 'client',
    roles: bitsOf(roles),
    notBefore: moment(part(period, 0)),
    notAfter: moment(part(period, 1)),
    key: isEdwards ? `0x${hex(part(key, 1).content.subarray(1))}` : null,
    account,
  };
}

/** Reads the first certificate in a PEM text. */
export async function readPem(text: string): Promise<CertificateFacts> {
  const base64 = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(text)?.[1];
  if (base64 === undefined) throw new NoCertificate('no PEM');
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64.replace(/\s/g, '')), (letter) => letter.charCodeAt(0));
  } catch {
    throw new NoCertificate('base64');
  }
  return readDer(bytes);
}

export type Urgency = 'revoked' | 'expired' | 'future' | 'red' | 'amber' | 'yellow' | 'fine';

export const WARN_DAYS = { red: 7, amber: 30, yellow: 60 } as const;
const DAY_SECONDS = 86_400;

export const daysLeft = (notAfter: bigint, now: number): number => Math.floor((Number(notAfter) - now) / DAY_SECONDS);

/** How soon somebody has to see to a certificate. */
export function urgency(certificate: { notBefore: bigint; notAfter: bigint; revokedIn: bigint }, now: number): Urgency {
  if (certificate.revokedIn > 0n) return 'revoked';
  if (Number(certificate.notAfter) < now) return 'expired';
  if (Number(certificate.notBefore) > now) return 'future';
  const days = daysLeft(certificate.notAfter, now);
  return days < WARN_DAYS.red ? 'red' : days < WARN_DAYS.amber ? 'amber' : days < WARN_DAYS.yellow ? 'yellow' : 'fine';
}
