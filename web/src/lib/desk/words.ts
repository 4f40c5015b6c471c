// Names as the contracts keep them: ASCII in 32 bytes, left-aligned; and roles as bits of a number.

export type Hex = `0x${string}`;

/** By their numbers, as in `IMembers`. */
export const ROLES = ['member', 'admin', 'merchant', 'carrier', 'bank', 'auditor', 'regulator', 'oracle', 'validator', 'platform', 'shopper'] as const;
export type Role = (typeof ROLES)[number];

/** What may be given to an organization: being a member goes without saying. */
export const ASSIGNABLE: readonly Role[] = ROLES.slice(1);

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;
export const ZERO_WORD: Hex = `0x${'00'.repeat(32)}`;
export const ZERO_ADDRESS: Hex = `0x${'00'.repeat(20)}`;

export const isName = (text: string): boolean => NAME.test(text);

/** A name as a word. What is no name has no word. */
export function toWord(name: string): Hex {
  if (!isName(name)) throw new Error(`not a name: ${name}`);
  const bytes = [...name].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return `0x${bytes.padEnd(64, '0')}`;
}

/** The name in a word; `null` when there is none. */
export function fromWord(word: string): string | null {
  const text = (word.slice(2).match(/../g) ?? []).map((byte) => String.fromCharCode(parseInt(byte, 16))).join('').replace(/\0+$/, '');
  return isName(text) ? text : null;
}

export function rolesOf(bits: number): Role[] {
  return ROLES.filter((_, number) => ((bits >>> number) & 1) === 1);
}

export function bitsOf(roles: Iterable<Role>): number {
  let bits = 0;
  for (const role of roles) bits |= 1 << ROLES.indexOf(role);
  return bits;
}

export const hasRole = (bits: number, role: Role): boolean => role === 'member' || ((bits >>> ROLES.indexOf(role)) & 1) === 1;

export const lower = (text: string): Hex => text.toLowerCase() as Hex;
export const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
