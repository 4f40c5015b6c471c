// Policies: their text for people and their form of bytes for the chain, by ../../../../docs/protocol/policies.md.
// What `crates/identity` reads and writes, this does too: both are tested with the same fixtures.

import { fromWord, isName, ROLES, toWord, ZERO_WORD, type Hex, type Role } from './words';

export type Policy =
  | { readonly kind: 'threshold'; readonly least: number; readonly nodes: readonly Policy[] } // AND and OR are such
  | { readonly kind: 'principal'; readonly organization: string | null; readonly role: Role; readonly least: number } // null: any one
  | { readonly kind: 'share'; readonly role: Role; readonly numerator: number; readonly denominator: number }
  | { readonly kind: 'anyone' }
  | { readonly kind: 'nobody' };

const DEPTH_MAX = 8;
const NODES_MAX = 64;
const TEXT_BYTES_MAX = 8_192;
/** How many accounts of one organization a policy may ask for: so many approve of each, at most (Forms.sol). */
const APPROVERS_OF_ONE_MAX = 8;
/** How many of any organizations. */
const APPROVERS_MAX = 64;
const FOUND_MAX = 16;

/** What could have stood there; pages have words for each. */
export type Expected = 'policy' | 'end' | 'organization' | 'role' | 'number' | 'of' | 'several' | 'list' | 'sign';

export type Problem =
  | { readonly kind: 'text'; readonly column: number; readonly expected: Expected; readonly sign: string; readonly found: string }
  | { readonly kind: 'number'; readonly what: 'threshold' | 'accounts' | 'accountsOfOne' | 'share' }
  | { readonly kind: 'form'; readonly at: number }
  | { readonly kind: 'tooDeep' | 'tooManyNodes' | 'tooLong' };

export class NoPolicy extends Error {
  constructor(readonly problem: Problem) {
    super(problem.kind === 'text' ? `column ${problem.column}: expected ${problem.expected} ${problem.sign}, found ${problem.found}` : `no policy: ${JSON.stringify(problem)}`);
  }
}

/** Counts nodes and levels while something is read: what is read decides how deep we go. */
class Limits {
  private count = 0;

  enter(depth: number): void {
    this.count += 1;
    if (depth > DEPTH_MAX) throw new NoPolicy({ kind: 'tooDeep' });
    if (this.count > NODES_MAX) throw new NoPolicy({ kind: 'tooManyNodes' });
  }
}

function checked(policy: Policy): Policy {
  const limits = new Limits();
  const check = (node: Policy, depth: number): void => {
    limits.enter(depth);
    if (node.kind === 'threshold') {
      if (node.least === 0 || node.least > node.nodes.length) throw new NoPolicy({ kind: 'number', what: 'threshold' });
      for (const inner of node.nodes) check(inner, depth + 1);
    } else if (node.kind === 'principal') {
      const isOfOne = node.organization !== null;
      if (node.least === 0 || node.least > (isOfOne ? APPROVERS_OF_ONE_MAX : APPROVERS_MAX)) throw new NoPolicy({ kind: 'number', what: isOfOne ? 'accountsOfOne' : 'accounts' });
    } else if (node.kind === 'share' && node.numerator >= node.denominator) {
      throw new NoPolicy({ kind: 'number', what: 'share' });
    }
  };
  check(policy, 1);
  return policy;
}

// --- the form of bytes ---

const THRESHOLD = 1;
const PRINCIPAL = 2;
const SHARE = 3;
const ANYONE = 4;
const NOBODY = 5;

const byte = (number: number): string => number.toString(16).padStart(2, '0');

function write(node: Policy): string {
  switch (node.kind) {
    case 'threshold':
      return byte(THRESHOLD) + byte(node.nodes.length) + byte(node.least) + node.nodes.map(write).join('');
    case 'principal':
      return byte(PRINCIPAL) + (node.organization === null ? ZERO_WORD : toWord(node.organization)).slice(2) + byte(ROLES.indexOf(node.role)) + byte(node.least);
    case 'share':
      return byte(SHARE) + byte(ROLES.indexOf(node.role)) + byte(node.numerator) + byte(node.denominator);
    case 'anyone':
      return byte(ANYONE);
    case 'nobody':
      return byte(NOBODY);
  }
}

export const toForm = (policy: Policy): Hex => `0x${write(policy)}`;

class FormReader {
  private readonly limits = new Limits();
  at = 0;

  constructor(private readonly bytes: readonly number[]) {}

  private bad(at = this.at): NoPolicy {
    return new NoPolicy({ kind: 'form', at });
  }

  private take(): number {
    const next = this.bytes[this.at];
    if (next === undefined) throw this.bad();
    this.at += 1;
    return next;
  }

  private role(): Role {
    const at = this.at;
    const role = ROLES[this.take()];
    if (role === undefined) throw this.bad(at);
    return role;
  }

  private organization(): string | null {
    const at = this.at;
    const word: Hex = `0x${Array.from({ length: 32 }, () => byte(this.take())).join('')}`;
    if (word === ZERO_WORD) return null;
    const name = fromWord(word);
    // What follows a name's end would be lost when it is written again.
    if (name === null || toWord(name) !== word) throw this.bad(at);
    return name;
  }

  node(depth: number): Policy {
    this.limits.enter(depth);
    const at = this.at;
    switch (this.take()) {
      case THRESHOLD: {
        const count = this.take();
        const least = this.take();
        return { kind: 'threshold', least, nodes: Array.from({ length: count }, () => this.node(depth + 1)) };
      }
      case PRINCIPAL: {
        const organization = this.organization();
        const role = this.role();
        return { kind: 'principal', organization, role, least: this.take() };
      }
      case SHARE: {
        const role = this.role();
        const numerator = this.take();
        return { kind: 'share', role, numerator, denominator: this.take() };
      }
      case ANYONE:
        return { kind: 'anyone' };
      case NOBODY:
        return { kind: 'nobody' };
      default:
        throw this.bad(at);
    }
  }

  end(): void {
    if (this.at !== this.bytes.length) throw this.bad();
  }
}

/** Reads a form. Every form that is read is written in the same bytes again, and no other. */
export function fromForm(form: Hex): Policy {
  if (!/^0x([0-9a-f]{2})*$/i.test(form)) throw new NoPolicy({ kind: 'form', at: 0 });
  const reader = new FormReader((form.slice(2).match(/../g) ?? []).map((pair) => parseInt(pair, 16)));
  const policy = reader.node(1);
  reader.end();
  return checked(policy);
}

// --- the text ---

/** The one text that is written for a policy. It reads as the same policy. */
export function show(node: Policy): string {
  switch (node.kind) {
    case 'threshold': {
      const head = node.least === node.nodes.length ? 'AND' : node.least === 1 ? 'OR' : `${node.least} of `;
      return `${head}(${node.nodes.map(show).join(', ')})`;
    }
    case 'principal':
      return `${node.least > 1 ? `${node.least} of ` : ''}'${node.organization ?? '*'}.${node.role}'`;
    case 'share':
      return node.numerator === 1 && node.denominator === 2 ? `MAJORITY(${node.role})` : `MORE_THAN(${node.numerator}/${node.denominator}, ${node.role})`;
    case 'anyone':
      return 'ANYONE';
    case 'nobody':
      return 'NOBODY';
  }
}

class TextReader {
  private readonly text: readonly string[];
  private readonly limits = new Limits();
  private at = 0;

  constructor(text: string) {
    this.text = [...text]; // by characters, as columns count
  }

  private space(): void {
    while (/^\s$/u.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private expected(expected: Expected, at = this.at, sign = ''): NoPolicy {
    return new NoPolicy({ kind: 'text', column: at + 1, expected, sign, found: this.text.slice(at, at + FOUND_MAX).join('') });
  }

  private isSign(sign: string): boolean {
    this.space();
    const isNext = this.text[this.at] === sign;
    if (isNext) this.at += 1;
    return isNext;
  }

  private sign(sign: string): void {
    if (!this.isSign(sign)) throw this.expected('sign', this.at, sign);
  }

  private word(): string {
    this.space();
    const start = this.at;
    while (/^[A-Za-z0-9_-]$/.test(this.text[this.at] ?? '')) this.at += 1;
    return this.text.slice(start, this.at).join('');
  }

  private number(): number {
    this.space();
    const start = this.at;
    const word = this.word();
    if (!/^\d+$/.test(word) || Number(word) > 255) throw this.expected('number', start);
    return Number(word);
  }

  private role(): Role {
    this.space();
    const start = this.at;
    const word = this.word().toLowerCase();
    const role = ROLES.find((known) => known === word);
    if (role === undefined) throw this.expected('role', start);
    return role;
  }

  node(depth: number): Policy {
    this.limits.enter(depth);
    this.space();
    const start = this.at;
    const next = this.text[start] ?? '';
    if (/^[0-9]$/.test(next)) return this.several(depth);
    if (next === "'" || next === '"' || next === '*') return this.principal(1);
    const word = this.word();
    // An organization may be called as a keyword is: the dot tells.
    if (word !== '' && this.text[this.at] === '.') {
      this.at = start;
      return this.principal(1);
    }
    return this.keyword(word.toUpperCase(), start, depth);
  }

  private keyword(word: string, start: number, depth: number): Policy {
    switch (word) {
      case 'AND': {
        const nodes = this.list(depth);
        return { kind: 'threshold', least: nodes.length, nodes };
      }
      case 'OR':
        return { kind: 'threshold', least: 1, nodes: this.list(depth) };
      case 'OUTOF': {
        this.sign('(');
        const least = this.number();
        this.sign(',');
        return { kind: 'threshold', least, nodes: this.restOfList(depth) };
      }
      case 'MAJORITY': {
        this.sign('(');
        const role = this.role();
        this.sign(')');
        return { kind: 'share', role, numerator: 1, denominator: 2 };
      }
      case 'MORE_THAN': {
        this.sign('(');
        const numerator = this.number();
        this.sign('/');
        const denominator = this.number();
        this.sign(',');
        const role = this.role();
        this.sign(')');
        return { kind: 'share', role, numerator, denominator };
      }
      case 'ANYONE':
        return { kind: 'anyone' };
      case 'NOBODY':
        return { kind: 'nobody' };
      default:
        throw this.expected('policy', start);
    }
  }

  /** `2 of (…)`, or `2 of 'Bank.admin'`. */
  private several(depth: number): Policy {
    const least = this.number();
    this.space();
    const start = this.at;
    if (this.word().toLowerCase() !== 'of') throw this.expected('of', start);
    this.space();
    const next = this.text[this.at] ?? '';
    if (next === '(') return { kind: 'threshold', least, nodes: this.list(depth) };
    if (/^[A-Za-z'"*]$/.test(next)) return this.principal(least);
    throw this.expected('several');
  }

  private list(depth: number): Policy[] {
    this.sign('(');
    return this.restOfList(depth);
  }

  private restOfList(depth: number): Policy[] {
    const nodes = [this.node(depth + 1)];
    while (this.isSign(',')) nodes.push(this.node(depth + 1));
    if (!this.isSign(')')) throw this.expected('list');
    return nodes;
  }

  private principal(least: number): Policy {
    this.space();
    const quote = this.text[this.at] === "'" || this.text[this.at] === '"' ? (this.text[this.at] as string) : null;
    if (quote !== null) this.at += 1;
    const start = this.at;
    let organization: string | null = null;
    if (!this.isSign('*')) {
      organization = this.word();
      if (!isName(organization)) throw this.expected('organization', start);
    }
    this.sign('.');
    const role = this.role();
    if (quote !== null) this.sign(quote);
    return { kind: 'principal', organization, role, least };
  }

  end(): void {
    this.space();
    if (this.at !== this.text.length) throw this.expected('end');
  }
}

/** Reads the text of a policy; throws `NoPolicy` with the column and what could stand there. */
export function parsePolicy(text: string): Policy {
  if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) throw new NoPolicy({ kind: 'tooLong' });
  const reader = new TextReader(text);
  const policy = reader.node(1);
  reader.end();
  return checked(policy);
}

/** The text of a form from the chain; its bytes when they are none that we know. */
export function showForm(form: Hex): string {
  try {
    return show(fromForm(form));
  } catch {
    return form;
  }
}
