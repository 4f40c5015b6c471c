export { anchorOf, verifyOrder, type Ask, type Verified } from './client';
export { NotProven, NotSigned, type Kind } from './error';
export { asAddress, currencySlot, orderSlots, readRecord, type OrderRecord } from './order';
export { readAccountProof, readCheckpoint, readFinalityProof, readTransactionProof, writeCheckpoint, type Checkpoint } from './read';
export { verifyAccount } from './state';
export { Trust, type Origin, type Store } from './trust';
export { Verifier, verifyTransaction, type FinalBlock } from './verifier';
