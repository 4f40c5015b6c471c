// How hashes, numbers and moments are written. Pure: locale and the present come in as arguments.

/** Keeps both ends of a hash or address, which is what people compare. */
export function shorten(hex: string, head = 6, tail = 4): string {
  return hex.length <= head + tail + 3 ? hex : `${hex.slice(0, head + 2)}…${hex.slice(-tail)}`;
}

/** An order's spoken number: the first 8 digits of its id, "4F3A-9C21". The address line keeps the whole id. */
export function orderNumber(id: string): string {
  const digits = id.replace(/^0x/, '').slice(0, 8).toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

export function formatInteger(value: bigint | number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

export function formatNumber(value: number, locale: string, digits: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

export function formatPercent(part: bigint, whole: bigint, locale: string): string {
  const perMille = whole === 0n ? 0n : (part * 1000n) / whole;
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(Number(perMille) / 1000);
}

/** Block time: milliseconds below a second, else seconds with one decimal. */
export function formatSeconds(seconds: number, locale: string): string {
  const fast = seconds < 1;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: fast ? 'millisecond' : 'second',
    unitDisplay: 'narrow',
    maximumFractionDigits: fast ? 0 : 1,
  }).format(fast ? seconds * 1000 : seconds);
}

/** A span of whole seconds in words: "30 seconds", "2 minutes". */
export function formatDuration(seconds: number, locale: string): string {
  const minutes = seconds >= 60 && seconds % 60 === 0;
  return new Intl.NumberFormat(locale, { style: 'unit', unit: minutes ? 'minute' : 'second', unitDisplay: 'long' }).format(minutes ? seconds / 60 : seconds);
}

/** The time of day, to the second. */
export function formatClock(unixMilliseconds: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(unixMilliseconds);
}

export function formatBytes(bytes: bigint | number, locale: string): string {
  const size = Number(bytes);
  const large = size >= 10_000;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: large ? 'kilobyte' : 'byte',
    unitDisplay: large ? 'short' : 'long',
    maximumFractionDigits: 0,
  }).format(large ? size / 1000 : size);
}

export function formatMoment(unixSeconds: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(unixSeconds * 1000);
}

export function formatDay(unixSeconds: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(unixSeconds * 1000);
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/**
 * "3 seconds ago", "in 2 days". A moment up to a few seconds ahead counts as now: the reader's clock
 * and the validators' clocks are never quite the same.
 */
export function formatAge(unixSeconds: number, nowSeconds: number, locale: string, style: 'short' | 'long' = 'long'): string {
  const exact = Math.round(unixSeconds - nowSeconds);
  const seconds = exact > 0 && exact <= 5 ? 0 : exact;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  const numeric = unit === 'second' && seconds !== 0 ? 'always' : 'auto';
  return new Intl.RelativeTimeFormat(locale, { numeric, style }).format(Math.trunc(seconds / size), unit);
}
