import type { Contract, RecordContract, RecordField } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { recordColumns } from './record-columns.ts';
import { classNameOf, logTriggers, type RecordMigration } from './record-migration.ts';
import { columnSql, statisticsSql, tableOf } from './record-tables.ts';

/**
 * The migration that adds a field to the table of a record type, as text. It rewrites no row and builds no index, so that it takes a
 * moment on a large table, and the previous release can write while it runs and afterwards.
 *
 * @param contract that has the field already
 * @param name of the field, such as `next_step`
 * @throws Error that says what has to be written by hand for the field
 */
export function addedFieldMigration(contract: Contract, record: RecordContract, name: string): RecordMigration {
  const field = record.fields.find(({ column }) => column === name);
  const column = recordColumns(contract, record).find((each) => each.name === name);
  if (!field || !column) {
    throw new Error(
      `${record.type} has no field ${name}. Give its name in proto, and run \`npx nx run contracts:generate\` first.`,
    );
  }
  if (column.notNull)
    throw new Error(`${name} must be optional: records have no value, and the previous release writes none.`);
  const byHand = writtenByHand(field);
  if (byHand !== undefined) throw new Error(`${name} ${byHand}`);
  const table = tableOf(record);
  const migration = `add-${name}-to-${table}`.replaceAll('_', '-');
  const text = `import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds \`${name}\` to the ${record.plural}, and to what the change log has of them. Its triggers list the columns of the table, so they are created
 * again, in the transaction of the new column: the previous release can write before and after.
 */
export class ${classNameOf(migration)} extends Migration {
  override name = '${migration}';

  override up(): void {
    this.addSql(\`
      alter table ${table} add column ${columnSql(column)};
${column.planned ? '' : `      ${statisticsSql(table, [column]).replace(/\n */, ' ')}\n`}
      drop function log_${table}_insert, log_${table}_update, log_${table}_delete cascade;
      drop trigger log_truncate on ${table};
      drop trigger log_rename on ${table};
    \`);
    this.addSql(${logTriggers(record)});
    this.addSql(changeLogRights);
  }
}
`;
  return { name: migration, text };
}

/** What a field needs besides its column. */
function writtenByHand({ index, reference }: RecordField): string | undefined {
  if (reference !== undefined)
    return 'refers to records: write its migration by hand, with the foreign key and an index.';
  if (index.unique)
    return 'is unique: write its migration by hand, with the types that the table of unique values allows.';
  if (index.order !== FieldOrder.UNSPECIFIED) {
    return 'is an order: write its migration by hand, with an index as in order-by-all-times.migration.ts.';
  }
  return undefined;
}
