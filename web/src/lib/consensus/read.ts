// Takes apart what a node answers, and names the place where it is not what was agreed: a page must not
// draw half an answer.

type Hex = `0x${string}`;

/** The node's answer does not have the shape that its interface promises. */
export class Malformed extends Error {
  constructor(readonly path: string, wanted: string) {
    super(`${path} is not ${wanted}`);
  }
}

/** A value within an answer, with the way to it. */
export class Field {
  constructor(
    readonly value: unknown,
    readonly path: string,
  ) {}

  #refuse(wanted: string): never {
    throw new Malformed(this.path, wanted);
  }

  get(name: string): Field {
    if (typeof this.value !== 'object' || this.value === null) this.#refuse('an object');
    return new Field((this.value as Record<string, unknown>)[name], `${this.path}.${name}`);
  }

  list(): Field[] {
    if (!Array.isArray(this.value)) return this.#refuse('a list');
    return this.value.map((item, index) => new Field(item, `${this.path}[${index}]`));
  }

  /** What `read` makes of it; `null` when it is null or left out. */
  optional<T>(read: (field: Field) => T): T | null {
    return this.value === null || this.value === undefined ? null : read(this);
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.#refuse('a text');
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.#refuse('true or false');
  }

  /** A quantity as JSON-RPC writes it. */
  quantity(): bigint {
    if (typeof this.value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(this.value)) this.#refuse('a quantity');
    return BigInt(this.value as string);
  }

  /** A quantity that is small enough to count with. */
  count(): number {
    const value = this.quantity();
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : this.#refuse('a small quantity');
  }

  /** Exactly so many bytes, in lower case. */
  bytes(length: number): Hex {
    const { value } = this;
    if (typeof value !== 'string' || value.length !== 2 + 2 * length || !/^0x[0-9a-f]*$/i.test(value)) return this.#refuse(`${length} bytes`);
    return value.toLowerCase() as Hex;
  }

  address(): Hex {
    return this.bytes(20);
  }

  hash(): Hex {
    return this.bytes(32);
  }

  /** One of these words. */
  oneOf<Word extends string>(words: readonly Word[]): Word {
    return words.find((word) => word === this.value) ?? this.#refuse(`one of ${words.join(', ')}`);
  }
}
