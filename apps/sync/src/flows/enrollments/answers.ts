import { platformContract, recordContracts, snakeCase } from '@rapport/contracts';
import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { ChangedRecords } from '../triggers/changed-records.js';
import { FiltersUnansweredError } from '../../webhooks/events/record-filters.js';
import { changeFacts, recordOf } from '../triggers/match-trigger.js';
import type { ExitReason } from './end-enrollment.js';

/** Most changes of a batch whose records are read at once. With more, the changes are deferred. */
const maxRead = 100;

type Values = Readonly<Record<string, unknown>>;

/** What a change says about a customer; without a reason, filters on the customer may have another result. */
export interface CustomerSign {
  customerId: string;
  reason?: ExitReason;
}

/** Reasons for which a message was not sent, since its customer does not receive the topic. */
const optOuts: ReadonlySet<unknown> = new Set(['CONSENT_WITHDRAWN', 'CONSENT_MISSING', 'SUPPRESSED']);

/** Types of records that name a customer, as in the change feed. */
const namingTypes: ReadonlySet<string> = new Set(
  recordContracts(platformContract())
    .filter(({ fields }) => fields.some(({ name }) => name === 'customerId'))
    .map(({ singular }) => snakeCase(singular)),
);

/** States of messages that say nothing about their customers yet. */
const openStates: ReadonlySet<unknown> = new Set(['QUEUED', 'CLAIMED', 'HANDED_OVER', 'FAILED', 'UNKNOWN']);

/**
 * What changes say about customers, in the order of the changes.
 *
 * @throws FiltersUnansweredError
 */
export async function signsOf(
  records: ChangedRecords,
  tenantId: string,
  changes: readonly Change[],
): Promise<CustomerSign[]> {
  const partial = changes.filter(needsRecord);
  if (partial.length > maxRead) throw new FiltersUnansweredError('There are too many changes.');
  const around = partial.length === 0 ? undefined : await records.around(tenantId, partial.map(changeFacts), []);
  return changes.flatMap((change) => {
    const found = around?.get(change.id);
    const record = found && recordOf(found);
    if (!record) return signsOfChange(change);
    return change.type === 'message' ? signOfMessage(record) : namedIn(record).map((customerId) => ({ customerId }));
  });
}

/** The changed fields of a record do not name its customer. */
function needsRecord({ type, operation, after = {} }: Change): boolean {
  if (!namingTypes.has(type)) return false;
  const isPartial = operation === ChangeOperation.UPDATE || operation === ChangeOperation.DELETE;
  if (type !== 'message') return isPartial && after['customerId'] === undefined;
  return operation === ChangeOperation.UPDATE && after['state'] !== undefined && !openStates.has(after['state']);
}

function signsOfChange({ type, recordId, operation, before = {}, after = {} }: Change): CustomerSign[] {
  if (type === 'customer') {
    const isGone = operation === ChangeOperation.DELETE || operation === ChangeOperation.MERGE;
    return [{ customerId: recordId, ...(isGone && { reason: 'CUSTOMER_GONE' as const }) }];
  }
  if (type === 'message' && operation === ChangeOperation.CREATE) return signOfMessage(after);
  const isMeeting = type === 'meeting' && operation === ChangeOperation.CREATE;
  return namedIn(after, before).map((customerId) => ({ customerId, ...(isMeeting && { reason: 'MEETING' as const }) }));
}

/** The customers that a record names. */
function namedIn(...values: readonly Values[]): string[] {
  const ids = values.flatMap(({ customerId, related }) => [
    customerId,
    ...(Array.isArray(related) ? (related as { type?: unknown; id?: unknown }[]) : []).map(({ type, id }) =>
      type === 'customer' ? id : undefined,
    ),
  ]);
  return [...new Set(ids.filter((id) => typeof id === 'string'))];
}

function signOfMessage(message: Values): CustomerSign[] {
  const { customerId } = message;
  if (typeof customerId !== 'string') return [];
  const reason = reasonOf(message);
  return [{ customerId, ...(reason && { reason }) }];
}

/** A message in quarantine may be forged. */
function reasonOf({ direction, class: kind, state, stateReason }: Values): ExitReason | undefined {
  if (direction === 'IN') return kind === 'HUMAN' && state !== 'QUARANTINED' ? 'REPLIED' : undefined;
  if (state === 'BOUNCED') return 'BOUNCED';
  if (state !== 'CANCELLED') return undefined;
  if (stateReason === 'ANSWERED') return 'REPLIED';
  return optOuts.has(stateReason) ? 'OPTED_OUT' : undefined;
}
