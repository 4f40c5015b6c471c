// Money is a whole number of minor units and a currency, from the ledger to the screen. No amount ever
// passes through a floating-point number: Intl receives the exact decimal as text.

export interface Currency {
  readonly code: string; // ISO 4217
  readonly address: `0x${string}`;
  readonly decimals: number; // digits of the minor unit: 2 for GBP, 0 for JPY
}

/** The amount as a plain decimal: (123456n, 2) is "1234.56". */
export function toDecimal(amount: bigint, decimals: number): `${number}` {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${sign}${text}` as `${number}`;
}

/** Reads minor units as the node writes them: decimal digits only, so that "1e3", "1.5" or "" never pass. */
export function parseMinorUnits(text: string): bigint {
  if (!/^-?\d{1,78}$/.test(text)) throw new RangeError(`not a whole number of minor units: ${text.slice(0, 90)}`);
  return BigInt(text);
}

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, currency: Currency, signed: boolean): Intl.NumberFormat {
  const key = `${locale} ${currency.code} ${currency.decimals} ${signed}`;
  let format = formats.get(key);
  if (format === undefined) {
    const digits = { minimumFractionDigits: currency.decimals, maximumFractionDigits: currency.decimals };
    const sign = signed ? ({ signDisplay: 'exceptZero' } as const) : {};
    format = /^[A-Z]{3}$/.test(currency.code)
      ? new Intl.NumberFormat(locale, { style: 'currency', currency: currency.code, ...digits, ...sign })
      : new Intl.NumberFormat(locale, { ...digits, ...sign });
    formats.set(key, format);
  }
  return format;
}

/** The amount as people of this locale write it; `signed` puts a plus before what comes in. */
export function formatMoney(amount: bigint, currency: Currency, locale: string, signed = false): string {
  const text = numberFormat(locale, currency, signed).format(toDecimal(amount, currency.decimals));
  return /^[A-Z]{3}$/.test(currency.code) ? text : `${text} ${currency.code}`;
}

/** Units of the ledger's own gas coin (18 decimals), without trailing zeros. */
export function formatGasCoin(wei: bigint, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 18 }).format(toDecimal(wei, 18));
}

/** Parts of a whole in per cent with one decimal that always add up to 100 (largest remainder). */
export function shares(parts: readonly bigint[]): number[] {
  const positive = parts.map((part) => (part > 0n ? part : 0n));
  const whole = positive.reduce((sum, part) => sum + part, 0n);
  if (whole === 0n) return parts.map(() => 0);
  const floors = positive.map((part) => (part * 1000n) / whole);
  const order = positive
    .map((part, index) => ({ index, rest: (part * 1000n) % whole }))
    .sort((a, b) => (b.rest > a.rest ? 1 : b.rest < a.rest ? -1 : a.index - b.index));
  let left = 1000n - floors.reduce((sum, part) => sum + part, 0n);
  for (const { index } of order) {
    if (left === 0n) break;
    floors[index] = (floors[index] ?? 0n) + 1n;
    left -= 1n;
  }
  return floors.map((part) => Number(part) / 10); // at most 1000: exact, and only for drawing
}
