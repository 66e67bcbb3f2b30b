import { SyncChoice } from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { invalidArgument } from '@rapport/platform';
import type { ConflictKind } from '../links/conflict-store.js';

/** What a person may choose about a conflict; see SyncChoice. */
export type Choice = 'CUSTOMER' | 'PEER' | 'LINK' | 'SEPARATE' | 'IGNORE' | 'RETRY';

/** What ends a conflict of each kind. Any other choice would be taken, and never be done. */
const choicesOf: Readonly<Record<ConflictKind, readonly Choice[]>> = {
  FIELDS: ['CUSTOMER', 'PEER'],
  DELETED: ['CUSTOMER', 'PEER'],
  LOOP: ['CUSTOMER', 'PEER'],
  VALUE_TAKEN: ['RETRY', 'LINK'],
  REJECTED: ['RETRY'],
  PAIRING: ['LINK', 'SEPARATE', 'IGNORE'],
};

/** @returns what is wrong with a choice, for people; undefined when it fits */
export function choiceFault(
  { kind, record_id: recordId, customer_id: customerId }: Side,
  choice: Choice,
): string | undefined {
  if (!choicesOf[kind].includes(choice)) return `must be ${choicesOf[kind].join(' or ')} for a conflict of this kind`;
  // Two that belong together already are not linked with others: one of them would be left alone.
  if (choice === 'LINK' && (recordId === null || customerId !== null))
    return 'can be LINK for a record without a customer';
  return undefined;
}

interface Side {
  kind: ConflictKind;
  record_id: string | null;
  customer_id: string | null;
}

/** @throws AppError INVALID_ARGUMENT */
export function sentChoice(choice: SyncChoice = SyncChoice.UNSPECIFIED): Choice {
  const name = SyncChoice[choice];
  if (choice !== SyncChoice.UNSPECIFIED && name !== undefined) return name as Choice;
  const description = 'must say what to do';
  throw invalidArgument([{ field: 'resolution.choice', reason: 'CHOICE_UNFIT', description }]);
}
