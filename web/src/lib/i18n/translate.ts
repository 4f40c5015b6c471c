// Fills a message's {placeholders}. The types make a wrong key, or a forgotten value, a compile error.

import type { en, Key } from './en';

export type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

/** What `t` needs besides the key: nothing, or a value for each placeholder of the English message. */
export type Values<K extends Key> = [Placeholders<(typeof en)[K]>] extends [never]
  ? []
  : [values: Record<Placeholders<(typeof en)[K]>, string | number>];

type Counted<K extends Key> = K extends `${infer Base}.other` ? (`${Base}.one` extends Key ? Base : never) : never;

/** The stem of a pair of keys ending in .one and .other. */
export type PluralKey = Counted<Key>;

export function fill(message: string, values: Readonly<Record<string, string | number>> = {}): string {
  return message.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

export function placeholders(message: string): string[] {
  return [...message.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string).sort();
}
