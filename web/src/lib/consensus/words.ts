// What became of a validator, and what happened, in the reader's language. Apart from the components, since
// several of them say the same.

import { formatInteger } from '../format/format';
import { i18n, t } from '../i18n/i18n.svelte';
import { network } from '../store/network.svelte';
import { known } from './faults';
import type { AbsenceRules, Standing, Validator } from './model';

/** A validator's name: as the contract has it, else as the network knows the account. */
export function nameOf(address: string, validators: readonly Validator[]): string {
  return validators.find((validator) => validator.address === address)?.name || network.nameOf(address);
}

/** Why somebody has no seat any more. `since` is the block of the removal, when the wait is counted from it. */
export function removal(standing: Standing, rules: AbsenceRules | null, since: bigint | null): string {
  if (standing === 'active') return '';
  if (standing !== 'absent') return t(`validators.removed.${standing}`);
  if (rules === null || since === null) return t('validators.removed.absent.plain');
  return t('validators.removed.absent', { most: rules.missedMax, window: rules.window, seconds: rules.absentSeconds, block: formatInteger(since + rules.waitBlocks, i18n.locale) });
}

/** The name of a fault, as on its button. */
export function faultName(kind: string): string {
  const fault = known(kind);
  return fault === null ? kind : t(`fault.${fault}`);
}

/** What a node with that fault is doing. */
export function faultNow(kind: string): string {
  const fault = known(kind);
  return fault === null ? kind : t(`fault.now.${fault}`);
}
