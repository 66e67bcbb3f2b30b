import { startOfDayMs } from '@rapport/contracts/filters';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import {
  cancelStatement,
  queryRows,
  setTimer,
  timerStatement,
  type TimerHandler,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { recordType } from '../../engine/fields/record-type.js';
import { rewriteRecords } from '../../engine/merge/moving/move-lists.js';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { Sealing } from '../../engine/sealing/sealing.js';

/** Kind of the timers. A sent quote with a last day has one. */
export const expiryKind = 'quote.expiry';

/** The time zone in which a day ends first. A timer that fires in another one waits for the end of the day there. */
const firstZone = 'Pacific/Kiritimati';

/** The statements that keep the timers of changed quotes at the end of their last days. */
export function expiryStatements(
  changes: readonly Pick<RecordChange<Quote>, 'before' | 'after'>[],
): TransactionStatement[] {
  return changes.flatMap(({ before, after }) => {
    const last = lastDayOf(after);
    if (last === (before && lastDayOf(before))) return [];
    const target = { tenantId: currentCaller().tenantId, recordType: 'quote', recordId: after.id, purpose: 'expiry' };
    if (last === undefined) return [cancelStatement(target)];
    return [timerStatement({ ...target, kind: expiryKind, dueTime: endOf(last, firstZone) })];
  });
}

/** Ends a sent quote as of the end of its last day in the time zone of the workspace. Its page then says so. */
export const expireQuote: TimerHandler = async (
  em,
  { tenantId, kind, recordType: type, recordId, purpose, dueTime },
) => {
  // Who answers the quote may wait for its timer in turn. A quote that is locked expires a second later.
  const [row] = await queryRows<{ valid_until: string }>(em, {
    name: 'lock_quote_to_expire',
    sql: `select valid_until from quote where tenant_id = $1 and id = $2 and state = 'SENT' and valid_until is not null
      and delete_time is null for update nowait`,
    values: [tenantId, recordId],
  });
  if (!row) return;
  const end = endOf(row.valid_until, await workspaceTimeZone(em));
  if (end > dueTime) return setTimer(em, { tenantId, kind, recordType: type, recordId, purpose, dueTime: end });
  await Sealing.of(em).run(em, () =>
    rewriteRecords(em, recordType<Quote>('rapport/Quote'), [recordId], (record) => ({
      ...record,
      ...{ state: QuoteState.EXPIRED, answerTime: end.toISOString() },
    })),
  );
};

/** The last day on which a quote that waits for an answer can be accepted. */
function lastDayOf({ state, validUntil, deleteTime }: Quote): string | undefined {
  return state === QuoteState.SENT && deleteTime === undefined ? validUntil : undefined;
}

function endOf(day: string, timeZone: string): Date {
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  return new Date(startOfDayMs(next, timeZone));
}
