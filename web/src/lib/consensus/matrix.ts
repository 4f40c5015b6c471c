// The last certificates as a picture: a row a block, a column a validator. Pure.

import type { Certificate, Validator } from './model';

/** Missing from so many certificates in a row is being away; the validators' contract counts the same. */
export const AWAY_CERTIFICATES = 3;

/**
 * `late` is missing from a certificate now and then, as happens to everybody: a block is final as soon as
 * enough have signed, and whoever signs a moment later is not in it. `away` is missing in a row.
 * `none` had no vote at that height.
 */
export type Mark = 'signed' | 'late' | 'away' | 'none';

export interface Cell {
  readonly mark: Mark;
  readonly proposed: boolean;
}

export interface Row {
  readonly certificate: Certificate;
  readonly cells: readonly Cell[];
}

export interface Column {
  readonly address: `0x${string}`;
  readonly validator: Validator | null; // null: unknown to the newest state
  /** Certificates in a row, up to the newest, without its signature. */
  readonly missing: number;
}

export interface Matrix {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[]; // newest first
}

const has = (certificate: Certificate, address: string): boolean => certificate.signatures.some(({ validator }) => validator === address);
const lacks = (certificate: Certificate, address: string): boolean => certificate.absent.some((absent) => absent === address);

/** Length of the run of certificates without this signature that `index` is part of. */
function run(certificates: readonly Certificate[], index: number, address: string): number {
  let first = index;
  let last = index;
  while (first > 0 && lacks(certificates[first - 1] as Certificate, address)) first -= 1;
  while (last + 1 < certificates.length && lacks(certificates[last + 1] as Certificate, address)) last += 1;
  return last - first + 1;
}

/** `certificates` newest first, of consecutive blocks; `validators` as the newest state has them, former ones too. */
export function matrix(certificates: readonly Certificate[], validators: readonly Validator[]): Matrix {
  const known = new Map(validators.map((validator) => [validator.address, validator]));
  const shown = new Set(validators.filter(({ power }) => power > 0n).map(({ address }) => address));
  for (const { signatures, absent } of certificates) {
    for (const { validator } of signatures) shown.add(validator);
    for (const address of absent) shown.add(address);
  }
  // The order of the contract's own list keeps columns where they are while others come and go.
  const order = [...validators.map(({ address }) => address), ...[...shown].filter((address) => !known.has(address)).sort()];
  const columns = order
    .filter((address) => shown.has(address))
    .map((address) => ({
      address,
      validator: known.get(address) ?? null,
      missing: certificates[0] !== undefined && lacks(certificates[0], address) ? run(certificates, 0, address) : 0,
    }));
  const mark = (index: number, address: `0x${string}`): Mark => {
    const certificate = certificates[index] as Certificate;
    if (has(certificate, address)) return 'signed';
    if (!lacks(certificate, address)) return 'none';
    return run(certificates, index, address) >= AWAY_CERTIFICATES ? 'away' : 'late';
  };
  const rows = certificates.map((certificate, index) => ({
    certificate,
    cells: columns.map(({ address }) => ({ mark: mark(index, address), proposed: certificate.proposer === address })),
  }));
  return { columns, rows };
}
