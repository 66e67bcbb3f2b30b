import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, seesSomeOnly } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { erasedError, missingRecord } from '../../records/missing-record.js';
import { notFound } from '../../records/record-changes.js';
import { currentSeal } from '../../sealing/seal.js';
import { openRecord, sealedTexts, sealMissing } from '../../sealing/sealed-messages.js';
import type { Operation } from '../log/change-entry.js';
import { messageReader, type StoredValues } from '../log/stored-values.js';
import { knownSince } from './known-since.js';

/** Largest tolerated difference between the clocks of a caller and of the service, in milliseconds. */
export const clockSkewMs = 5_000;

/**
 * Reads a record as of a time: takes the current record and reverts the changes since then, newest first. Times have
 * milliseconds: a change counts from the end of the millisecond in which it was logged, or that its update time shows.
 *
 * @param asOf RFC 3339
 * @throws AppError NOT_FOUND when it was deleted or did not exist then
 * @throws AppError FAILED_PRECONDITION HISTORY_EXPIRED when the log does not go back that far, HISTORY_ERASED when the
 *   record held the data of a person who has been erased since
 */
export async function recordAsOf<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  id: string,
  asOf: string,
): Promise<Message> {
  const time = new Date(asOf);
  if (time.getTime() > Date.now() + clockSkewMs) {
    throw invalidArgument([{ field: 'asOf', reason: 'IN_FUTURE', description: 'must not be in the future' }]);
  }
  const values = await valuesAsOf(em, type, id, time);
  // Read after the changes, so that changes dropped meanwhile are noticed.
  const known = await knownSince(em, type.table);
  if (time < known.time) {
    const message = 'The change log does not go back that far. oldestTime is the earliest available time.';
    throw new AppError('FAILED_PRECONDITION', 'HISTORY_EXPIRED', message, {
      metadata: { oldestTime: known.time.toISOString() },
    });
  }
  if (!values || isDeleted(values) || isOfOther(type, values)) throw notFound(type);
  return opened(type, messageReader(type.message)(values) as Message);
}

/** Decrypts a record. @throws AppError FAILED_PRECONDITION HISTORY_ERASED when one of its keys was destroyed */
async function opened<Message extends RecordMessage>(type: RecordType<Message>, record: Message): Promise<Message> {
  const texts = sealedTexts(type, record);
  if (texts.length === 0) return record;
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  await seal.load(texts);
  if (texts.some((text) => seal.isDestroyed(text))) throw historyErased(type);
  return openRecord(seal, type, record);
}

/** Types without the field are never deleted. */
function isDeleted({ delete_time: deleteTime = null }: StoredValues): boolean {
  return deleteTime !== null;
}

/** Whether a record has another parent than the requested one. */
function isOfOther({ contract, parentKey }: RecordType, values: StoredValues): boolean {
  return parentKey !== undefined && values[contract.parent ?? ''] !== parentKey;
}

/** @returns undefined when the record did not exist */
async function valuesAsOf(
  em: EntityManager,
  type: RecordType,
  id: string,
  time: Date,
): Promise<StoredValues | undefined> {
  const { table } = type;
  // One statement, so that row and changes are from one moment.
  const rows = await readForTenant<{
    current: StoredValues | null;
    operation: Operation | null;
    before: StoredValues | null;
  }>(em, {
    name: `${table}_as_of`,
    sql: `select row_to_json(${table}) as current, change.operation, change.before
        from (select $2::uuid as id) wanted
        left join ${table} on ${table}.tenant_id = $1 and ${table}.id = wanted.id
        left join lateral values_before('${table}', $2::text, $3::timestamptz) with ordinality
          as change (operation, version, before, place) on true
        order by place`,
    // The change log has microseconds.
    values: [currentCaller().tenantId, id, time.toISOString().replace('Z', '999Z')],
  });
  let values = rows[0]?.current ?? undefined;
  // Callers limited to some records see the history only of records that they can see now.
  if (!values && seesSomeOnly()) throw await missingRecord(em, type, id);
  for (const { operation, before } of rows) {
    if (before && Object.hasOwn(before, 'erased')) throw (await erasedError(em, type, id)) ?? historyErased(type);
    if (isShownBy(values, before, operation, time)) break;
    if (operation === 'CREATE') values = undefined;
    else if (before) values = { ...values, ...before };
  }
  return values;
}

/**
 * Whether a change gave the values an update time that is not after a time. The change log has a slightly later time.
 */
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

/** For a record that an erased one was merged into, or for a time before encryption was enabled. */
function historyErased({ singular }: RecordType): AppError {
  const message = `The state of the ${singular} at that time is no longer available: its values were erased or have since been encrypted.`;
  return new AppError('FAILED_PRECONDITION', 'HISTORY_ERASED', message);
}
