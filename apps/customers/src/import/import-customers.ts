import { setImmediate as letOthersWork } from 'node:timers/promises';
import { UniqueConstraintViolationException, type EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  ImportCustomersRequest,
  ImportCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { isConflict } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { Outcome } from './apply-row.js';
import { Columns } from './columns.js';
import { checkRequest } from './customer-rules.js';
import { fileError } from './file-error.js';
import type { FilePart } from './file-row.js';
import { importChunk, type ChunkRow } from './import-chunk.js';
import { ImportIssues } from './import-issues.js';
import { mapRow, type RowDefaults } from './map-row.js';
import { prepareRow } from './prepare-row.js';
import { readFile } from './read-file.js';
import { error } from './row-issue.js';
import { createImportTables } from './write-records.js';

/** Rows that are matched and written together, and the most text that they may come from, in UTF-16 units. */
const chunk = { rows: 1_000, size: 4 * 1024 * 1024 };

/** Rows that are read before other calls get their turn: some milliseconds of work. */
const rowsPerTurn = 50;

/** Imports of one process at a time: each holds a connection of the pool for as long as its file takes to arrive. */
const maxRunning = 4;
let running = 0;

/**
 * Imports a file that comes in pieces: all its rows in one transaction, in memory that does not grow with the file.
 * Runs in the context of a call.
 *
 * @throws AppError INVALID_ARGUMENT for the parameters, or for a file that can't be read
 * @throws AppError ABORTED IMPORT_CONFLICT when a concurrent write takes a unique value
 * @throws AppError RESOURCE_EXHAUSTED while too many imports run
 */
export async function importCustomers(
  em: EntityManager,
  requests: AsyncIterable<ImportCustomersRequest>,
): Promise<ImportCustomersResponse> {
  if (running >= maxRunning) {
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_IMPORTS', 'Too many imports are running. Try again later.', {
      retryAfterSeconds: 10,
    });
  }
  running += 1;
  try {
    return await importFile(em, requests);
  } catch (failure) {
    if (!(failure instanceof UniqueConstraintViolationException) && !isConflict(failure)) throw failure;
    throw new AppError(
      'ABORTED',
      'IMPORT_CONFLICT',
      'Another write took a unique value meanwhile. Repeat the import.',
      {
        cause: failure,
        retryAfterSeconds: 1,
      },
    );
  } finally {
    running -= 1;
  }
}

async function importFile(
  em: EntityManager,
  requests: AsyncIterable<ImportCustomersRequest>,
): Promise<ImportCustomersResponse> {
  const messages = untilCancelled(requests);
  try {
    const first = await messages.next();
    if (first.done) throw fileError('REQUIRED', 'is required.');
    checkRequest(first.value);
    const { file, map, kind, externalIdSystem } = first.value;
    const columns = new Columns(map, externalIdSystem !== undefined);
    const defaults = { kind: kind || CustomerKind.PERSON, externalIdSystem: externalIdSystem ?? 'import' };
    const parts = readFile(file?.contentType ?? '', filePieces(first.value, messages));
    return await em.transactional((transaction) => importRows(transaction, parts, columns, defaults));
  } finally {
    await messages.return(undefined);
  }
}

async function importRows(
  em: EntityManager,
  parts: AsyncIterable<FilePart>,
  columns: Columns,
  defaults: RowDefaults,
): Promise<ImportCustomersResponse> {
  // The time that a client may take to send the next piece: longer than between the statements of any other call.
  await em.execute(`set local idle_in_transaction_session_timeout = '60s'`);
  await createImportTables(em);
  const counts: Record<Outcome, number> = { created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0 };
  const issues = new ImportIssues();
  let rows: ChunkRow[] = [];
  let size = 0;
  for await (const part of parts) {
    if ('columns' in part) {
      columns.placeHeader(part.columns);
      continue;
    }
    rows.push(readRow(part, columns, defaults));
    size += 'size' in part ? part.size : 0;
    if (rows.length === chunk.rows || size > chunk.size) {
      await importChunk(em, rows, counts, issues);
      [rows, size] = [[], 0];
    }
    if (rows.length % rowsPerTurn === 0) await letOthersWork();
  }
  await importChunk(em, rows, counts, issues);
  const total = Object.values(counts).reduce((sum, count) => sum + count);
  return { rows: total, ...counts, issues: issues.listed, issuesOmitted: issues.omitted, columns: columns.report() };
}

function readRow(part: Exclude<FilePart, { columns: string[] }>, columns: Columns, defaults: RowDefaults): ChunkRow {
  const { line } = part;
  if ('problem' in part) return { line, row: { refused: [error(part.problem.reason, part.problem.message)] } };
  return { line, row: prepareRow(mapRow(part, columns, defaults)) };
}

async function* filePieces(
  first: ImportCustomersRequest,
  others: AsyncGenerator<ImportCustomersRequest>,
): AsyncGenerator<Uint8Array> {
  if (first.file?.data.length) yield first.file.data;
  for await (const { file } of others) {
    if (!file?.data.length) return;
    yield file.data;
  }
  // A call that was cancelled, or whose sender died, may look like one that ended.
  throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The file is not complete.');
}

async function* untilCancelled(
  requests: AsyncIterable<ImportCustomersRequest>,
): AsyncGenerator<ImportCustomersRequest> {
  try {
    yield* requests;
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'ERR_STREAM_PREMATURE_CLOSE'))
      throw failure;
    throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload was cancelled.', { cause: failure });
  }
}
