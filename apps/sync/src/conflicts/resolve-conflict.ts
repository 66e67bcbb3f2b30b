import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SyncChoice,
  type ResolveSyncConflictRequest,
  type SyncConflict as SyncConflictMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { fromKysely } from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import { checkRights } from '../connections/check-rights.js';
import type { JobQueue } from '../jobs/job-queue.js';
import type { SecretEnvelope } from '../secrets/secret-envelope.js';
import { conflictMessage, findConflict, type ConflictRow } from './conflict-message.js';

/** Answers ResolveSyncConflict. Runs in a transaction. */
export async function resolveConflict(
  em: EntityManager,
  envelope: SecretEnvelope,
  jobs: JobQueue,
  { id, resolution }: ResolveSyncConflictRequest,
): Promise<SyncConflictMessage> {
  checkRights();
  const { tenantId } = currentCaller();
  const conflict = await findConflict(em, id);
  const choice = resolution?.choice ?? SyncChoice.UNSPECIFIED;
  if (choice === SyncChoice.LINK) await linkOther(em, tenantId, conflict);
  else if (choice === SyncChoice.CUSTOMER || choice === SyncChoice.PEER) await choose(em, tenantId, conflict, choice);
  else throw wrongChoice('must say who is right');
  await hint(em, jobs, tenantId, conflict);
  const detail = { conflict: conflict.kind, choice: SyncChoice[choice] };
  await recordAuditEvent(em, { kind: 'SYNC_CONFLICT_RESOLVED', records: [`mapping/${conflict.mapping_id}`], detail });
  return conflictMessage(envelope, tenantId, await findConflict(em, id));
}

async function choose(em: EntityManager, tenantId: string, conflict: ConflictRow, choice: SyncChoice): Promise<void> {
  await queryRows(em, {
    sql: `update sync_link set choice = $4, hop = 0, push_time = null, revision = revision + 1
      where tenant_id = $1 and mapping_id = $2 and id = $3`,
    values: [tenantId, conflict.mapping_id, conflict.link_id, SyncChoice[choice]],
  });
}

/** The record belongs to the customer that has its value. */
async function linkOther(em: EntityManager, tenantId: string, conflict: ConflictRow): Promise<void> {
  const { kind, other_customer_id: otherId, customer_id: customerId } = conflict;
  if (kind !== 'VALUE_TAKEN' || otherId === null || customerId !== null) {
    throw wrongChoice('is for a record without a customer, whose value another customer has');
  }
  const [linked] = await queryRows(em, {
    sql: `update sync_link set customer_id = $4, base = '{}', record_version = null, revision = revision + 1
      where tenant_id = $1 and mapping_id = $2 and id = $3
        and not exists (select from sync_link where tenant_id = $1 and mapping_id = $2 and customer_id = $4)
      returning id`,
    values: [tenantId, conflict.mapping_id, conflict.link_id, otherId],
  });
  if (linked) return;
  const message = 'The other customer belongs to another record. Merge or change one of the two.';
  throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_LINKED', message, { metadata: { customerId: otherId } });
}

/** Has the pair settled, by a run that is queued at once. */
async function hint(em: EntityManager, jobs: JobQueue, tenantId: string, conflict: ConflictRow): Promise<void> {
  const { mapping_id: mappingId, record_id: recordId, customer_id: customerId } = conflict;
  await queryRows(em, {
    sql: `insert into sync_hint (tenant_id, mapping_id, side, record_id) values ($1, $2, $3, $4)
      on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid()`,
    values: [tenantId, mappingId, recordId === null ? 'CUSTOMER' : 'PEER', recordId ?? customerId],
  });
  const runId = uuidv7();
  await queryRows(em, {
    sql: `insert into sync_run (tenant_id, id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic)
      values ($1, $2, $3, 'EXCHANGE', false, false, 'QUEUED', false)`,
    values: [tenantId, runId, mappingId],
  });
  await jobs.send({ tenantId, mappingId, runId }, fromKysely(em.getKysely()));
}

function wrongChoice(description: string): AppError {
  return invalidArgument([{ field: 'resolution.choice', reason: 'CHOICE_UNFIT', description }]);
}
