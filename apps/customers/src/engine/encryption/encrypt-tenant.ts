import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { RecordType } from '../fields/record-type.js';
import { BulkPace } from '../pace/bulk-pace.js';
import { type StoredRecord, rowReader, shownColumns } from '../records/record-rows.js';
import { emailValue } from '../records/unique-values.js';
import { doStep } from '../operations/checkpoint.js';
import type { OperationKind, OperationTask } from '../operations/operation-kind.js';
import type { Operation } from '../operations/operation.entity.js';
import { eraseChanges } from '../changes/erasure/erasure-statements.js';
import { withSeal } from '../sealing/seal.js';
import { Sealing } from '../sealing/sealing.js';
import { clearPlainData } from './clear-plain-data.js';
import { deletePlainUploads, encryptFiles, isOfFiles } from './encrypt-files.js';
import { batchSize, doneUpTo, lastDone, type EncryptionWork } from './encryption-work.js';
import { isCustomers, sealedTypes } from './sealed-types.js';
import { sealCustomers, sealRecords } from './seal-records.js';

/** Encrypts the personal data of a tenant. Cannot be cancelled or undone. */
export const encryptionKind: OperationKind = {
  name: 'ENCRYPTION',
  origin: 'encryption',
  run: encryptTenant,
  undo: { refusal: 'Encryption can not be undone.' },
  cancelRefusal: 'Encryption can not be cancelled. It can be paused.',
  leftovers: [],
};

/**
 * Encrypts the data that a tenant stored before encryption was enabled, and deletes what cannot be encrypted. Each step
 * reduces the remaining work, so the operation resumes by starting again.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 */
async function encryptTenant({ em, job, operation, signal }: OperationTask): Promise<void> {
  const checkpoint = { state: operation.state, done: operation.counts.rows };
  const work = { em, job, checkpoint, pace: BulkPace.of(em), signal };
  const sealing = Sealing.of(em);
  sealing.forget(job.tenantId);
  const seal = await sealing.sealOf(em, job.tenantId);
  if (!seal) throw new Error('Encryption is not enabled for the tenant.');
  await withSeal(seal, async () => {
    const since = await formerWritesGone(em, operation, signal);
    await deletePlainUploads(work);
    await blindAddresses(work);
    await sealAll(work, since);
    await clearPlainData(em, since, signal);
    if (!signal.aborted) await finish(work);
  });
}

/**
 * Waits until all transactions have ended that may have started without encryption. After that no unencrypted data is
 * added.
 *
 * @returns the latest time at which unencrypted data may have been written
 */
async function formerWritesGone(em: EntityManager, { createTime }: Operation, signal: AbortSignal): Promise<Date> {
  const since = new Date(createTime.getTime() + 3 * Sealing.of(em).stalenessMs);
  while (Date.now() < since.getTime() && !signal.aborted) await delay(50);
  const [row] = await em.execute<{ horizon: string }[]>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as horizon',
  );
  for (;;) {
    const [state] = await em.execute<{ are_gone: boolean }[]>(
      'select pg_snapshot_xmin(pg_current_snapshot()) >= ?::xid8 as are_gone',
      [row?.horizon ?? '0'],
    );
    if (state?.are_gone || signal.aborted) return since;
    await delay(50);
  }
}

/**
 * Replaces unencrypted e-mail addresses in the unique keys by blind indexes. Comes first: until then the statements of
 * writes, not the database, enforce the uniqueness of addresses.
 */
async function blindAddresses({ em, job, checkpoint, pace, signal }: EncryptionWork): Promise<void> {
  let after: string | undefined = '';
  while (after !== undefined && !signal.aborted) {
    const limit = pace.step(batchSize.alone, batchSize.beside);
    const from: string = after;
    after = await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction) => {
        // An unencrypted address has an @, a blind index never does.
        const rows = await queryRows<{ value: string }>(transaction, {
          name: 'plain_addresses',
          sql: `select value from customer_key where tenant_id = $1 and type = 'EMAIL' and value > $2 and value like '%@%'
            order by value limit $3 for update`,
          values: [job.tenantId, from, limit],
        });
        const blinded = rows.map(({ value }) => ({ plain: value, blind: emailValue(value).value }));
        const json = JSON.stringify(blinded);
        await transactionPipeline(transaction, [
          blindAddressesOf(job.tenantId, json),
          dropAddresses(job.tenantId, json),
        ]);
        return rows.length < limit ? undefined : rows.at(-1)?.value;
      }),
    );
  }
}

const blindedRows = `jsonb_to_recordset($2) as blinded (plain text, blind text)`;

function blindAddressesOf(tenantId: string, json: string) {
  return {
    name: 'blind_addresses',
    sql: `insert into customer_key (tenant_id, type, value, customer_id)
      select $1, 'EMAIL', blinded.blind, customer_key.customer_id from ${blindedRows}
      join customer_key on customer_key.tenant_id = $1 and customer_key.type = 'EMAIL' and customer_key.value = blinded.plain
      on conflict do nothing`,
    values: [tenantId, json],
  };
}

function dropAddresses(tenantId: string, json: string) {
  return {
    name: 'drop_plain_addresses',
    sql: `delete from customer_key using ${blindedRows}
      where customer_key.tenant_id = $1 and customer_key.type = 'EMAIL' and customer_key.value = blinded.plain`,
    values: [tenantId, json],
  };
}

/**
 * Encrypts the records of all types with personal data, one type after the other, and then files, from the stored
 * checkpoint on.
 */
async function sealAll(work: EncryptionWork, since: Date): Promise<void> {
  const [done] = await queryRows<{ done_table: string }>(work.em, {
    name: 'encrypted_table',
    sql: 'select done_table from tenant_encryption where tenant_id = $1',
    values: [work.job.tenantId],
  });
  const doneTable = done?.done_table;
  const types = sealedTypes();
  const begun = types.findIndex(({ table }) => table === doneTable);
  const rest = isOfFiles(doneTable) ? [] : types.slice(Math.max(begun, 0));
  for (const type of rest) await sealRecordsOf(type, work, since);
  if (!work.signal.aborted) await encryptFiles(work, doneTable, since);
}

/**
 * Encrypts records in the order of their ids, customers together with their consents and merges, and deletes the values
 * from their history. Includes records that a write has encrypted meanwhile, since the change log still has their
 * earlier unencrypted values.
 */
async function sealRecordsOf(
  type: RecordType,
  { em, job, checkpoint, pace, signal }: EncryptionWork,
  since: Date,
): Promise<void> {
  for (let isDone = false; !isDone && !signal.aborted;) {
    const limit = pace.step(batchSize.alone, batchSize.beside);
    const sealed = await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction, operation) => {
        const rows = await queryRows<StoredRecord>(transaction, recordsToSeal(type, job.tenantId, since, limit));
        const ids = [...rows.map(({ record }) => record.id), ...(await sealWithOthers(transaction, type, rows))];
        const { counts } = operation;
        operation.counts = { ...counts, rows: counts.rows + rows.length, updated: counts.updated + rows.length };
        operation.startTime ??= new Date();
        await transaction.flush();
        const last = rows.at(-1)?.record;
        // Last, since it blocks the sequencer until the commit.
        if (last) await transactionPipeline(transaction, [doneUpTo(type.table, last.id), eraseChanges(ids)]);
        return rows.length;
      }),
    );
    checkpoint.done += sealed;
    isDone = sealed < limit;
  }
}

function recordsToSeal(type: RecordType, tenantId: string, since: Date, limit: number): Statement {
  const { table } = type;
  return {
    name: `${table}s_to_seal`,
    sql: `select ${shownColumns(type)} from ${table}
      where tenant_id = $1 and (not sealed or create_time <= $2)
        and id > ${lastDone(table)}
      order by id limit $3 for update of ${table}`,
    values: [tenantId, since, limit],
    row: rowReader(type),
  };
}

/** @returns ids of the consents that were encrypted with customers */
async function sealWithOthers(em: EntityManager, type: RecordType, rows: readonly StoredRecord[]): Promise<string[]> {
  if (isCustomers(type)) return sealCustomers(em, rows as readonly StoredRecord<Customer>[]);
  await sealRecords(em, type, rows);
  return [];
}

async function finish({ em, job, checkpoint }: EncryptionWork): Promise<void> {
  await doStep(em, job, checkpoint, async (transaction, operation) => {
    await transaction.execute('update tenant_encryption set complete_time = now() where tenant_id = ?', [job.tenantId]);
    operation.startTime ??= new Date();
    operation.endTime = new Date();
    operation.state = 'SUCCEEDED';
  });
  Sealing.of(em).forget(job.tenantId);
}
