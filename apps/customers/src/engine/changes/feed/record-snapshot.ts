import type { EntityManager } from '@mikro-orm/postgresql';
import { recordAuditEvent } from '@rapport/persistence';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import type { BulkWork } from '../../pace/bulk-work.js';
import { snapshotRecords } from '../../query/snapshot-records.js';
import type { ChangeCursors, Place } from '../log/change-cursor.js';

/**
 * Answers a Snapshot… of a type. The cursor, which comes last, is the end of the log as the snapshot sees it, and the log only has
 * changes whose transactions had ended before. So the snapshot has whatever is up to the cursor. What it has beyond, of changes that
 * were committed and had no position yet, comes after the cursor once more: changes may be repeated, none is missed.
 *
 * @throws AppError RESOURCE_EXHAUSTED while another snapshot of the tenant is read, or too many of others that are no slow readers
 * @throws AppError ABORTED READER_TOO_SLOW
 */
export async function* recordSnapshot<Message extends RecordMessage>(
  type: RecordType<Message>,
  { em, bulk, cursors }: { em: EntityManager; bulk: BulkWork; cursors: ChangeCursors },
): AsyncGenerator<{ record: Message; cursor?: undefined } | { record?: undefined; cursor: string }, void> {
  const place = await bulk.snapshots.enter();
  try {
    await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: type.plural, format: 'SNAPSHOT' } });
    let end: Place | undefined;
    const batches = snapshotRecords(em, type, [], endOfLog);
    for await (const { context, records } of place.read(batches, (batch) => batch.records.length)) {
      end = context;
      for (const record of records) yield { record };
    }
    if (end) yield { cursor: cursors.write(end) };
  } finally {
    place.leave();
  }
}

/** The end of the log as a transaction sees it. */
async function endOfLog(reader: EntityManager): Promise<Place> {
  const [log] = await reader.execute<{ epoch: string; end_position: string }[]>(
    'select epoch, change_log_end() as end_position from change_log_state',
  );
  if (!log) throw new Error('The change log has no state.');
  return { epoch: log.epoch, position: Number(log.end_position) };
}
