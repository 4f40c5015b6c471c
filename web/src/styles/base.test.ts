import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TONES } from '../components/StateChip.svelte';

const css = readFileSync(new URL('./base.css', import.meta.url), 'utf8');

describe('tones', () => {
  it.each(Object.entries(TONES))('%s has the colours of its tone, %s', (_, tone) => {
    const rule = new RegExp(`^\\.${tone} \\{([^}]*)\\}`, 'm').exec(css)?.[1] ?? '';
    for (const name of ['--tone', '--tone-ink', '--tone-soft']) expect(rule).toContain(`${name}: var(`);
  });
});
