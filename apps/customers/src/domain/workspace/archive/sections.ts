import type { LoggedTypes } from '../../../engine/changes/log/logged-types.js';
import { HistorySection } from './history-section.js';
import { RecordSection } from './record-section.js';
import { RowSection, type RowTable } from './row-section.js';
import type { Section, Sections } from './section.js';

/** Tables in the change log whose key is not `id`. */
const keys: Readonly<Record<string, Omit<RowTable, 'table'>>> = {
  custom_field: { key: 'key' },
  workspace_settings: { key: 'tenant_id', ofTenant: ['id'] },
};

/** Tables that are not in the change log. */
const unlogged: Readonly<Record<'before' | 'after', readonly RowTable[]>> = {
  before: [
    { table: 'import_mapping', key: 'key' },
    { table: 'sla_definition', key: 'key' },
    // Before the pipelines, with which the timer of the next one is set: a night has one.
    { table: 'forecast_snapshot', key: 'id', numbers: ['log_position'] },
    { table: 'forecast_snapshot_quota', key: 'snapshot_id, number' },
    {
      table: 'forecast_snapshot_row',
      key: 'snapshot_id, number',
      numbers: ['amount', 'weighted', 'base_amount', 'base_weighted'],
    },
  ],
  after: [
    { table: 'erasure', key: 'id' },
    { table: 'saved_view', key: 'id' },
  ],
};

/** Prerequisites of records: custom field definitions determine their indexes. */
const beforeRecords = new Set(['custom_field', 'workspace_settings']);

/**
 * The sections of an archive, in order: prerequisites of records, records of all types, the bytes of files, and
 * dependents of records. All types of the change log are included.
 */
export function sectionsOf(types: LoggedTypes): Sections {
  const rows = types.types.flatMap(({ name, table, tableBeside, record }): RowTable[] =>
    record
      ? []
      : [table, ...(tableBeside === undefined ? [] : [tableBeside])].map((each) => ({
          ...{ key: 'id', logged: name },
          ...keys[each],
          table: each,
        })),
  );
  const section = (row: RowTable): Section => new RowSection(types, row);
  return {
    before: [
      ...[...rows.filter(({ table }) => beforeRecords.has(table)), ...unlogged.before].map(section),
      ...types.types.flatMap(({ record }) => (record ? [new RecordSection(record)] : [])),
    ],
    after: [
      ...[...rows.filter(({ table }) => !beforeRecords.has(table)), ...unlogged.after].map(section),
      new HistorySection(),
    ],
  };
}
