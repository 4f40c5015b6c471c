import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deskEn } from './desk.en';
import { deskZh } from './desk.zh';
import { en } from './en';
import { fill, placeholders } from './translate';
import { zh } from './zh';

const SOURCE = new URL('../../', import.meta.url);
const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts)$/.test(path) && !path.includes('i18n/') && !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(path, SOURCE), 'utf8') }));

type Dictionary = Readonly<Record<string, string>>;

const DICTIONARIES: readonly { name: string; english: Dictionary; chinese: Dictionary; same: string[]; call: RegExp }[] = [
  { name: 'pages', english: en, chinese: zh, same: ['app.name', 'field.nonce', 'gas.wei'], call: /\b(?:t|plural)\('([^'$]+)'/g },
  { name: 'desk', english: deskEn, chinese: deskZh, same: ['pem.placeholder'], call: /\b(?:say|sayCount)\('([^'$]+)'/g },
];

describe.each(DICTIONARIES)('dictionary of the $name', ({ english, chinese, same, call }) => {
  const keys = Object.keys(english);

  it('has the same keys in both languages', () => {
    expect(Object.keys(chinese).sort()).toEqual([...keys].sort());
  });

  it.each(keys)('%s says something, with the same placeholders, in both languages', (key) => {
    expect(english[key]?.trim()).not.toBe('');
    expect(chinese[key]?.trim()).not.toBe('');
    expect(placeholders(chinese[key] ?? '')).toEqual(placeholders(english[key] ?? ''));
  });

  it('is translated', () => {
    expect(keys.filter((key) => chinese[key] === english[key]).sort()).toEqual(same);
  });

  it('has all keys that are used', () => {
    const unknown = sources.flatMap(({ path, text }) =>
      [...text.matchAll(call)]
        .map((match) => match[1] as string)
        .filter((key) => !(key in english) && !(`${key}.other` in english))
        .map((key) => `${path}: ${key}`),
    );
    expect(unknown).toEqual([]);
  });

  it('has no others', () => {
    const all = sources.map(({ text }) => text).join('\n');
    // A key may be built from a prefix: t(`state.${order.state}`).
    const prefixes = [...all.matchAll(/`([a-z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map((match) => match[1] as string);
    const unused = keys.filter((key) => {
      const base = key.replace(/\.(one|other)$/, '');
      return !all.includes(`'${key}'`) && !all.includes(`'${base}'`) && !prefixes.some((prefix) => key.startsWith(prefix));
    });
    expect(unused).toEqual([]);
  });
});

describe('source', () => {
  it('has no words outside the dictionaries', () => {
    const spoken = sources
      .filter(({ path }) => path.endsWith('.svelte'))
      .flatMap(({ path, text }) => {
        const markup = text
          .replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, '')
          .replace(/\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}/g, ' ');
        const texts = [...markup.matchAll(/>([^<>]*)</g)].map((match) => match[1] as string);
        const labels = [...markup.matchAll(/(?:aria-label|title|placeholder|alt)="([^"]*)"/g)].map((match) => match[1] as string);
        return [...texts, ...labels].filter((found) => /\p{L}{2,}/u.test(found)).map((found) => `${path}: ${found.trim()}`);
      });
    expect(spoken).toEqual([]);
  });
});

describe('fill', () => {
  it('puts values in, and leaves what it does not know visible', () => {
    expect(fill('{a} of {b}', { a: 1, b: 'two' })).toBe('1 of two');
    expect(fill('{a}', {})).toBe('{a}');
    expect(fill('{a}', { a: '{b}', b: 'no' })).toBe('{b}'); // a value is never read as a message
  });
});
