import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { ImportRecordsResponse } from '@rapport/contracts/rapport/api/v1/records';
import { AppError, callContext, currentCaller } from '@rapport/platform';
import { BulkPace } from '../pace/bulk-pace.js';
import type { BulkSlot } from '../pace/bulk-slot.js';
import type { BulkWork } from '../pace/bulk-work.js';
import { baseCurrency } from '../query/base-currency.js';
import { checkRequest } from '../values/contract.js';
import { CustomFields } from '../fields/custom-fields.js';
import { currentSeal } from '../sealing/seal.js';
import { sealMissing } from '../sealing/sealed-messages.js';
import type { Outcome } from './records/apply-row.js';
import { Columns } from './columns/columns.js';
import { fileError } from './files/file-error.js';
import type { FilePart } from './files/file-row.js';
import { FileSpool } from './files/file-spool.js';
import { noOutcomes } from './chunks/import-chunk.js';
import { isRefusedCommit, withNewKeys } from './chunks/import-keys.js';
import { ImportSteps } from './chunks/import-steps.js';
import type { ImportRules } from './import-rules.js';
import { ImportIssues } from './import-issues.js';
import { rowDefaults, type RowDefaults, type RowRules } from './rows/row-defaults.js';
import { MetRecords } from './records/met-records.js';
import { oneAhead, prepareChunks } from './chunks/prepare-chunks.js';
import { checkContentType, readFile } from './files/read-file.js';
import { StoredRecords } from './records/stored-records.js';

/** A message of the standard method `import`: the first has the parameters, each a part of the file. */
export interface ImportRequest extends RowRules {
  file?: HttpBody | undefined;
  map: string[];
  validateOnly?: boolean | undefined;
}

/**
 * Handles the method `import` of a type: imports all rows of an uploaded file in one transaction, with memory that does not grow with the
 * file. The transaction starts when the upload is complete. Runs in the context of a call.
 *
 * @throws AppError INVALID_ARGUMENT for the parameters, or for a file that can't be read
 * @throws AppError ABORTED IMPORT_CONFLICT when a concurrent write takes a unique value
 * @throws AppError ABORTED UPLOAD_TOO_SLOW
 * @throws AppError ABORTED CONCURRENT_WRITE while the personal data of the tenant is being encrypted
 * @throws AppError RESOURCE_EXHAUSTED while too many imports of the tenant run, or their files take too much room
 */
export async function importRecords(
  em: EntityManager,
  bulk: BulkWork,
  rules: ImportRules,
  requests: AsyncIterable<ImportRequest>,
): Promise<ImportRecordsResponse> {
  // Rows are not matched with records that are not encrypted yet.
  if (currentSeal()?.isComplete === false) throw sealMissing();
  const place = await bulk.imports.enter();
  try {
    return await importFile(em, { bulk, place, rules }, requests);
  } catch (failure) {
    if (!isRefusedCommit(failure)) throw failure;
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
    place.leave();
  }
}

async function importFile(
  em: EntityManager,
  { bulk, place, rules }: { bulk: BulkWork; place: BulkSlot; rules: ImportRules },
  requests: AsyncIterable<ImportRequest>,
): Promise<ImportRecordsResponse> {
  const messages = untilCancelled(requests);
  try {
    const first = await messages.next();
    if (first.done) throw fileError('REQUIRED', 'is required.');
    checkRequest(rules.type.method('import').path, first.value);
    const { file, map, externalIdSystem, validateOnly = false } = first.value;
    const defaults = { ...rowDefaults(first.value), currency: await baseCurrency(em) };
    const ofFile = rules.ofKind?.(defaults.kind) ?? rules;
    const columnsNow = async (source: EntityManager) =>
      new Columns(ofFile, map, externalIdSystem !== undefined, await CustomFields.load(source, rules.type));
    // An invalid map is refused before the file is received.
    await columnsNow(em);
    const contentType = file?.contentType ?? '';
    checkContentType(contentType);
    const pieces = place.receive(filePieces(first.value, messages));
    return await FileSpool.with(em, bulk.importQuotaBytes, pieces, (whole) =>
      inTurn(bulk, () =>
        inTransaction(em, validateOnly, async (transaction) =>
          // Custom fields may have changed while the file was received.
          importRows(transaction, readFile(contentType, whole.pieces()), await columnsNow(transaction), {
            defaults,
            chunkRows: bulk.importChunkRows,
          }),
        ),
      ),
    );
  } finally {
    // Not awaited: the pending read may never settle.
    messages.return(undefined).catch(() => undefined);
  }
}

/** Thrown to roll back a dry run. */
class ImportTried extends Error {
  constructor(readonly answer: ImportRecordsResponse) {
    super('The import was a dry run.');
  }
}

/** Work that throws, as a dry run does, leaves nothing. */
async function inTransaction(
  em: EntityManager,
  validateOnly: boolean,
  work: (transaction: EntityManager) => Promise<ImportRecordsResponse>,
): Promise<ImportRecordsResponse> {
  const run = async (transaction: EntityManager) => {
    const answer = await work(transaction);
    if (!validateOnly) return answer;
    // The checks of the commit.
    await transaction.execute('set constraints all immediate');
    throw new ImportTried(answer);
  };
  try {
    return await withNewKeys((attempt) => em.transactional((transaction) => attempt(() => run(transaction))));
  } catch (failure) {
    if (failure instanceof ImportTried) return failure.answer;
    throw failure;
  }
}

/** Waits for other imports of the tenant, and for its turn among tenants. */
async function inTurn<Result>({ importTurns }: BulkWork, work: () => Promise<Result>): Promise<Result> {
  const { tenantId } = currentCaller();
  await importTurns.enter(tenantId, callContext.getStore()?.gone).catch((cause: unknown) => {
    throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The client of the import has gone.', { cause });
  });
  try {
    return await work();
  } finally {
    importTurns.leave(tenantId);
  }
}

async function importRows(
  em: EntityManager,
  parts: AsyncIterable<FilePart>,
  columns: Columns,
  options: { defaults: RowDefaults; chunkRows: number },
): Promise<ImportRecordsResponse> {
  const { customFields, rules } = columns;
  const steps = await ImportSteps.begin(em, rules, new StoredRecords(rules, await MetRecords.temporary(em)));
  const counts = { ...noOutcomes };
  const issues = new ImportIssues();
  const chunks = prepareChunks(parts, {
    ...options,
    columns,
    customFields: () => Promise.resolve(customFields),
    pace: BulkPace.of(em),
  });
  for await (const chunk of oneAhead(chunks)) {
    for await (const result of steps.import(chunk)) {
      for (const outcome of Object.keys(counts) as Outcome[]) counts[outcome] += result.counts[outcome];
      issues.add(result.issues);
    }
  }
  const placed = columns.report().map(({ reason, ...column }) => ({ ...column, reason: reason as number }));
  const total = Object.values(counts).reduce((sum, count) => sum + count);
  return { rows: total, ...counts, issues: issues.listed, issuesOmitted: issues.omitted, columns: placed };
}

async function* filePieces(first: ImportRequest, others: AsyncGenerator<ImportRequest>): AsyncGenerator<Uint8Array> {
  if (first.file?.data.length) yield first.file.data;
  for await (const { file } of others) {
    if (!file?.data.length) return;
    yield file.data;
  }
  // A cancelled call, or one whose sender crashed, may look complete.
  throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The file is not complete.');
}

async function* untilCancelled(requests: AsyncIterable<ImportRequest>): AsyncGenerator<ImportRequest> {
  try {
    yield* requests;
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'ERR_STREAM_PREMATURE_CLOSE'))
      throw failure;
    throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload was cancelled.', { cause: failure });
  }
}
