import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import { onceAmongTypes, type RecordType } from '../../fields/record-type.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../record-rows.js';
import { updateRecords } from '../record-statements.js';
import { referringFields, type ReferringField } from './referring-fields.js';

/** Records of a type that are encrypted with keys of other records. */
export interface Dependents {
  type: RecordType;
  records: readonly RecordMessage[];
}

/** The records that are encrypted with the keys of records of a type, locked and decrypted. */
export async function openDependents(
  em: EntityManager,
  subject: RecordType,
  ids: readonly string[],
): Promise<Dependents[]> {
  const dependents: Dependents[] = [];
  for (const { type, column } of dependentFields(subject)) {
    const rows = await queryRows<StoredRecord>(em, {
      name: `lock_dependent_${type.table}s`,
      sql: `select ${shownColumns(type)} from ${type.table}
        where tenant_id = $1 and ${column} = any ($2::uuid[]) order by id for update`,
      values: [currentCaller().tenantId, [...ids]],
      row: rowReader(type),
    });
    if (rows.length > 0) dependents.push({ type, records: await openStored(type, rows) });
  }
  return dependents;
}

/** Most records per statement: it has 8 s. */
const statementSize = 1_000;

/** Stores records again, encrypted with the current keys of their subjects. */
export async function sealDependents(em: EntityManager, dependents: readonly Dependents[]): Promise<void> {
  for (const { type, records } of dependents) {
    const customFields = await CustomFields.load(em, type);
    for (let start = 0; start < records.length; start += statementSize) {
      const some = records.slice(start, start + statementSize);
      await transactionPipeline(em, [updateRecords(type, some, customFields)]);
    }
  }
}

/**
 * The types whose personal data is encrypted with the keys of records of a type, and the fields that refer to these.
 */
const dependentFields = onceAmongTypes((subject: RecordType): readonly ReferringField[] =>
  referringFields(subject).filter(({ type, column }) => type.contract.options.subject === column),
);
