// The reader's language: remembered, switchable, and followed by <html lang>. Chinese loads on demand.

import { en, type Dictionary, type Key } from './en';
import { fill, type PluralKey, type Values } from './translate';

export type Language = 'en' | 'zh-CN';

const STORAGE_KEY = 'hanse.language';
const LOCALES: Record<Language, string> = { en: 'en-GB', 'zh-CN': 'zh-CN' };

let language = $state<Language>('en');
let dictionary = $state.raw<Dictionary>(en);

export const i18n = {
  get language(): Language {
    return language;
  },
  /** For Intl. */
  get locale(): string {
    return LOCALES[language];
  },
};

export async function setLanguage(next: Language): Promise<void> {
  const loaded = next === 'en' ? en : (await import('./zh')).zh;
  dictionary = loaded;
  language = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
}

export function preferredLanguage(): Language {
  let remembered: string | null = null;
  try {
    remembered = localStorage.getItem(STORAGE_KEY);
  } catch {
    // As above.
  }
  if (remembered === 'en' || remembered === 'zh-CN') return remembered;
  return navigator.languages.find((known) => /^(zh|en)\b/i.test(known))?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export function t<K extends Key>(key: K, ...values: Values<K>): string {
  return fill(dictionary[key], values[0]);
}

/** The singular or plural of a count, by the rules of the language. */
export function plural(key: PluralKey, count: number): string {
  const one = new Intl.PluralRules(i18n.locale).select(count) === 'one';
  const n = new Intl.NumberFormat(i18n.locale).format(count);
  return fill(dictionary[`${key}.${one ? 'one' : 'other'}`], { n });
}
