// What the page asks the Escrow and Currency contracts, through their generated bindings. Apart from the
// other calls so that a page without contracts does not load the ABI coder.

import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { currencyAbi } from '../abi/currency';
import { escrowAbi } from '../abi/escrow';
import { call } from './chain';

type Hex = `0x${string}`;

export async function fetchCurrencyBalance(currency: Hex, holder: Hex, signal?: AbortSignal): Promise<bigint> {
  const data = encodeFunctionData({ abi: currencyAbi, functionName: 'balanceOf', args: [holder] });
  return decodeFunctionResult({ abi: currencyAbi, functionName: 'balanceOf', data: await call(currency, data, signal) });
}

export async function fetchCurrencySupply(currency: Hex, signal?: AbortSignal): Promise<bigint> {
  const data = encodeFunctionData({ abi: currencyAbi, functionName: 'totalSupply' });
  return decodeFunctionResult({ abi: currencyAbi, functionName: 'totalSupply', data: await call(currency, data, signal) });
}

/** The currency an order is paid in; `null` when the escrow does not know the order. */
export async function fetchOrderCurrency(escrow: Hex, orderId: Hex, signal?: AbortSignal): Promise<Hex | null> {
  const data = encodeFunctionData({ abi: escrowAbi, functionName: 'order', args: [orderId] });
  const order = decodeFunctionResult({ abi: escrowAbi, functionName: 'order', data: await call(escrow, data, signal) });
  return order.state === 0 ? null : order.terms.currency.toLowerCase() as Hex;
}
