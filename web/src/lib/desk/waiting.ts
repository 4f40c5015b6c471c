// Which open proposals wait for the approval of an account.

import type { Law } from '../store/network.svelte';
import { decisionsOf, waitsFor } from './decide';
import { fetchOrganizations, fetchProposalCount, fetchProposalsBy, fetchRulebook, fetchStandings, PROPOSALS_READ_MAX } from './read';
import type { Hex } from './words';

export interface Waiting {
  readonly ids: readonly number[];
  readonly until: bigint | null; // the first block in which one of the open ones is over; null: none is open
}

/** Looks again and again; what is decided stays so, and is not asked about any more. */
export class Watch {
  private readonly decided = new Set<number>();

  constructor(
    private readonly law: Law,
    private readonly account: Hex,
  ) {}

  async look(signal?: AbortSignal): Promise<Waiting> {
    const { law, decided } = this;
    const [[who], count] = await Promise.all([fetchStandings(law, [this.account], signal), fetchProposalCount(law, signal)]);
    const ids = Array.from({ length: Math.min(count, PROPOSALS_READ_MAX) }, (_, index) => count - 1 - index).filter((id) => !decided.has(id));
    if (who == null || ids.length === 0) return { ids: [], until: null };
    const proposals = await fetchProposalsBy(law, ids, signal);
    for (const { id, status } of proposals) if (status !== 'open') decided.add(id);
    const open = proposals.filter(({ status }) => status === 'open');
    if (open.length === 0) return { ids: [], until: null };
    const [rulebook, organizations] = await Promise.all([fetchRulebook(law, signal), fetchOrganizations(law, signal)]);
    const active = organizations.filter(({ status }) => status === 'active').map(({ id }) => id);
    return {
      ids: open.filter((proposal) => waitsFor(proposal, decisionsOf(law, rulebook, proposal, active), who)).map(({ id }) => id),
      until: open.reduce((first, { lastBlock }) => (lastBlock < first ? lastBlock : first), open[0]?.lastBlock ?? 0n) + 1n,
    };
  }
}
