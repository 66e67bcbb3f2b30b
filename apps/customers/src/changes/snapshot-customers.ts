import type { EntityManager } from '@mikro-orm/postgresql';
import type { SnapshotCustomersResponse } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { recordAuditEvent } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { customerValue } from '../export/customer-json.js';
import { snapshotRows } from '../export/snapshot-rows.js';
import type { ChangeCursors, Place } from './change-cursor.js';

/** Snapshots of one process at a time: each holds a connection of the pool for as long as its reader takes. */
const maxRunning = 4;
/** The tenants whose snapshots are read: one of each, so that none keeps the others from theirs. */
const running = new Set<string>();

/**
 * Answers SnapshotCustomers. The cursor is the end of the log as the snapshot sees it, and the log only has changes whose
 * transactions had ended before. So the snapshot has whatever is up to the cursor. What it has beyond, of changes that were
 * committed and had no position yet, comes after the cursor once more: changes may be repeated, none is missed.
 *
 * @throws AppError RESOURCE_EXHAUSTED while another snapshot of the tenant is read, or too many of others
 */
export async function* snapshotCustomers(
  em: EntityManager,
  tenantId: string,
  cursors: ChangeCursors,
): AsyncGenerator<SnapshotCustomersResponse, void> {
  if (running.has(tenantId)) {
    throw new AppError(
      'RESOURCE_EXHAUSTED',
      'SNAPSHOT_RUNNING',
      'Another snapshot is being read. Try again after it.',
      {
        retryAfterSeconds: 10,
      },
    );
  }
  if (running.size >= maxRunning) {
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_SNAPSHOTS', 'Too many snapshots are read. Try again later.', {
      retryAfterSeconds: 10,
    });
  }
  running.add(tenantId);
  try {
    await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: 'customers', format: 'SNAPSHOT' } });
    let end: Place | undefined;
    for await (const { context, customers } of snapshotRows(em, [], endOfLog)) {
      end = context;
      for (const customer of customers) {
        yield { customer: customerValue(customer), cursor: undefined };
      }
    }
    if (end) yield { customer: undefined, cursor: cursors.write(end) };
  } finally {
    running.delete(tenantId);
  }
}

async function endOfLog(reader: EntityManager): Promise<Place> {
  const [log] = await reader.execute<{ epoch: string; end_position: string }[]>(
    'select epoch, change_log_end() as end_position from change_log_state',
  );
  if (!log) throw new Error('The change log has no state.');
  return { epoch: log.epoch, position: Number(log.end_position) };
}
