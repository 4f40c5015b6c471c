// Which policies decide on a proposal, what they still want, and whether somebody's approval would bring it further.

import { evaluate, missing, type Approver, type Finding } from './evaluate';
import { fromForm } from './policy';
import { topicOf, type Proposal, type Rulebook } from './read';
import { hasRole, type Hex } from './words';
import type { Law } from '../store/network.svelte';

export interface Decision {
  readonly name: string;
  readonly form: Hex;
  readonly finding: Finding | null; // null: a form that this page does not know
}

/** The policies that decide on it, each once, in the order of its calls. */
export function decisionsOf(law: Law, rulebook: Rulebook, proposal: Pick<Proposal, 'calls' | 'counted'>, active: readonly string[]): Decision[] {
  const names = [...new Set(proposal.calls.map(({ target }) => topicOf(law, rulebook, target)))];
  return names.map((name) => {
    const form = rulebook.policies.find((policy) => policy.name === name)?.form ?? '0x';
    try {
      return { name, form, finding: evaluate(fromForm(form), proposal.counted, active) };
    } catch {
      return { name, form, finding: null };
    }
  });
}

function counts(wanted: Finding, { organization, roles }: Approver): boolean {
  if (wanted.kind === 'share') return wanted.absent.includes(organization) && hasRole(roles, wanted.role);
  return wanted.kind === 'principal' && (wanted.organization === null || wanted.organization === organization) && hasRole(roles, wanted.role);
}

/** Whether it waits for this account: it is open, not approved by it, and something is missing that its approval is part of. */
export function waitsFor(proposal: Pick<Proposal, 'status' | 'approvals' | 'isCarried'>, decisions: readonly Decision[], who: Approver): boolean {
  if (proposal.status !== 'open' || proposal.isCarried || proposal.approvals.includes(who.account)) return false;
  return decisions.some(({ finding }) => finding === null || missing(finding).some((wanted) => counts(wanted, who)));
}
