import type { EntityManager } from '@mikro-orm/postgresql';
import { applyRow, type Outcome } from './apply-row.js';
import type { ImportIssues } from './import-issues.js';
import { checkCompanies, findRecords } from './find-records.js';
import type { PreparedRow } from './prepare-row.js';
import type { RowIssue } from './row-issue.js';
import { writeRecords } from './write-records.js';

/** A row of the file, ready or refused. */
export interface ChunkRow {
  line: number;
  row: PreparedRow | { refused: RowIssue[] };
}

/** Applies the rows of a chunk in their order and writes what came of them. Counts and issues go to `counts` and `issues`. */
export async function importChunk(
  em: EntityManager,
  rows: ChunkRow[],
  counts: Record<Outcome, number>,
  issues: ImportIssues,
): Promise<void> {
  const prepared = rows.flatMap(({ row }) => ('refused' in row ? [] : [row]));
  await checkCompanies(em, prepared);
  const records = await findRecords(em, prepared);
  for (const { line, row } of rows) {
    const result = 'refused' in row ? { outcome: 'failed' as const, issues: row.refused } : applyRow(row, records);
    counts[result.outcome] += 1;
    issues.add(line, result.issues);
  }
  await writeRecords(em, records);
}
