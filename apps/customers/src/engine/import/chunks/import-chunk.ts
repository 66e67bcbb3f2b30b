import type { EntityManager } from '@mikro-orm/postgresql';
import { BulkPace } from '../../pace/bulk-pace.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { ImportRules } from '../import-rules.js';
import { applyRow, type Outcome } from '../records/apply-row.js';
import type { CustomerRecords } from '../records/customer-record.js';
import { checkLinks } from '../records/find-records.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import type { RowIssue } from '../rows/row-issue.js';
import { Turn } from '../../pace/turn.js';

/** A row of the file, ready or refused. */
export interface ChunkRow {
  line: number;
  row: PreparedRow | { refused: RowIssue[] };
}

/** Where an import finds its customers and leaves what came of them. */
export interface CustomerStore {
  /** The customers that rows may be about, as they are by the rows before. */
  find(em: EntityManager, rows: PreparedRow[]): Promise<CustomerRecords>;
  write(em: EntityManager, records: CustomerRecords, customFields: CustomFields): Promise<void>;
}

/** How many rows came to which end. */
export type OutcomeCounts = Record<Outcome, number>;

/** An issue and the line of its row. */
export interface LineIssue extends RowIssue {
  line: number;
}

export const noOutcomes: Readonly<OutcomeCounts> = { created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0 };

/** Applies the rows of a chunk in their order and writes what came of them. Doing it again after a rollback is safe. */
export async function importChunk(
  em: EntityManager,
  rules: ImportRules,
  { rows, customFields }: { rows: ChunkRow[]; customFields: CustomFields },
  store: CustomerStore,
): Promise<{ counts: OutcomeCounts; issues: LineIssue[] }> {
  const prepared = rows.flatMap(({ row }) => ('refused' in row ? [] : [row]));
  await checkLinks(em, prepared, customFields);
  const records = await store.find(em, prepared);
  const counts = { ...noOutcomes };
  const issues: LineIssue[] = [];
  const turn = new Turn(BulkPace.of(em));
  for (const { line, row } of rows) {
    if (turn.isOver) await turn.next();
    const result =
      'refused' in row ? { outcome: 'failed' as const, issues: row.refused } : applyRow(row, records, rules);
    counts[result.outcome] += 1;
    for (const issue of result.issues) issues.push({ ...issue, line });
  }
  await store.write(em, records, customFields);
  return { counts, issues };
}
