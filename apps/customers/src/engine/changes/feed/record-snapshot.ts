import type { EntityManager } from '@mikro-orm/postgresql';
import { recordAuditEvent } from '@rapport/persistence';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import type { BulkWork } from '../../pace/bulk-work.js';
import { snapshotRecords } from '../../query/snapshot-records.js';
import type { ChangeCursors, LogPosition } from '../log/change-cursor.js';

/**
 * Handles a Snapshot… method of a type. The cursor, which comes last, is the end of the log in the snapshot, and the
 * log has only changes whose transactions had ended before. So the snapshot includes everything up to the cursor.
 * Further changes in it, which were committed but had no position yet, come again after the cursor: changes may be
 * repeated, none is missed.
 *
 * @throws AppError RESOURCE_EXHAUSTED while another snapshot of the tenant runs, or too many of others that are no slow
 *   readers
 * @throws AppError ABORTED READER_TOO_SLOW
 */
export async function* recordSnapshot<Message extends RecordMessage>(
  type: RecordType<Message>,
  { em, bulk, cursors }: { em: EntityManager; bulk: BulkWork; cursors: ChangeCursors },
): AsyncGenerator<{ record: Message; cursor?: undefined } | { record?: undefined; cursor: string }, void> {
  const place = await bulk.snapshots.enter();
  try {
    await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: type.plural, format: 'SNAPSHOT' } });
    let end: LogPosition | undefined;
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
async function endOfLog(reader: EntityManager): Promise<LogPosition> {
  const [log] = await reader.execute<{ epoch: string; end_position: string }[]>(
    'select epoch, change_log_end() as end_position from change_log_state',
  );
  if (!log) throw new Error('The change log has no state.');
  return { epoch: log.epoch, position: Number(log.end_position) };
}
