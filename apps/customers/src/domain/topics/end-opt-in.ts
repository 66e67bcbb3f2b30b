import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Sealing } from '../../engine/sealing/sealing.js';
import { pageNotFound, removeLinks } from '../links/public-links.js';
import { optInDays } from './double-opt-in.js';

/** A subscription that waits for its confirmation. */
export interface PendingOptIn {
  id: string;
  customerId: string;
  /** Of the address that the confirmation was sent to. */
  addressHash: Buffer;
  topicKeys: string[];
  source: string;
  evidence: string | null;
  originType: string | null;
  originId: string | null;
  /** When it was asked for, in ISO 8601. */
  askTime: string;
}

/** How a double opt-in ended. */
export interface EndedOptIn {
  optInId: string;
  customerId: string;
  outcome: 'CONFIRMED' | 'EXPIRED';
}

/** What follows elsewhere from the end of an opt-in that had an origin. */
export type OptInListener = (
  transaction: StatementTransaction,
  origin: { type: string; id: string },
  ended: EndedOptIn,
) => Promise<void>;

const listeners: OptInListener[] = [];

/** Adds a listener to the ends of opt-ins. Folders above this one add theirs when they are loaded. */
export function onOptInEnd(listener: OptInListener): void {
  listeners.push(listener);
}

/** An opt-in that can be confirmed, locked in a transaction. @throws AppError NOT_FOUND PAGE_NOT_FOUND for any other */
export async function pendingOptIn(
  reader: Pick<StatementTransaction, 'rows'>,
  id: string,
  locks = false,
): Promise<PendingOptIn> {
  const [found] = await reader.rows<PendingOptIn>({
    name: locks ? 'lock_pending_opt_in' : 'pending_opt_in',
    sql: `select ${columns} from opt_in where tenant_id = $1 and id = $2 and confirm_time is null
        and create_time > rapport_clock() - interval '${optInDays} days' ${locks ? 'for update' : ''}`,
    values: [currentCaller().tenantId, id],
  });
  if (!found) throw pageNotFound();
  return found;
}

const columns = `id, customer_id as "customerId", address_hash as "addressHash", topic_keys as "topicKeys", source, evidence,
  origin_type as "originType", origin_id as "originId",
  to_char(create_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "askTime"`;

/** Ends an opt-in whose topics were subscribed to. Its row counts for the limit of its address until its timer. */
export async function confirmOptIn(transaction: StatementTransaction, optIn: PendingOptIn): Promise<void> {
  transaction.later({
    name: 'confirm_opt_in',
    sql: 'update opt_in set confirm_time = rapport_clock() where tenant_id = $1 and id = $2',
    values: [currentCaller().tenantId, optIn.id],
  });
  await notifyListeners(transaction, optIn, 'CONFIRMED');
}

/** Removes an opt-in after its time, confirmed or not. */
export const expireOptIn: TimerHandler = (em, { recordId }) =>
  Sealing.of(em).run(em, () => inOpenTransaction(em, (transaction) => expire(transaction, recordId)));

async function expire(transaction: StatementTransaction, id: string): Promise<void> {
  const [ended] = await transaction.rows<PendingOptIn & { wasConfirmed: boolean }>({
    name: 'remove_opt_in',
    sql: `delete from opt_in where tenant_id = $1 and id = $2
      returning ${columns}, confirm_time is not null as "wasConfirmed"`,
    values: [currentCaller().tenantId, id],
  });
  transaction.later(removeLinks('CONFIRMATION', id));
  if (ended?.wasConfirmed === false) await notifyListeners(transaction, ended, 'EXPIRED');
}

async function notifyListeners(
  transaction: StatementTransaction,
  { id: optInId, customerId, originType, originId }: PendingOptIn,
  outcome: EndedOptIn['outcome'],
): Promise<void> {
  if (originType === null || originId === null) return;
  const origin = { type: originType, id: originId };
  for (const listener of listeners) await listener(transaction, origin, { optInId, customerId, outcome });
}
