import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { etagVersion, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { BulkPace } from '../../pace/bulk-pace.js';
import { LinkedRecords } from '../../records/references.js';
import { newRecord, nextRecord } from '../../records/record-changes.js';
import { insertRows, recordRow, updateRows } from '../../records/record-statements.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import { Turn } from '../../pace/turn.js';
import { customerType } from '../../records/customers/customer-type.js';
import type { CustomerRecord } from './customer-record.js';

/** Records that are written at a time, alone and beside calls: while PostgreSQL does, the next ones are made ready. */
const sliceSize = { alone: 125, beside: 10 };

/**
 * Writes new and changed customers, without their keys.
 *
 * @param operationId of the operation that keeps what its undoing needs
 */
export async function writeRecords(
  em: EntityManager,
  records: CustomerRecord[],
  customFields: CustomFields,
  operationId?: string,
): Promise<void> {
  const pace = BulkPace.of(em);
  let writing: Promise<unknown> = Promise.resolve();
  for (let start = 0, size = 0; start < records.length; start += size) {
    size = pace.step(sliceSize.alone, sliceSize.beside);
    const turn = new Turn(pace);
    const statements = await sliceStatements(records.slice(start, start + size), customFields, turn, operationId);
    await writing;
    writing = pace.keep(() => transactionPipeline(em, statements));
    // Thrown when it is waited for, which is later than Node takes for unhandled.
    writing.catch(() => undefined);
  }
  await writing;
}

async function sliceStatements(
  records: CustomerRecord[],
  customFields: CustomFields,
  turn: Turn,
  operationId: string | undefined,
): Promise<Statement[]> {
  const linked = new LinkedRecords();
  const [created, updated, changes]: [string[], string[], string[]] = [[], [], []];
  for (const { stored, customer: wanted, id } of records) {
    if (turn.isOver) await turn.next();
    const customer = stored
      ? nextRecord(customerType(), stored, wanted, linked)
      : newRecord(customerType(), wanted, linked, id);
    (stored ? updated : created).push(recordRow(customerType(), customer, customFields));
    if (operationId !== undefined) changes.push(changeRecord(customer, stored));
  }
  return [
    ...(created.length > 0 ? [insertRows(customerType(), created)] : []),
    ...(updated.length > 0 ? [updateRows(customerType(), updated)] : []),
    ...(operationId === undefined ? [] : [rememberChanges(operationId, changes)]),
  ];
}

function changeRecord({ id, etag }: Customer, before: Customer | undefined): string {
  return JSON.stringify({ customer_id: id, before, version: etagVersion(etag) });
}

/** A customer that an import changes for a second time keeps what it was before the first, unless another came between. */
function rememberChanges(operationId: string, changes: string[]): Statement {
  return {
    name: 'remember_changes',
    sql: `insert into import_change (tenant_id, operation_id, customer_id, before, version)
      select $1, $2, customer_id, before, version
      from jsonb_to_recordset($3) as change (customer_id uuid, before jsonb, version int)
      on conflict (tenant_id, operation_id, customer_id) do update
      set version = case when import_change.version = excluded.version - 1 then excluded.version else 0 end`,
    values: [currentCaller().tenantId, operationId, `[${changes.join(',')}]`],
  };
}
