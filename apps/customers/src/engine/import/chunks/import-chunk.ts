import type { EntityManager } from '@mikro-orm/postgresql';
import { BulkPace } from '../../pace/bulk-pace.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { LinkedRecords } from '../../records/references.js';
import type { ImportRules } from '../import-rules.js';
import { applyRow, type Outcome } from '../records/apply-row.js';
import type { Candidates } from '../records/find-records.js';
import type { ImportRecords } from '../records/import-record.js';
import { lockLinks } from '../records/link-rows.js';
import { nameReferences } from '../records/name-references.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import type { RowIssue } from '../rows/row-issue.js';
import { Turn } from '../../pace/turn.js';

/** A row of the file, prepared or refused. */
export interface ChunkRow {
  line: number;
  row: PreparedRow | { refused: RowIssue[] };
}

/** The records that an import reads and writes, and its results. */
export interface RecordStore {
  /** The candidate records of rows. */
  candidates(em: EntityManager, rows: PreparedRow[]): Promise<Candidates>;
  /** The candidates after the earlier rows. @param linked targets of their and the rows' references */
  find(em: EntityManager, candidates: Candidates, linked: LinkedRecords): Promise<ImportRecords>;
  write(em: EntityManager, records: ImportRecords, customFields: CustomFields): Promise<void>;
}

/** Number of rows by result. */
export type OutcomeCounts = Record<Outcome, number>;

/** An issue and the line of its row. */
export interface LineIssue extends RowIssue {
  line: number;
}

export const noOutcomes: Readonly<OutcomeCounts> = { created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0 };

/**
 * Applies the rows of a chunk in their order and writes the results. After a rollback the same rows can be applied
 * again: they stay unchanged.
 */
export async function importChunk(
  em: EntityManager,
  rules: ImportRules,
  { rows: read, customFields }: { rows: readonly ChunkRow[]; customFields: CustomFields },
  store: RecordStore,
): Promise<{ counts: OutcomeCounts; issues: LineIssue[] }> {
  const rows = read.map(copyOf);
  const prepared = rows.flatMap(({ row }) => ('refused' in row ? [] : [row]));
  await nameReferences(em, prepared);
  const candidates = await store.candidates(em, prepared);
  const linked = await lockLinks(em, rules.type, prepared, { ids: candidates.ids, customFields });
  const records = await store.find(em, candidates, linked);
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

/** A copy of a row: resolving its references adds ids to its record, and issues. */
function copyOf({ line, row }: ChunkRow): ChunkRow {
  return { line, row: 'refused' in row ? row : { ...row, record: { ...row.record }, issues: [...row.issues] } };
}
