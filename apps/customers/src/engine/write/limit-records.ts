import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';

interface Live {
  deleteTime?: string | undefined;
}

/** Most live records of one type that a tenant can have. */
export interface RecordLimit {
  table: string;
  most: number;
  /** Code of the error, such as `TOO_MANY_TOPICS`. */
  reason: string;
  /** Plural of the records in the message of the error, such as `topics`. */
  noun: string;
}

/** Refuses changes that make a live record beyond the limit, within their transaction. */
export function limitRecords(
  changes: readonly { before?: Live | undefined; after: Live }[],
  { table, most, reason, noun }: RecordLimit,
): TransactionStatement[] {
  const isMade = changes.some(({ before, after }) => !after.deleteTime && (!before || before.deleteTime));
  if (!isMade) return [];
  return [
    {
      name: `limit_${table}`,
      sql: `select refuse_unless((select count(*) from ${table}
        where tenant_id = $1 and delete_time is null) <= $2::int, '${reason}')`,
      values: [currentCaller().tenantId, most],
      explain: (error) =>
        isRefusal(error, reason)
          ? new AppError('RESOURCE_EXHAUSTED', reason, `A workspace has at most ${most.toLocaleString('en')} ${noun}.`)
          : error,
    },
  ];
}
