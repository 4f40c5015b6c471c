// Why something is not proven. The text is for the log and for whoever wants to know exactly; pages say it in
// people's words, by the kind.

export type Kind =
  | 'malformed' // the answer is no proof
  | 'trust' // the checkpoint is not valid, or of another network
  | 'links' // headers do not hang together, or lead elsewhere
  | 'signatures' // not by those who decide
  | 'state' // a Merkle proof, or what is beside it, is wrong
  | 'content'; // proven, but something else than was shown

export class NotProven extends Error {
  constructor(
    readonly kind: Kind,
    message: string,
  ) {
    super(message);
  }
}

/** Blocks are sealed by one node, or mined: nobody signs them. */
export class NotSigned extends Error {
  constructor(
    readonly height: bigint,
    readonly engine: string,
  ) {
    super(`block ${height} is decided by engine ${engine}: there are no signatures to verify`);
  }
}
