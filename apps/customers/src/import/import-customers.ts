import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { isConflict, isUniqueViolation } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { BulkPace } from '../bulk-pace.js';
import { checkRequest } from '../contract.js';
import { CustomFields } from '../custom-fields/custom-fields.js';
import { refuseUnderEncryption } from '../sealing/refuse-sealed.js';
import type { Outcome } from './apply-row.js';
import { Columns } from './columns.js';
import { fileError } from './file-error.js';
import type { FilePart } from './file-row.js';
import { importChunk, noOutcomes } from './import-chunk.js';
import { ImportIssues } from './import-issues.js';
import type { RowDefaults } from './map-row.js';
import { MetCustomers } from './met-customers.js';
import { oneAhead, prepareChunks } from './prepare-chunks.js';
import { readFile } from './read-file.js';
import { StoredCustomers } from './stored-customers.js';

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
  refuseUnderEncryption('Files can not be imported');
  if (running >= maxRunning) {
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_IMPORTS', 'Too many imports are running. Try again later.', {
      retryAfterSeconds: 10,
    });
  }
  running += 1;
  try {
    return await importFile(em, requests);
  } catch (failure) {
    if (!isUniqueViolation(failure) && !isConflict(failure)) throw failure;
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
    checkRequest(CustomersServiceService.importCustomers.path, first.value);
    const { file, map, kind, externalIdSystem } = first.value;
    const columns = new Columns(map, externalIdSystem !== undefined, await CustomFields.load(em));
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
  const { customFields } = columns;
  const store = new StoredCustomers(await MetCustomers.temporary(em));
  const counts = { ...noOutcomes };
  const issues = new ImportIssues();
  const chunks = prepareChunks(parts, {
    columns,
    defaults,
    customFields: () => Promise.resolve(customFields),
    pace: BulkPace.of(em),
  });
  for await (const { rows } of oneAhead(chunks)) {
    const result = await importChunk(em, rows, store, customFields);
    for (const outcome of Object.keys(counts) as Outcome[]) counts[outcome] += result.counts[outcome];
    issues.add(result.issues);
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count);
  return { rows: total, ...counts, issues: issues.listed, issuesOmitted: issues.omitted, columns: columns.report() };
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
