// Whether a policy holds for some approvers, and who is missing. This is how the contract counts
// (contracts/src/membership/Forms.sol): an account counts once in each place, and may serve several places.

import type { Policy } from './policy';
import { hasRole, type Hex, type Role } from './words';

/** Somebody who approves, with what it is now. */
export interface Approver {
  readonly account: Hex;
  readonly organization: string;
  readonly roles: number; // in effect
}

/** A node of a policy with what there is and what there would have to be. */
export type Finding =
  | { readonly kind: 'threshold'; readonly holds: boolean; readonly have: number; readonly need: number; readonly parts: readonly Finding[] }
  | {
      readonly kind: 'principal';
      readonly holds: boolean;
      readonly have: number;
      readonly need: number;
      readonly organization: string | null;
      readonly role: Role;
      readonly by: readonly Approver[];
    }
  | {
      readonly kind: 'share';
      readonly holds: boolean;
      readonly have: number; // organizations
      readonly need: number;
      readonly active: number;
      readonly role: Role;
      readonly present: readonly string[]; // organizations
      readonly absent: readonly string[];
    }
  | { readonly kind: 'anyone' | 'nobody'; readonly holds: boolean };

/** `active`: the organizations of the network; what others say does not count. */
export function evaluate(policy: Policy, approvers: readonly Approver[], active: readonly string[]): Finding {
  const counted = new Map<string, Approver>();
  for (const approver of approvers) {
    const key = approver.account.toLowerCase();
    if (active.includes(approver.organization) && !counted.has(key)) counted.set(key, approver);
  }
  return find(policy, [...counted.values()], active);
}

function find(node: Policy, approvers: readonly Approver[], active: readonly string[]): Finding {
  switch (node.kind) {
    case 'threshold': {
      const parts = node.nodes.map((inner) => find(inner, approvers, active));
      const have = parts.filter(({ holds }) => holds).length;
      return { kind: 'threshold', holds: have >= node.least, have, need: node.least, parts };
    }
    case 'principal': {
      const by = approvers.filter(({ organization, roles }) => (node.organization === null || node.organization === organization) && hasRole(roles, node.role));
      return { kind: 'principal', holds: by.length >= node.least, have: by.length, need: node.least, organization: node.organization, role: node.role, by };
    }
    case 'share': {
      const present = active.filter((organization) => approvers.some((approver) => approver.organization === organization && hasRole(approver.roles, node.role)));
      // The smallest number of organizations that is more than the part.
      const need = Math.floor((active.length * node.numerator) / node.denominator) + 1;
      const holds = present.length * node.denominator > active.length * node.numerator;
      return { kind: 'share', holds, have: present.length, need, active: active.length, role: node.role, present, absent: active.filter((one) => !present.includes(one)) };
    }
    case 'anyone':
      return { kind: 'anyone', holds: true };
    case 'nobody':
      return { kind: 'nobody', holds: false };
  }
}

/** The innermost things that do not hold and would help: what a reader should be told is missing. */
export function missing(finding: Finding): Finding[] {
  if (finding.holds) return [];
  return finding.kind === 'threshold' ? finding.parts.flatMap(missing) : [finding];
}
