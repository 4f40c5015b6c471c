// What is signed apart from transactions: an account's consent to its enrollment.

import type { Hex } from './words';

export interface Consent {
  readonly chainId: number;
  readonly members: Hex;
  readonly organization: Hex;
  readonly account: Hex;
  readonly roles: number;
  readonly validUntil: bigint;
  readonly certificate: Hex;
  readonly nonce: bigint;
}

/** EIP-712, as `Members` checks it. */
export function consentData({ chainId, members, ...message }: Consent) {
  return {
    domain: { name: 'Hanse Members', version: '1', chainId, verifyingContract: members },
    types: {
      Enrollment: [
        { name: 'organization', type: 'bytes32' },
        { name: 'account', type: 'address' },
        { name: 'roles', type: 'uint32' },
        { name: 'validUntil', type: 'uint64' },
        { name: 'certificate', type: 'bytes32' },
        { name: 'nonce', type: 'uint256' },
      ],
    },
    primaryType: 'Enrollment',
    message,
  } as const;
}
