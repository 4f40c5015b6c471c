// Reads keys out of the nodes of a Merkle-Patricia trie that a server has sent, in any order. Every node is
// found by its hash; one that nothing led to is refused at the end, so that a proof has one spelling.

import { fromRlp, hexToBytes, keccak256 } from 'viem';
import { NotProven } from './error';
import type { Hex } from './read';

const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';

export type Item = Uint8Array | readonly Item[];

/** RLP, or nothing when the bytes are none. */
export function decodeRlp(bytes: Hex | Uint8Array): Item | null {
  try {
    return fromRlp(bytes, 'bytes') as Item;
  } catch {
    return null;
  }
}

export function isBytes(item: Item | undefined): item is Uint8Array {
  return item instanceof Uint8Array;
}

export class Nodes {
  readonly #nodes = new Map<string, { bytes: Hex; used: boolean }>();

  constructor(
    nodes: readonly Hex[],
    readonly what: string,
  ) {
    for (const bytes of nodes) this.#nodes.set(keccak256(bytes), { bytes, used: false });
    if (this.#nodes.size !== nodes.length) throw this.#bad('a node is not on the way');
  }

  #bad(why: string): NotProven {
    return new NotProven('state', `the Merkle proof of ${this.what} is not valid: ${why}`);
  }

  #open(hash: string): readonly Item[] {
    const node = this.#nodes.get(hash);
    if (node === undefined) throw this.#bad(`node ${hash} is missing`);
    node.used = true;
    const items = decodeRlp(node.bytes);
    if (items === null || isBytes(items)) throw this.#bad('a node does not decode');
    return items;
  }

  #value(item: Item | undefined): Uint8Array | null {
    if (!isBytes(item)) throw this.#bad('a node does not decode');
    return item.length === 0 ? null : item;
  }

  /** The value of a key; `null` when the nodes prove that it has none. */
  get(root: Hex, key: Hex): Uint8Array | null {
    if (root === EMPTY_ROOT) return null;
    let rest = nibbles(hexToBytes(key));
    let items = this.#open(root);
    // Every turn takes at least one nibble.
    for (;;) {
      let item: Item | undefined;
      if (items.length === 17) {
        const [next, ...after] = rest;
        if (next === undefined) return this.#value(items[16]);
        item = items[next];
        rest = after;
      } else {
        const [path] = items;
        if (items.length !== 2 || !isBytes(path) || path.length === 0) throw this.#bad('a node does not decode');
        const flags = path[0] as number;
        const isOdd = (flags & 0x10) !== 0;
        if (flags >= 0x40 || (!isOdd && (flags & 15) !== 0)) throw this.#bad('a node does not decode');
        const steps = nibbles(path).slice(isOdd ? 1 : 2);
        const isLeaf = (flags & 0x20) !== 0;
        if (steps.length === 0 && !isLeaf) throw this.#bad('a node does not decode');
        if (steps.some((step, at) => rest[at] !== step)) return null;
        rest = rest.slice(steps.length);
        if (isLeaf) return rest.length === 0 ? this.#value(items[1]) : null;
        item = items[1];
      }
      if (item === undefined) throw this.#bad('a node does not decode');
      if (!isBytes(item)) {
        items = item; // a node of less than 32 bytes stands in its parent
      } else if (item.length === 0) {
        return null;
      } else {
        if (item.length !== 32) throw this.#bad('a node does not decode');
        items = this.#open(toHex(item));
      }
    }
  }

  /** To be called when everything was read. */
  finish(): void {
    for (const { used } of this.#nodes.values()) if (!used) throw this.#bad('a node is not on the way');
  }

  /** A value that is an RLP string: a number of at most 32 bytes. */
  number(root: Hex, key: Hex): bigint {
    const found = this.get(root, key);
    if (found === null) return 0n;
    const value = decodeRlp(found);
    if (value === null || !isBytes(value) || value.length > 32 || value[0] === 0) throw this.#bad('the value does not decode');
    return toNumber(value);
  }
}

export function toHex(bytes: Uint8Array): Hex {
  let text = '0x';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text as Hex;
}

export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

function nibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}
