// What the page asks the Escrow and Currency contracts, through their generated bindings. Apart from the
// other calls so that a page without contracts does not load the ABI coder.

import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { currencyAbi } from '../abi/currency';
import { escrowAbi } from '../abi/escrow';
import type { Deadlines } from '../orders/timeline';
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

/** What an order's terms say about time; `null` when the escrow does not know the order. */
export async function fetchDeadlines(escrow: Hex, orderId: Hex, signal?: AbortSignal): Promise<Deadlines | null> {
  const order = await fetchEscrowOrder(escrow, orderId, signal);
  if (order.state === 0) return null;
  const { shipBy, deliverBy, inspectionSeconds } = order.terms;
  return { shipBy: Number(shipBy), deliverBy: Number(deliverBy), inspectionSeconds };
}

async function fetchEscrowOrder(escrow: Hex, orderId: Hex, signal?: AbortSignal) {
  const data = encodeFunctionData({ abi: escrowAbi, functionName: 'order', args: [orderId] });
  return decodeFunctionResult({ abi: escrowAbi, functionName: 'order', data: await call(escrow, data, signal) });
}

/** The currency an order is paid in; `null` when the escrow does not know the order. */
export async function fetchOrderCurrency(escrow: Hex, orderId: Hex, signal?: AbortSignal): Promise<Hex | null> {
  const order = await fetchEscrowOrder(escrow, orderId, signal);
  return order.state === 0 ? null : order.terms.currency.toLowerCase() as Hex;
}
