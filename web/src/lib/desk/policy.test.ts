import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluate, missing, type Approver } from './evaluate';
import { fromForm, NoPolicy, parsePolicy, show, showForm, toForm, type Policy, type Problem } from './policy';
import { bitsOf, fromWord, isName, ROLES, rolesOf, toWord, type Hex, type Role } from './words';

interface Golden {
  readonly policies: { text: string; canonical: string; form: string }[];
  readonly mistakes: { text: string; column: number; expected: string }[];
  readonly numbers: string[];
  readonly noForms: string[];
  readonly active: string[];
  readonly approvers: Record<string, { account: Hex; organization: string; roles: string }>;
  readonly evaluations: { text: string; approvers: string[]; holds: boolean }[];
}

// What every reader of policies must agree on: the Rust ones are tested with the same file.
const golden = JSON.parse(readFileSync(new URL('../../../../crates/identity/src/fixtures/policies.json', import.meta.url), 'utf8')) as Golden;

const rolesFrom = (text: string): number => bitsOf(text.split(',') as Role[]);

function problemOf(read: () => unknown): Problem {
  try {
    read();
  } catch (error) {
    if (error instanceof NoPolicy) return error.problem;
    throw error;
  }
  throw new Error('it is a policy');
}

/** The same numbers for the same seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NAMES = ['Bank', 'Brand', 'Shop', 'AND', 'a-b_9', 'O'.repeat(31)];

function arbitrary(next: (below: number) => number, depth = 1): Policy {
  const kind = depth < 4 ? next(7) : 3 + next(4);
  const role = ROLES[next(ROLES.length)] as Role;
  if (kind < 3) {
    const nodes = Array.from({ length: 1 + next(3) }, () => arbitrary(next, depth + 1));
    return { kind: 'threshold', least: 1 + next(nodes.length), nodes };
  }
  if (kind === 3) {
    const organization = next(4) === 0 ? null : (NAMES[next(NAMES.length)] as string);
    return { kind: 'principal', organization, role, least: 1 + next(next(3) > 0 ? 2 : organization === null ? 64 : 8) };
  }
  if (kind === 4) {
    const denominator = 1 + next(255);
    return { kind: 'share', role, numerator: next(denominator), denominator };
  }
  return { kind: next(2) === 0 ? 'anyone' : 'nobody' };
}

describe('policies', () => {
  it.each(golden.policies)('$text has one text and one form', ({ text, canonical, form }) => {
    const policy = parsePolicy(text);
    expect(show(policy)).toBe(canonical);
    expect(toForm(policy)).toBe(`0x${form}`);
    expect(show(fromForm(`0x${form}`))).toBe(canonical);
  });

  const EXPECTED: Record<string, string> = { 'a policy': 'policy', 'the end': 'end', '`,` or `)`': 'list', '`of`': 'of', 'a number': 'number', 'an organization': 'organization' };

  it.each(golden.mistakes)('$text: the mistake is in column $column', ({ text, column, expected }) => {
    const problem = problemOf(() => parsePolicy(text));
    expect(problem).toMatchObject({ kind: 'text', column });
    if (problem.kind !== 'text') return;
    const known = Object.entries(EXPECTED).find(([words]) => expected.startsWith(words))?.[1];
    if (expected.startsWith('a role')) expect(problem.expected).toBe('role');
    else if (known !== undefined) expect(problem.expected).toBe(known);
    else if (problem.expected === 'sign') expect(expected).toBe(`\`${problem.sign}\``);
    else expect(problem.expected).toBe('several');
  });

  it.each(golden.numbers)('%s asks for a number that cannot be', (text) => {
    expect(problemOf(() => parsePolicy(text)).kind).toBe('number');
  });

  it.each(golden.noForms)('0x%s is no form', (form) => {
    expect(problemOf(() => fromForm(`0x${form}`))).toBeTruthy();
    expect(showForm(`0x${form}`)).toBe(`0x${form}`);
  });

  it('keep their limits, in text and form', () => {
    const deep = (levels: number): string => `${'AND('.repeat(levels)}ANYONE${')'.repeat(levels)}`;
    const wide = (nodes: number): string => `OR(${Array.from({ length: nodes }, () => 'ANYONE').join(',')})`;
    const wideForm = (nodes: number): Hex => `0x01${nodes.toString(16).padStart(2, '0')}01${'04'.repeat(nodes)}`;
    expect(toForm(parsePolicy(deep(7)))).toBe(`0x${'010101'.repeat(7)}04`);
    expect(problemOf(() => parsePolicy(deep(8))).kind).toBe('tooDeep');
    expect(problemOf(() => fromForm(`0x${'010101'.repeat(8)}04`)).kind).toBe('tooDeep');
    expect(toForm(parsePolicy(wide(63)))).toBe(wideForm(63));
    expect(problemOf(() => parsePolicy(wide(64))).kind).toBe('tooManyNodes');
    expect(problemOf(() => fromForm(wideForm(64))).kind).toBe('tooManyNodes');
    expect(problemOf(() => parsePolicy('AND('.repeat(2_000))).kind).toBe('tooDeep');
    expect(problemOf(() => parsePolicy(' '.repeat(9_000))).kind).toBe('tooLong');
  });

  it('ask for no more accounts than may approve, as the contract does', () => {
    const contract = readFileSync(new URL('../../../../contracts/src/membership/Forms.sol', import.meta.url), 'utf8');
    const limit = (name: string): number => Number(new RegExp(` ${name} = (\\d+);`).exec(contract)?.[1]);
    const principal = (organization: Hex, least: number): Hex => `0x02${organization.slice(2)}01${least.toString(16).padStart(2, '0')}`;
    for (const [who, word, most, what] of [
      ['Bank', toWord('Bank'), limit('OWN_APPROVERS_MAX'), 'accountsOfOne'],
      ['*', `0x${'00'.repeat(32)}`, limit('APPROVERS_MAX'), 'accounts'],
    ] as const) {
      expect(most).toBeGreaterThan(1);
      expect(toForm(parsePolicy(`${most} of '${who}.admin'`))).toBe(principal(word, most));
      expect(show(fromForm(principal(word, most)))).toBe(`${most} of '${who}.admin'`);
      for (const least of [0, most + 1, 255]) {
        const problem = { kind: 'number', what };
        expect(problemOf(() => parsePolicy(`${least} of '${who}.admin'`))).toEqual(problem);
        expect(problemOf(() => parsePolicy(`OR(ANYONE, ${least} of ${who}.admin)`))).toEqual(problem);
        expect(problemOf(() => fromForm(principal(word, least)))).toEqual(problem);
      }
    }
  });

  it('survive both ways, whatever they are', () => {
    const next = random(20_261_126);
    for (let round = 0; round < 2_000; round += 1) {
      const policy = arbitrary(next);
      expect(fromForm(toForm(policy))).toEqual(policy);
      expect(parsePolicy(show(policy))).toEqual(policy);
    }
  });

  it('are the only thing that comes out of random bytes', () => {
    const next = random(7);
    let read = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Array.from({ length: next(12) }, () => (next(2) === 0 ? next(6) : next(256)));
      const form: Hex = `0x${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
      try {
        const policy = fromForm(form);
        read += 1;
        expect(toForm(policy)).toBe(form);
      } catch (error) {
        expect(error).toBeInstanceOf(NoPolicy);
      }
    }
    expect(read).toBeGreaterThan(10);
  });
});

describe('evaluation', () => {
  const people = (names: readonly string[]): Approver[] =>
    names.map((name) => {
      const known = golden.approvers[name];
      if (known === undefined) throw new Error(name);
      return { ...known, roles: rolesFrom(known.roles) };
    });

  it.each(golden.evaluations)('$text, with $approvers: $holds', ({ text, approvers, holds }) => {
    const finding = evaluate(parsePolicy(text), people(approvers), golden.active);
    expect(finding.holds).toBe(holds);
    expect(missing(finding).length > 0).toBe(!holds);
  });

  it('counts accounts of whatever organization together, as the contract does', () => {
    const policy = parsePolicy("3 of '*.admin'");
    expect(evaluate(policy, people(['ada', 'bob']), golden.active)).toMatchObject({ holds: false, have: 2, need: 3 });
    expect(evaluate(policy, people(['ada', 'bob', 'joe']), golden.active).holds).toBe(true);
  });

  it('says who is missing', () => {
    const finding = evaluate(parsePolicy("AND(MORE_THAN(2/3, admin), OR('Shop.bank', 2 of 'Bank.admin'))"), people(['ada', 'eve']), golden.active);
    expect(missing(finding)).toMatchObject([
      { kind: 'share', have: 1, need: 3, present: ['Bank'], absent: ['Brand', 'Shop'] },
      { kind: 'principal', organization: 'Shop', role: 'bank', have: 0, need: 1 },
      { kind: 'principal', organization: 'Bank', role: 'admin', have: 1, need: 2 },
    ]);
  });

  it('needs one organization more than the part, for every part', () => {
    for (let active = 1; active <= 9; active += 1) {
      const organizations = Array.from({ length: active }, (_, index) => `O${index}`);
      for (const [numerator, denominator] of [[0, 1], [1, 2], [2, 3], [3, 4], [1, 7]] as const) {
        const policy: Policy = { kind: 'share', role: 'admin', numerator, denominator };
        for (let count = 0; count <= active; count += 1) {
          const approvers = organizations.slice(0, count).map((organization, index) => ({ account: `0x${index.toString(16).padStart(40, '0')}` as Hex, organization, roles: 2 }));
          const finding = evaluate(policy, approvers, organizations);
          expect(finding.holds).toBe(finding.kind === 'share' && finding.have >= finding.need);
        }
      }
    }
  });

  it('never fails by more approvals', () => {
    const next = random(99);
    const crowd = Array.from({ length: 6 }, (_, index) => ({ account: `0x${String(index).repeat(40)}` as Hex, organization: golden.active[next(3)] as string, roles: next(2 ** 11) }));
    for (let round = 0; round < 500; round += 1) {
      const policy = arbitrary(next);
      let before = false;
      for (let count = 0; count <= crowd.length; count += 1) {
        const { holds } = evaluate(policy, crowd.slice(0, count), golden.active);
        expect(holds || !before).toBe(true);
        before = holds;
      }
    }
  });
});

describe('words', () => {
  it('are what the contracts keep', () => {
    expect(toWord('Bank')).toBe(`0x42616e6b${'00'.repeat(28)}`);
    expect(fromWord(toWord('O'.repeat(31)))).toBe('O'.repeat(31));
    expect(fromWord(`0x${'00'.repeat(32)}`)).toBeNull();
    for (const text of ['', '1a', 'a b', 'ä', 'O'.repeat(32)]) {
      expect(isName(text)).toBe(false);
      expect(() => toWord(text)).toThrow();
    }
  });

  it('name roles by their bits', () => {
    expect(bitsOf(['admin', 'shopper'])).toBe(1026);
    expect(rolesOf(1026)).toEqual(['admin', 'shopper']);
    expect(bitsOf(ROLES)).toBe(2047);
  });
});
