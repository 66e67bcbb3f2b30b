import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { type StoredRecord, openStored } from '../records/record-rows.js';
import { updateRecords } from '../records/record-statements.js';
import { CustomFields } from '../fields/custom-fields.js';
import { openUndo, storedUndo, type MergeUndo } from '../merge/merge-undo.js';
import { isSealed } from '../sealing/data-key.js';
import { requiredSeal } from '../sealing/seal.js';
import { customerType } from '../records/customers/customer-type.js';

interface EvidenceRow {
  id: string;
  customer_id: string;
  evidence: string;
}

interface UndoRow {
  id: string;
  customer_id: string;
  undo: MergeUndo;
}

/**
 * Encrypts customers, their consents and the undo data of their merges with their current keys. Runs in a transaction.
 *
 * @param rows locked
 * @param renew replaces the keys after all data is decrypted and before it is encrypted again
 * @returns ids of the consents
 */
export async function sealCustomers(
  em: EntityManager,
  rows: readonly StoredRecord<Customer>[],
  renew = () => Promise.resolve(),
): Promise<string[]> {
  if (rows.length === 0) return [];
  const { tenantId } = currentCaller();
  const ids = rows.map(({ record }) => record.id);
  const customers = await openStored(customerType(), rows);
  const consents = await openEvidence(
    await queryRows<EvidenceRow>(em, {
      name: 'evidence_of_customers',
      sql: `select id, customer_id, evidence from consent
        where tenant_id = $1 and customer_id = any ($2::uuid[]) and evidence is not null`,
      values: [tenantId, ids],
    }),
  );
  const merges = await queryRows<UndoRow>(em, {
    name: 'undo_of_customers',
    sql: `select id, customer_id, undo from customer_merge
      where tenant_id = $1 and customer_id = any ($2::uuid[]) order by id for update`,
    values: [tenantId, ids],
  });
  for (const merge of merges) merge.undo = await openUndo(merge.undo);
  await renew();

  const seal = requiredSeal();
  const evidence = consents.map((row) => ({ id: row.id, evidence: seal.sealText(row.customer_id, row.evidence) }));
  const undo = merges.map((row) => ({ id: row.id, undo: storedUndo(row.customer_id, row.undo) }));
  await transactionPipeline(em, [
    updateRecords(customerType(), customers, await CustomFields.load(em, customerType())),
    {
      name: 'seal_evidence',
      sql: `update consent set evidence = sealed.evidence
        from jsonb_to_recordset($2) as sealed (id uuid, evidence text)
        where consent.tenant_id = $1 and consent.id = sealed.id`,
      values: [tenantId, JSON.stringify(evidence)],
    },
    {
      name: 'seal_undo',
      sql: `update customer_merge set undo = sealed.undo
        from jsonb_to_recordset($2) as sealed (id uuid, undo jsonb)
        where customer_merge.tenant_id = $1 and customer_merge.id = sealed.id`,
      values: [tenantId, JSON.stringify(undo)],
    },
  ]);
  return consents.map(({ id }) => id);
}

/** Encrypts records with the keys of their subjects. Runs in a transaction. @param rows locked */
export async function sealRecords<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  rows: readonly StoredRecord<Message>[],
): Promise<void> {
  if (rows.length === 0) return;
  const records = await openStored(type, rows);
  await transactionPipeline(em, [updateRecords(type, records, await CustomFields.load(em, type))]);
}

async function openEvidence(rows: readonly EvidenceRow[]): Promise<EvidenceRow[]> {
  const seal = requiredSeal();
  await seal.load(rows.map(({ evidence }) => evidence).filter(isSealed));
  return rows.map((row) => ({ ...row, evidence: isSealed(row.evidence) ? seal.openText(row.evidence) : row.evidence }));
}
