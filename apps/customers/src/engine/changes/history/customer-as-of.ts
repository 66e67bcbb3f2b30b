import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, seesSomeOnly } from '@rapport/platform';
import { erasedError, missingRecord } from '../../records/missing-record.js';
import { notFound } from '../../records/record-changes.js';
import { currentSeal } from '../../sealing/seal.js';
import { openRecord, sealedTexts, sealMissing } from '../../sealing/sealed-messages.js';
import type { Operation } from '../log/change-entry.js';
import { customerType } from '../../records/customers/customer-type.js';
import { knownSince } from './known-since.js';
import { customerOfValues, type StoredValues } from './record-values.js';

/** Clocks of a caller and of ours may differ by so much, in milliseconds. */
export const clockSkewMs = 5_000;

/**
 * The customer as it was at a time: as it is, with the changes since then taken back, the newest first. Times are shown in
 * milliseconds: a change counts as done by the end of the one in which it was logged, or that its update time shows.
 *
 * @param asOf RFC 3339
 * @throws AppError NOT_FOUND when it was deleted or not there then
 * @throws AppError FAILED_PRECONDITION HISTORY_EXPIRED when the log does not go back so far, HISTORY_ERASED when it had the
 *   data of somebody who was erased in between
 */
export async function customerAsOf(em: EntityManager, id: string, asOf: string): Promise<CustomerMessage> {
  const time = new Date(asOf);
  if (time.getTime() > Date.now() + clockSkewMs) {
    throw invalidArgument([{ field: 'asOf', reason: 'IN_FUTURE', description: 'must not be in the future' }]);
  }
  const values = await valuesAsOf(em, id, time);
  // Asked for after what it is about: changes that were dropped meanwhile are not taken for none.
  const known = await knownSince(em);
  if (time < known.time) {
    const message = 'The change log does not go back so far. oldestTime is the earliest time that can be asked for.';
    throw new AppError('FAILED_PRECONDITION', 'HISTORY_EXPIRED', message, {
      metadata: { oldestTime: known.time.toISOString() },
    });
  }
  if (values?.['delete_time'] !== null) throw notFound(customerType());
  return opened(customerOfValues(values));
}

/** What was sealed with a key that is destroyed is as if it were not there. */
async function opened(customer: CustomerMessage): Promise<CustomerMessage> {
  const texts = sealedTexts(customerType(), customer);
  if (texts.length === 0) return customer;
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  await seal.load(texts);
  if (texts.some((text) => seal.isDestroyed(text))) throw historyErased();
  return openRecord(seal, customerType(), customer);
}

/** @returns undefined when there was no such customer */
async function valuesAsOf(em: EntityManager, id: string, time: Date): Promise<StoredValues | undefined> {
  // One statement, so that row and changes are of one moment.
  const rows = await readForTenant<{
    current: StoredValues | null;
    operation: Operation | null;
    before: StoredValues | null;
  }>(em, {
    name: 'customer_as_of',
    sql: `select row_to_json(customer) as current, change.operation, change.before
        from (select $2::uuid as id) wanted
        left join customer on customer.tenant_id = $1 and customer.id = wanted.id
        left join lateral values_before('customer', $2::text, $3::timestamptz) with ordinality
          as change (operation, version, before, place) on true
        order by place`,
    // The log has microseconds.
    values: [currentCaller().tenantId, id, time.toISOString().replace('Z', '999Z')],
  });
  let values = rows[0]?.current ?? undefined;
  // What the log has of it is for those only who see the customer itself.
  if (!values && seesSomeOnly()) throw await missingRecord(em, customerType(), id);
  for (const { operation, before } of rows) {
    if (before && Object.hasOwn(before, 'erased')) throw (await erasedError(em, customerType(), id)) ?? historyErased();
    if (isShownBy(values, before, operation, time)) break;
    if (operation === 'CREATE') values = undefined;
    else if (before) values = { ...values, ...before };
  }
  return values;
}

/** Whether a change gave the values an update time that is not after a time. The log has it a moment later. */
function isShownBy(
  values: StoredValues | undefined,
  before: StoredValues | null,
  operation: Operation | null,
  time: Date,
): boolean {
  const isUpdate = before !== null && Object.hasOwn(before, 'update_time');
  const updateTime = operation === 'CREATE' || isUpdate ? values?.['update_time'] : undefined;
  return typeof updateTime === 'string' && Math.floor(new Date(updateTime).getTime()) <= time.getTime();
}

/** Of a customer that somebody was merged into who has been erased since, or of a time before encryption was turned on. */
function historyErased(): AppError {
  const message = 'What the customer was then is not known any more: its values were erased, or are encrypted since.';
  return new AppError('FAILED_PRECONDITION', 'HISTORY_ERASED', message);
}
