import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatDuration, formatInteger, formatPercent, formatSeconds, orderNumber, shorten } from './format';

describe('shorten', () => {
  it('keeps both ends', () => {
    expect(shorten('0x1234567890abcdef1234567890abcdef12345678')).toBe('0x123456…5678');
  });
  it('leaves short text alone', () => {
    expect(shorten('0x1234')).toBe('0x1234');
  });
});

describe('orderNumber', () => {
  it('is two groups of four', () => {
    expect(orderNumber(`0x4f3a9c21${'0'.repeat(56)}`)).toBe('4F3A-9C21');
  });
});

describe('numbers', () => {
  it('take bigints beyond 2^53 exactly', () => {
    expect(formatInteger(9007199254740993n, 'en-GB')).toBe('9,007,199,254,740,993');
  });
  it('write a share of gas', () => {
    expect(formatPercent(1n, 3n, 'en-GB')).toBe('33.3%');
    expect(formatPercent(0n, 0n, 'en-GB')).toBe('0%');
  });
  it('write block times', () => {
    expect(formatSeconds(0.25, 'en-GB')).toBe('250ms');
    expect(formatSeconds(2, 'en-GB')).toBe('2s');
    expect(formatSeconds(2, 'zh-CN')).toBe('2秒');
    expect([1, 30, 60, 90, 120].map((seconds) => formatDuration(seconds, 'en-GB'))).toEqual(['1 second', '30 seconds', '1 minute', '90 seconds', '2 minutes']);
    expect(formatDuration(120, 'zh-CN')).toBe('2分钟');
  });
  it('write sizes', () => {
    expect(formatBytes(620n, 'en-GB')).toBe('620 bytes');
    expect(formatBytes(1_250_000n, 'en-GB')).toBe('1,250 kB');
  });
});

describe('formatAge', () => {
  const now = 1_800_000_000;
  it.each([
    [0, 'now'],
    [3, 'now'], // a fast validator clock
    [-3, '3 seconds ago'],
    [-75, '1 minute ago'],
    [-7_300, '2 hours ago'],
    [-86_400, 'yesterday'],
    [172_800, 'in 2 days'],
  ])('%s seconds from now is "%s"', (offset, text) => {
    expect(formatAge(now + offset, now, 'en-GB')).toBe(text);
  });
  it('speaks Chinese', () => {
    expect(formatAge(now - 3, now, 'zh-CN')).toBe('3秒钟前');
    expect(formatAge(now, now, 'zh-CN')).toBe('现在');
  });
});
