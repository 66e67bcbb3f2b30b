import { OnDelete } from '@rapport/contracts/rapport/api/v1/options';
import { beyondScope, isRefusal, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { RecordChange, RecordMessage } from '../fields/record-definition.js';
import { onceAmongTypes, recordTypes, type RecordType } from '../fields/record-type.js';
import { noticesOf, noticeStatements } from './notices.js';

/**
 * Side effects of stored changes on other records, in the same transaction. Every code path that changes records calls
 * these.
 */
export function effectsOf<Message extends RecordMessage>(
  type: RecordType<Message>,
  changes: readonly RecordChange<Message>[],
): TransactionStatement[] {
  const deleted = changes.filter(({ before, after }) => after.deleteTime !== undefined && !before?.deleteTime);
  const gone = deleted.map(({ after }) => after);
  return [
    ...refuseReferred(type, gone),
    ...(gone.length === 0 ? [] : (type.definition.deleted?.(gone) ?? [])),
    ...(type.definition.also?.(changes) ?? []),
    ...noticeStatements(noticesOf(type, changes)),
  ];
}

/** References that prevent the deletion of their targets. */
const restrictions = onceAmongTypes((target: RecordType) =>
  [...recordTypes()].flatMap(({ table, plural, contract }) =>
    contract.fields
      .filter(({ reference, index }) => reference === target.contract.type && index.onDelete === OnDelete.RESTRICT)
      .map(({ column }) => ({ table, plural, column })),
  ),
);

/** Refuses to delete records that live ones refer to, including those that the caller does not see. */
function refuseReferred(type: RecordType, deleted: readonly RecordMessage[]): TransactionStatement[] {
  const restricting = restrictions(type);
  if (deleted.length === 0 || restricting.length === 0) return [];
  const values = [currentCaller().tenantId, deleted.map(({ id }) => id)];
  const statements = restricting.map(({ table, plural, column }) => ({
    name: `refuse_used_by_${table}_${column}`,
    sql: `select refuse_unless(not exists (select from ${table}
        where tenant_id = $1 and ${column} = any ($2::uuid[]) and delete_time is null), '${inUse}')`,
    values,
    explain: (error: unknown) => (isRefusal(error, inUse) ? recordInUse(type, plural) : error),
  }));
  return [beyondScope, ...statements];
}

const inUse = 'RECORD_IN_USE';

function recordInUse({ singular }: RecordType, plural: string): AppError {
  const message = `Live ${plural} refer to the ${singular}. Delete them or change them first.`;
  return new AppError('FAILED_PRECONDITION', inUse, message, { metadata: { referredBy: plural } });
}
