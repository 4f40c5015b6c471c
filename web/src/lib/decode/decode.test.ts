import { encodeAbiParameters, encodeErrorResult, encodeEventTopics, encodeFunctionData } from 'viem';
import { describe, expect, it } from 'vitest';
import { currencyAbi } from '../abi/currency';
import { escrowAbi } from '../abi/escrow';
import { currencyIn, decodeCall, decodeLog, decodeRefusal, orderIn, type ContractOf, type Decoded } from './decode';

type Hex = `0x${string}`;
const escrow: Hex = `0x${'e5'.repeat(20)}`;
const currency: Hex = `0x${'c0'.repeat(20)}`;
const stranger: Hex = `0x${'99'.repeat(20)}`;
const someone: Hex = `0x${'a1'.repeat(20)}`;
const orderId: Hex = `0x${'4f'.repeat(32)}`;
const word: Hex = `0x${'07'.repeat(32)}`;
const contractOf: ContractOf = (address) => (address === escrow ? 'escrow' : address === currency ? 'currency' : null);

const terms = {
  merchant: someone,
  carrier: someone,
  currency,
  amount: 2n ** 96n - 1n,
  shippingFee: 500n,
  shipBy: 1_800_086_400n,
  deliverBy: 1_800_172_800n,
  inspectionSeconds: 3600,
  document: word,
};

const field = (decoded: Decoded | null, name: string) => decoded?.fields.find((known) => known.name === name)?.value;

describe('decodeCall', () => {
  it('names an order being paid, down to its terms', () => {
    const input = encodeFunctionData({ abi: escrowAbi, functionName: 'authorize', args: [orderId, terms] });
    const decoded = decodeCall(escrow, input, contractOf);
    expect(decoded?.name).toBe('authorize');
    expect(field(decoded, 'orderId')).toEqual({ kind: 'order', value: orderId });
    const inner = field(decoded, 'terms');
    const named = inner?.kind === 'fields' ? Object.fromEntries(inner.value.map((known) => [known.name, known.value])) : {};
    expect(named['amount']).toEqual({ kind: 'amount', value: 2n ** 96n - 1n });
    expect(named['shipBy']).toEqual({ kind: 'time', value: 1_800_086_400n });
    expect(named['inspectionSeconds']).toEqual({ kind: 'text', value: '3600' });
    expect(decoded && currencyIn(decoded)).toBe(currency);
    expect(decoded && orderIn(decoded)).toBe(orderId);
  });

  it('names a transfer of money', () => {
    const input = encodeFunctionData({ abi: currencyAbi, functionName: 'transfer', args: [someone, 1234n] });
    const decoded = decodeCall(currency, input, contractOf);
    expect(decoded?.name).toBe('transfer');
    expect(field(decoded, 'to')).toEqual({ kind: 'address', value: someone });
    expect(field(decoded, 'value')).toEqual({ kind: 'amount', value: 1234n });
  });

  it('leaves the rest raw', () => {
    const input = encodeFunctionData({ abi: currencyAbi, functionName: 'transfer', args: [someone, 1n] });
    expect(decodeCall(stranger, input, contractOf)).toBeNull();
    expect(decodeCall(null, input, contractOf)).toBeNull();
    expect(decodeCall(currency, '0x', contractOf)).toBeNull();
    expect(decodeCall(currency, '0xdeadbeef', contractOf)).toBeNull();
    expect(decodeCall(escrow, `${input.slice(0, 20)}` as Hex, contractOf)).toBeNull();
  });
});

describe('decodeLog', () => {
  it('reads every event of the life of an order', () => {
    for (const eventName of ['Authorized', 'Shipped', 'Delivered', 'Captured', 'Cancelled', 'Expired', 'Refunded'] as const) {
      const item = escrowAbi.find((known) => known.type === 'event' && known.name === eventName);
      const inputs = (item as { inputs: readonly { name: string; indexed: boolean }[] }).inputs;
      const values: Record<string, unknown> = { orderId, shopper: someone, merchant: someone, carrier: someone, by: someone, terms, tracking: word, proof: word, reason: word, amount: 7n, toMerchant: 5n, toCarrier: 2n };
      const topics = encodeEventTopics({ abi: escrowAbi, eventName, args: values } as never) as Hex[];
      const plain = inputs.filter((input) => !input.indexed);
      const data = encodeAbiParameters(plain as never, plain.map((input) => values[input.name]) as never);
      const decoded = decodeLog({ address: escrow, topics, data }, contractOf);
      expect(decoded?.name).toBe(eventName);
      expect(decoded && orderIn(decoded)).toBe(orderId);
      expect(decoded?.fields).toHaveLength(inputs.length);
    }
  });

  it('leaves foreign and broken logs raw', () => {
    const topics = encodeEventTopics({ abi: currencyAbi, eventName: 'Transfer', args: { from: someone, to: someone } }) as Hex[];
    const data = encodeAbiParameters([{ type: 'uint256' }], [5n]);
    expect(decodeLog({ address: currency, topics, data }, contractOf)?.name).toBe('Transfer');
    expect(decodeLog({ address: stranger, topics, data }, contractOf)).toBeNull();
    expect(decodeLog({ address: currency, topics, data: '0x12' }, contractOf)).toBeNull();
    expect(decodeLog({ address: currency, topics: [], data }, contractOf)).toBeNull();
  });
});

describe('decodeRefusal', () => {
  it("reads the escrow's reasons, and the currency's behind them", () => {
    const wrong = encodeErrorResult({ abi: escrowAbi, errorName: 'NotAllowed', args: [orderId, someone] });
    expect(decodeRefusal('escrow', wrong)?.name).toBe('NotAllowed');
    const state = encodeErrorResult({ abi: escrowAbi, errorName: 'WrongState', args: [orderId, 4] });
    expect(field(decodeRefusal('escrow', state), 'state')).toEqual({ kind: 'text', value: 'Captured' });
    const poor = encodeErrorResult({ abi: currencyAbi, errorName: 'ERC20InsufficientBalance', args: [someone, 1n, 2n] });
    expect(decodeRefusal('escrow', poor)).toMatchObject({ contract: 'currency', name: 'ERC20InsufficientBalance' });
    expect(decodeRefusal('escrow', '0xdeadbeef')).toBeNull();
  });
});
