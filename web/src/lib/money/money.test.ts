import { describe, expect, it } from 'vitest';
import { formatGasCoin, formatMoney, parseMinorUnits, shares, toDecimal, type Currency } from './money';

const address = '0x0000000000000000000000000000000000000001';
const gbp: Currency = { code: 'GBP', address, decimals: 2 };
const jpy: Currency = { code: 'JPY', address, decimals: 0 };
const kwd: Currency = { code: 'KWD', address, decimals: 3 };
const cny: Currency = { code: 'CNY', address, decimals: 2 };

describe('toDecimal', () => {
  it.each([
    [123456n, 2, '1234.56'],
    [0n, 2, '0.00'],
    [5n, 2, '0.05'],
    [-5n, 2, '-0.05'],
    [-123n, 0, '-123'],
    [1n, 18, '0.000000000000000001'],
    [99999999999999999999999999n, 2, '999999999999999999999999.99'],
  ])('%s with %s decimals is %s', (amount, decimals, text) => {
    expect(toDecimal(amount, decimals)).toBe(text);
  });

  it('keeps every digit of the largest amount an order can hold', () => {
    const most = 2n ** 128n - 1n;
    expect(toDecimal(most, 2).replace('.', '')).toBe(most.toString());
  });
});

describe('formatMoney', () => {
  it('follows locale and minor unit', () => {
    expect(formatMoney(123456n, gbp, 'en-GB')).toBe('£1,234.56');
    expect(formatMoney(123456n, jpy, 'en-GB')).toBe('JP¥123,456');
    expect(formatMoney(123456n, kwd, 'en-GB').replace(/\s/g, ' ')).toBe('KWD 123.456');
    expect(formatMoney(123456n, cny, 'zh-CN')).toBe('¥1,234.56');
    expect(formatMoney(123456n, cny, 'en-GB')).toBe('CN¥1,234.56');
  });

  it('is exact where a double is not', () => {
    // 2^53 + 1 minor units: as a double this would end in .92 instead of .93.
    expect(formatMoney(9007199254740993n, gbp, 'en-GB')).toBe('£90,071,992,547,409.93');
  });

  it('shows signs when asked', () => {
    expect(formatMoney(500n, gbp, 'en-GB', true)).toBe('+£5.00');
    expect(formatMoney(-500n, gbp, 'en-GB', true)).toBe('-£5.00');
    expect(formatMoney(0n, gbp, 'en-GB', true)).toBe('£0.00');
  });

  it('survives a code that is not ISO 4217', () => {
    expect(formatMoney(1050n, { code: 'points', address, decimals: 2 }, 'en-GB')).toBe('10.50 points');
  });
});

describe('parseMinorUnits', () => {
  it('reads whole numbers', () => {
    expect(parseMinorUnits('0')).toBe(0n);
    expect(parseMinorUnits('340282366920938463463374607431768211455')).toBe(2n ** 128n - 1n);
    expect(parseMinorUnits('-7')).toBe(-7n);
  });

  it.each(['', ' 1', '1.5', '1e3', '0x10', '1,000', 'NaN', '١'])('refuses %j', (text) => {
    expect(() => parseMinorUnits(text)).toThrow(RangeError);
  });
});

describe('formatGasCoin', () => {
  it('drops trailing zeros and keeps the last wei', () => {
    expect(formatGasCoin(10n ** 18n, 'en-GB')).toBe('1');
    expect(formatGasCoin(10n ** 18n + 1n, 'en-GB')).toBe('1.000000000000000001');
    expect(formatGasCoin(0n, 'en-GB')).toBe('0');
  });
});

describe('shares', () => {
  it('always add up to the whole', () => {
    for (const parts of [[1n, 1n, 1n], [1n, 2n, 4n], [999n, 1n], [0n, 7n, 0n, 3n], [10n ** 30n, 1n]]) {
      const tenths = shares(parts).map((share) => Math.round(share * 10));
      expect(tenths.reduce((sum, share) => sum + share, 0)).toBe(1000);
    }
  });

  it('give negative and empty parts nothing', () => {
    expect(shares([-5n, 5n, 10n])).toEqual([0, 33.3, 66.7]);
    expect(shares([0n, 0n])).toEqual([0, 0]);
  });
});
