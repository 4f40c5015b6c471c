// Accounts and slots in the state after a final block, and the validators that their contract's slots name.

import { keccak256, numberToHex } from 'viem';
import { NotProven } from './error';
import { VALIDATORS_MAX, type AccountProof, type Hex, type Seat, type SetProof } from './read';
import { decodeRlp, isBytes, Nodes, toHex, toNumber, type Item } from './trie';

const ZERO = `0x${'0'.repeat(64)}` as Hex;
const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421' as Hex;
const EMPTY_CODE = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470' as Hex;

/** Where `Validators.sol` keeps its seats; each has two slots. */
const SEATS_SLOT = 2n;

export interface Account {
  readonly exists: boolean;
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly storageRoot: Hex;
  readonly codeHash: Hex;
}

const word = (number: bigint): Hex => numberToHex(number, { size: 32 });
const slotKey = (slot: bigint): Hex => keccak256(word(slot));

function accountIn(nodes: Nodes, root: Hex, address: Hex, what: string): Account {
  const found = nodes.get(root, keccak256(address));
  if (found === null) return { exists: false, nonce: 0n, balance: 0n, storageRoot: EMPTY_ROOT, codeHash: EMPTY_CODE };
  const items = decodeRlp(found);
  const [nonce, balance, storageRoot, codeHash] = items === null || isBytes(items) ? ([] as Item[]) : items;
  if (!isBytes(nonce) || !isBytes(balance) || !isBytes(storageRoot) || !isBytes(codeHash)) {
    throw new NotProven('state', `the Merkle proof of ${what} is not valid: the value does not decode`);
  }
  return {
    exists: true,
    nonce: toNumber(nonce),
    balance: toNumber(balance),
    storageRoot: toHex(storageRoot),
    codeHash: toHex(codeHash),
  };
}

/** Checks an answer of `eth_getProof`; gives the account, and the values of `slots` in their order. */
export function verifyAccount(proof: AccountProof, stateRoot: Hex, address: Hex, slots: readonly bigint[]): Account & { readonly values: readonly bigint[] } {
  if (proof.address !== address.toLowerCase()) throw new NotProven('state', 'the proof is of another account');
  if (proof.storageProof.length !== slots.length || slots.some((slot, at) => proof.storageProof[at]?.key !== slot)) {
    throw new NotProven('state', 'the proof is of another slot');
  }
  const accounts = new Nodes(proof.accountProof, 'the account');
  const account = accountIn(accounts, stateRoot, address, 'the account');
  accounts.finish();
  // Servers differ in what they say of an account that is not there: zero, or the hash of nothing.
  const nothing = (said: Hex) => !account.exists && said === ZERO;
  const same = (field: string, alike: boolean) => {
    if (!alike) throw new NotProven('state', `the ${field} is not what the server says`);
  };
  same('nonce', account.nonce === proof.nonce);
  same('balance', account.balance === proof.balance);
  same('code hash', account.codeHash === proof.codeHash || nothing(proof.codeHash));
  same('storage root', account.storageRoot === proof.storageHash || nothing(proof.storageHash));
  const values = proof.storageProof.map((one) => {
    const nodes = new Nodes(one.proof, 'the slot');
    const value = nodes.number(account.storageRoot, slotKey(one.key));
    nodes.finish();
    same(`value of slot ${one.key}`, value === one.value);
    return value;
  });
  return { ...account, values };
}

/** Where `Engines.sol` keeps the number of its changes; each has two slots. */
const CHANGES_SLOT = 0n;

/**
 * The contract that knows who decides block `number`: by genesis, or by what members have voted for, as the state of the block
 * before says. Only the last change may lie ahead, so the one before it holds then.
 */
function contractBy(proof: SetProof, stateRoot: Hex, accounts: Nodes, network: SetNetwork, number: bigint): Hex {
  if (network.engineVotes === undefined) {
    if (proof.engineVotes !== null) throw new NotProven('links', `block ${number}: a proof of votes where nobody votes`);
    return network.contractAt(number);
  }
  const what = 'the votes on the engine';
  if (proof.engineVotes === null) throw new NotProven('links', `it is not proven which contract knows the validators of block ${number}: members may have changed it`);
  const votes = accountIn(accounts, stateRoot, network.engineVotes, what);
  if (!votes.exists) throw new NotProven('state', `there is no contract at ${network.engineVotes}`);
  const nodes = new Nodes(proof.engineVotes, what);
  const read = (slot: bigint) => nodes.number(votes.storageRoot, slotKey(slot));
  const first = BigInt(keccak256(word(CHANGES_SLOT)));
  // From the right: 20 bytes of contract, 8 of height, 1 of kind.
  const change = (index: bigint) => {
    const packed = read(BigInt.asUintN(256, first + 2n * index));
    return { from: BigInt.asUintN(64, packed >> 160n), contract: numberToHex(BigInt.asUintN(160, packed), { size: 20 }) };
  };
  const count = read(CHANGES_SLOT);
  let current = count > 0n ? change(count - 1n) : null;
  if (current !== null && current.from > number) current = count > 1n ? change(count - 2n) : null;
  nodes.finish();
  return current === null ? network.contractAt(number) : current.contract;
}

/** What is known of the network when a set is proven. */
export interface SetNetwork {
  readonly engineVotes: Hex | undefined;
  readonly contractAt: (height: bigint) => Hex; // by genesis
}

/** Who decides block `number`, proven against the state root of the block before. */
export function verifySet(proof: SetProof, stateRoot: Hex, network: SetNetwork, number: bigint): Seat[] {
  const bad = (why: string) => new NotProven('state', `the validators of block ${number} make no set: ${why}`);
  const accounts = new Nodes(proof.account, "the validators' contract");
  const contract = contractBy(proof, stateRoot, accounts, network, number);
  const account = accountIn(accounts, stateRoot, contract, "the validators' contract");
  accounts.finish();
  if (!account.exists) throw new NotProven('state', `there is no contract at ${contract}`);
  const nodes = new Nodes(proof.storage, 'the validators');
  const read = (slot: bigint) => nodes.number(account.storageRoot, slotKey(slot));
  const count = read(SEATS_SLOT);
  if (count === 0n) throw bad('it is empty');
  if (count > BigInt(VALIDATORS_MAX)) throw bad('it is larger than any');
  const seats: Seat[] = [];
  const first = BigInt(keccak256(word(SEATS_SLOT)));
  for (let at = 0n; at < count; at += 1n) {
    const packed = read(BigInt.asUintN(256, first + 2n * at));
    // From the right: 20 bytes of account, 8 of power, the rest is for the contract.
    const address = numberToHex(BigInt.asUintN(160, packed), { size: 20 });
    const power = BigInt.asUintN(64, packed >> 160n);
    if (power === 0n) throw bad('a seat has no power');
    const last = seats.at(-1);
    if (last !== undefined && last.address >= address) throw bad('the seats are not in order');
    seats.push({ address, power });
  }
  nodes.finish();
  return seats;
}
