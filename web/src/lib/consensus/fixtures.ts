// Small networks for the tests of this folder.

import type { Certificate, Validator, Validators } from './model';

type Hex = `0x${string}`;

export const address = (digit: string): Hex => `0x${digit.repeat(40)}`;
export const hash = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`;

export function validator(digit: string, power = 1n, more: Partial<Validator> = {}): Validator {
  return { address: address(digit), name: digit, standing: 'active', since: 0n, power, proposes: true, missed: 0, absentSeconds: 0, votesFrom: 0n, connected: true, ...more };
}

export function setOf(powers: readonly bigint[]): Validators {
  const total = powers.reduce((sum, power) => sum + power, 0n);
  return { decides: 1n, totalPower: total, quorumPower: (total * 2n) / 3n + 1n, contract: address('c'), validators: powers.map((power, index) => validator((index + 1).toString(16), power)), rules: null };
}

export function certificate(number: number, signed: string, absent: string, proposer = '1', round = 0): Certificate {
  return {
    number: BigInt(number), hash: hash(number), round, proposer: address(proposer),
    signatures: [...signed].map((digit) => ({ validator: address(digit), signature: '0x' })),
    absent: [...absent].map(address),
    signedPower: BigInt(signed.length), totalPower: BigInt(signed.length + absent.length),
  };
}
