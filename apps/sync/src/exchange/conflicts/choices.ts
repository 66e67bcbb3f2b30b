import { SyncChoice } from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { invalidArgument } from '@rapport/platform';
import type { ConflictKind } from '../links/conflict-store.js';

/** A decision about a conflict; see SyncChoice. */
export type Choice = 'CUSTOMER' | 'PEER' | 'LINK' | 'SEPARATE' | 'IGNORE' | 'RETRY';

/** The choices that end a conflict of each kind. Others would be stored without effect. */
const choicesOf: Readonly<Record<ConflictKind, readonly Choice[]>> = {
  FIELDS: ['CUSTOMER', 'PEER'],
  DELETED: ['CUSTOMER', 'PEER'],
  LOOP: ['CUSTOMER', 'PEER'],
  VALUE_TAKEN: ['RETRY', 'LINK'],
  REJECTED: ['RETRY'],
  PAIRING: ['LINK', 'SEPARATE', 'IGNORE'],
};

/** @returns a description of what is wrong with a choice; undefined when it is valid */
export function choiceFault(
  { kind, record_id: recordId, customer_id: customerId }: Side,
  choice: Choice,
): string | undefined {
  if (!choicesOf[kind].includes(choice)) return `must be ${choicesOf[kind].join(' or ')} for a conflict of this kind`;
  // Linking one of a pair with another record would leave its partner without one.
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
