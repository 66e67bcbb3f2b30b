import type { ImportColumn } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { BulkPace } from '../../pace/bulk-pace.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { Columns } from '../columns/columns.js';
import type { FilePart } from '../files/file-row.js';
import type { RowDefaults } from '../rows/row-defaults.js';
import { prepareRow } from '../rows/prepare-row.js';
import { error } from '../rows/row-issue.js';
import { Turn } from '../../pace/turn.js';
import type { ChunkRow } from './import-chunk.js';

/** Rows that are matched and written together. */
export interface Chunk {
  rows: ChunkRow[];
  /** The definitions that were used to read the rows. */
  customFields: CustomFields;
  /** The target of each column; empty while some are unknown. */
  placed: ImportColumn[];
}

export interface ChunkOptions {
  columns: Columns;
  defaults: RowDefaults;
  /** Called once for each chunk. */
  customFields: () => Promise<CustomFields>;
  pace: BulkPace;
  /** Rows per chunk while no calls run beside it. */
  chunkRows: number;
  /** Number of completed rows at the start of the file. */
  skip?: number;
}

/** Most rows per chunk beside calls, and the most text of a chunk, in UTF-16 units. */
const limits = { rowsBeside: 100, size: 4 * 1024 * 1024 };

/** Splits the rows of a file into chunks, each row mapped, validated and normalized. */
export async function* prepareChunks(
  parts: AsyncIterable<FilePart>,
  { columns, defaults, customFields: load, pace, chunkRows, skip = 0 }: ChunkOptions,
): AsyncGenerator<Chunk, void> {
  let toSkip = skip;
  let customFields = await load();
  let placed: ImportColumn[] = [];
  let rows: ChunkRow[] = [];
  let size = 0;
  const turn = new Turn(pace);
  const { rules } = columns;
  const rowsBeside = Math.min(chunkRows, limits.rowsBeside);
  for await (const part of parts) {
    if (turn.isOver) await turn.next();
    if ('columns' in part) {
      columns.placeHeader(part.columns);
      // The file names all its columns here, so a missing one is reported before any row is imported.
      placed = columns.report();
      continue;
    }
    if (toSkip > 0) {
      // Columns that are named per row are claimed in the order of the rows.
      if ('cells' in part) columns.place(part.cells.map(([name]) => name));
      toSkip -= 1;
      continue;
    }
    if ('problem' in part)
      rows.push({ line: part.line, row: { refused: [error(part.problem.reason, part.problem.message)] } });
    else {
      const mapped = rules.readRow(columns.targeted(part), defaults, columns.customFields);
      rows.push({ line: part.line, row: prepareRow(rules, mapped, customFields, defaults) });
      size += part.size;
    }
    if (rows.length < pace.step(chunkRows, rowsBeside) && size <= limits.size) continue;
    yield { rows, customFields, placed };
    [rows, size] = [[], 0];
    customFields = await load();
    turn.begin();
  }
  if (rows.length > 0) yield { rows, customFields, placed };
}

/** Prepares the next item while the previous one is processed. */
export async function* oneAhead<Item>(source: AsyncGenerator<Item, void>): AsyncGenerator<Item, void> {
  try {
    let next = source.next();
    for (;;) {
      const item = await next;
      if (item.done) return;
      next = source.next();
      // Thrown when its turn comes, which would be too late for Node: it would count as an unhandled rejection.
      next.catch(() => undefined);
      yield item.value;
    }
  } finally {
    await source.return();
  }
}
