import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ResolveSyncConflictRequest,
  SyncConflict as SyncConflictMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { queryRows, recordAuditEvent, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { applyChoice } from '../../exchange/conflicts/apply-choice.js';
import { sentChoice } from '../../exchange/conflicts/choices.js';
import { checkRights } from '../../exchange/connections/check-rights.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import type { JobQueue } from '../../storage/job-queue.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { queueExchange } from '../runs/create-run.js';
import { conflictMessages, findConflict } from './conflict-message.js';

/** Handles ResolveSyncConflict. Runs in a transaction. */
export async function resolveConflict(
  em: EntityManager,
  envelope: SecretEnvelope,
  jobs: JobQueue,
  { id, resolution }: ResolveSyncConflictRequest,
): Promise<SyncConflictMessage> {
  const { tenantId } = currentCaller();
  const conflict = await findConflict(em, id);
  checkRights(exchangedType(conflict.object));
  const choice = sentChoice(resolution?.choice);
  const run = <Row extends object>({ sql, values }: Statement) => queryRows<Row>(em, { sql, values });
  await applyChoice(run, tenantId, conflict, { choice, customerId: resolution?.customerId });
  await queueExchange(em, jobs, conflict.mapping_id);
  const detail = { conflict: conflict.kind, choice };
  await recordAuditEvent(em, { kind: 'SYNC_CONFLICT_RESOLVED', records: [`mapping/${conflict.mapping_id}`], detail });
  const [message] = await conflictMessages(run, envelope, tenantId, [await findConflict(em, id)]);
  if (!message) throw new Error('A conflict has no message.');
  return message;
}
