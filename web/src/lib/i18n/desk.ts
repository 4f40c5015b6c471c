// The words of the desk: who takes part and who may do what. Apart from the others, so that a shopper does not load them;
// both languages come with the pages that need them.

import { deskEn, type DeskDictionary, type DeskKey } from './desk.en';
import { deskZh } from './desk.zh';
import { i18n } from './i18n.svelte';
import { fill, type Placeholders } from './translate';

type DeskValues<K extends DeskKey> = [Placeholders<(typeof deskEn)[K]>] extends [never] ? [] : [values: Record<Placeholders<(typeof deskEn)[K]>, string | number>];
type Counted<K extends DeskKey> = K extends `${infer Base}.other` ? (`${Base}.one` extends DeskKey ? Base : never) : never;
export type DeskCount = Counted<DeskKey>;

const dictionary = (): DeskDictionary => (i18n.language === 'en' ? deskEn : deskZh);

export function say<K extends DeskKey>(key: K, ...values: DeskValues<K>): string {
  return fill(dictionary()[key], values[0]);
}

/** The singular or plural of a count. */
export function sayCount(key: DeskCount, count: number): string {
  const one = new Intl.PluralRules(i18n.locale).select(count) === 'one';
  return fill(dictionary()[`${key}.${one ? 'one' : 'other'}`], { n: new Intl.NumberFormat(i18n.locale).format(count) });
}

/** For keys that come from the contracts; `null` when there are no words for one. */
export function sayAny(key: string, values: Readonly<Record<string, string>>): string | null {
  return key in deskEn ? fill(dictionary()[key as DeskKey], values) : null;
}
