import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { BulkPace } from '../pace/bulk-pace.js';
import { eraseChanges } from '../changes/erasure/erasure-statements.js';
import { sealedTypes } from './sealed-types.js';

/** Most rows changed per statement. */
const batchSize = 500;

/** Unencrypted blind copies of messages that no worker has to send. Sealed texts begin with U+0001. */
const endedCopies = `not starts_with(bcc, '["\\u0001') and not exists (select from mail_job job
  where job.tenant_id = mail_envelope.tenant_id and job.message_id = mail_envelope.message_id)`;

/** An unencrypted import whose report can quote its file. */
const quotingImport = `kind = 'IMPORT' and not sealed
  and (columns <> '[]' or error ->> 'message' <> 'Erased.' or input -> 'map' <> '[]' or rules -> 'map' <> '[]')`;

/**
 * Deletes unencrypted personal data that the caller's tenant stores outside its records for a limited time: responses
 * for idempotency keys, undo data and issues of imports, and values in the change log.
 *
 * @param since the latest time at which unencrypted data may have been written
 */
export async function clearPlainData(em: EntityManager, since: Date, signal: AbortSignal): Promise<void> {
  const { tenantId } = currentCaller();
  const pace = BulkPace.of(em);
  const some = (table: string, condition: string) =>
    `ctid = any (array(select ctid from ${table} where tenant_id = ? and ${condition} limit ${batchSize}))`;
  const answers = `request_hash <> '' and create_time <= '${since.toISOString()}'`;
  const statements = [
    `update idempotency_key set request_hash = '', response = '' where ${some('idempotency_key', answers)} returning 1`,
    ...['import_change', 'import_met', 'import_draft', 'import_draft_key', 'import_piece'].map(
      (table) => `delete from ${table} where ${some(table, 'true')} returning 1`,
    ),
    `delete from workspace_piece where ${some('workspace_piece', 'key_subject is null')} returning 1`,
    `update operation_issue set message = 'Erased.' where ${some('operation_issue', `message <> 'Erased.'`)} returning 1`,
    // Blind copies of messages that are not about to be sent: only their sender reads them.
    `update mail_envelope set bcc = null where ${some('mail_envelope', endedCopies)} returning 1`,
    // Columns and errors of imports can quote the file.
    `update operation set columns = '[]', error = case when error is null then null else error || '{"message": "Erased."}' end,
       input = input || '{"map": []}', rules = rules || '{"map": []}'
     where ${some('operation', quotingImport)} returning 1`,
  ];
  for (const statement of statements) {
    const clear = () => em.execute<unknown[]>(statement, [tenantId]);
    for (let cleared: unknown[] = [true]; cleared.length > 0 && !signal.aborted;) cleared = await pace.keep(clear);
  }
  for (let isDone = false; !isDone && !signal.aborted;) isDone = await pace.keep(() => cutHistory(em, since));
}

/**
 * Deletes values up to `since` from the change log, such as those of customers that no longer exist. @returns whether
 * none are left
 */
async function cutHistory(em: EntityManager, since: Date): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const rows = await queryRows<{ record_id: string }>(transaction, {
      name: 'plain_history',
      sql: `select distinct record_id from change_log
        where tenant_id = $1 and type = any ($4::text[]) and time <= $2 and erased_digest is null
          and (before is not null or after is not null)
        limit $3`,
      values: [
        currentCaller().tenantId,
        since,
        batchSize,
        [...sealedTypes().map(({ table }) => table), 'consent', 'file'],
      ],
    });
    const ids = rows.map(({ record_id }) => record_id);
    if (ids.length > 0) await transactionPipeline(transaction, [eraseChanges(ids, undefined, since.toISOString())]);
    return ids.length < batchSize;
  });
}
