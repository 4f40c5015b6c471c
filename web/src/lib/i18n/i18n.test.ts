import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en, type Key } from './en';
import { fill, placeholders } from './translate';
import { zh } from './zh';

const SOURCE = new URL('../../', import.meta.url);
const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts)$/.test(path) && !path.includes('i18n/') && !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(path, SOURCE), 'utf8') }));

const keys = Object.keys(en) as Key[];

describe('dictionaries', () => {
  it('have the same keys', () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort());
  });

  it.each(keys)('%s says something, with the same placeholders, in both languages', (key) => {
    expect(en[key].trim()).not.toBe('');
    expect(zh[key].trim()).not.toBe('');
    expect(placeholders(zh[key])).toEqual(placeholders(en[key]));
  });

  it('are translated', () => {
    const same = keys.filter((key) => zh[key] === en[key]);
    expect(same.sort()).toEqual(['app.name', 'field.nonce', 'gas.wei']);
  });
});

describe('source', () => {
  it('uses only keys that exist', () => {
    const unknown = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\b(?:t|plural)\('([^'$]+)'/g)]
        .map((match) => match[1] as string)
        .filter((key) => !(key in en) && !(`${key}.other` in en))
        .map((key) => `${path}: ${key}`),
    );
    expect(unknown).toEqual([]);
  });

  it('uses every key', () => {
    const all = sources.map(({ text }) => text).join('\n');
    // A key may be built from a prefix: t(`state.${order.state}`).
    const prefixes = [...all.matchAll(/`([a-z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map((match) => match[1] as string);
    const unused = keys.filter((key) => {
      const base = key.replace(/\.(one|other)$/, '');
      return !all.includes(`'${key}'`) && !all.includes(`'${base}'`) && !prefixes.some((prefix) => key.startsWith(prefix));
    });
    expect(unused).toEqual([]);
  });

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
