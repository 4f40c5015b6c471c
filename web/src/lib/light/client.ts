// Verifies, in this browser, what the page shows of an order: the escrow's record of it in a final block, and
// each of its transactions with the event it logged.

import { NotProven } from './error';
import { asAddress, currencySlot, orderSlots, readRecord } from './order';
import { readAccountProof, readCheckpoint, readFinalityProof, readTransactionProof, type Checkpoint, type Hex } from './read';
import { verifyAccount } from './state';
import { Trust, type Origin } from './trust';
import { Verifier, verifyTransaction, type FinalBlock } from './verifier';
import type { Order } from '../orders/model';

export type Ask = (method: string, params: unknown[]) => Promise<unknown>;

export interface Verified {
  readonly block: FinalBlock;
  readonly transactions: number;
  readonly origin: Origin;
  readonly anchor: Checkpoint;
}

const EVENTS_MAX = 32;

const quantity = (number: bigint) => `0x${number.toString(16)}`;

/** What this browser trusts; at the first visit that is what its own node says of genesis. */
export async function anchorOf(trust: Trust, ask: Ask): Promise<Checkpoint> {
  const known = trust.anchor;
  if (known !== null) return known;
  const told = readCheckpoint(await ask('hanse_getCheckpoint', ['0x0']));
  new Verifier(told); // refuses what makes no sense, and chains that nobody signs
  trust.pin(told, 'first-visit');
  return told;
}

async function lastBlock(trust: Trust, ask: Ask): Promise<FinalBlock> {
  const verifier = new Verifier(trust.startFor(null));
  const proof = readFinalityProof(await ask('hanse_getFinalityProof', ['finalized', quantity(verifier.checkpoint.number)]));
  const block = await verifier.finality(proof, proof.number);
  trust.advance(verifier.checkpoint);
  return block;
}

async function storage(ask: Ask, block: FinalBlock, address: Hex, slots: readonly bigint[]): Promise<readonly bigint[]> {
  const at = { blockHash: block.header.hash };
  const proof = readAccountProof(await ask('eth_getProof', [address, slots.map(quantity), at]));
  return verifyAccount(proof, block.header.stateRoot, address, slots).values;
}

/** Checks everything that the page shows of an order. `escrow` is where the node says it is. */
export async function verifyOrder(order: Order, escrow: Hex, trust: Trust, ask: Ask): Promise<Verified> {
  const anchor = await anchorOf(trust, ask);
  trust.requireEscrow(escrow);
  const block = await lastBlock(trust, ask);
  await verifyRecord(order, escrow, block, ask);
  // The newest matter most, should there ever be very many.
  const events = order.events.slice(-EVENTS_MAX);
  const hashes = [...new Set(events.map((event) => event.transactionHash))];
  for (const hash of hashes) {
    const shown = events.filter((event) => event.transactionHash === hash);
    await verifyEvents(order, escrow, hash, shown, trust, ask);
  }
  return { block, transactions: hashes.length, origin: trust.origin, anchor };
}

async function verifyRecord(order: Order, escrow: Hex, block: FinalBlock, ask: Ask): Promise<void> {
  const record = readRecord(await storage(ask, block, escrow, orderSlots(order.id)));
  if (record === null) throw new NotProven('content', `the escrow has no such order in block ${block.header.number}`);
  const [currency = 0n] = await storage(ask, block, escrow, [currencySlot(record.currencyNumber)]);
  const same = (what: string, shown: unknown, proven: unknown) => {
    if (shown !== proven) throw new NotProven('content', `the ${what} is ${String(proven)}, the node told this page ${String(shown)}`);
  };
  same('state', order.state, record.state);
  same('amount', order.amount, record.amount);
  same('delivery charge', order.shippingFee, record.shippingFee);
  same('refund', order.refunded, record.refunded);
  same('currency', order.currency, asAddress(currency));
  same('shopper', order.shopper, record.shopper);
  same('merchant', order.merchant, record.merchant);
  same('carrier', order.carrier, record.carrier);
  same('document', order.document, record.document);
  same('time of payment', order.authorizedAt, record.authorizedAt);
}

async function verifyEvents(order: Order, escrow: Hex, hash: Hex, shown: Order['events'], trust: Trust, ask: Ask): Promise<void> {
  const height = (shown[0] as Order['events'][number]).blockNumber;
  const verifier = new Verifier(trust.startFor(height));
  const answer = await ask('hanse_getTransactionProof', [hash, quantity(verifier.checkpoint.number)]);
  if (answer === null) throw new NotProven('content', `the node cannot prove transaction ${hash}`);
  const proof = readTransactionProof(answer);
  const block = await verifier.finality(proof, height);
  const receipt = verifyTransaction(proof, block, hash);
  const { escrowAbi } = await import('../abi/escrow');
  const { toEventSelector } = await import('viem');
  for (const event of shown) {
    if (block.header.timestamp !== event.timestamp) throw new NotProven('content', `block ${height} has another time than is shown`);
    const abi = escrowAbi.find((one) => one.type === 'event' && one.name === event.name);
    const selector = abi === undefined || abi.type !== 'event' ? null : toEventSelector(abi);
    const isThere = receipt.logs.some((log) => log.address === escrow && log.topics[0] === selector && log.topics[1] === order.id);
    if (!receipt.succeeded || !isThere) throw new NotProven('content', `transaction ${hash} logged no event ${event.name} of this order`);
  }
}
