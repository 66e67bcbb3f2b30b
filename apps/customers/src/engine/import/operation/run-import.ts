import type { EntityManager } from '@mikro-orm/postgresql';
import type { ImportColumn } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { ImportCounts } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { BulkPace } from '../../pace/bulk-pace.js';
import { CustomFields } from '../../fields/custom-fields.js';
import { Columns } from '../columns/columns.js';
import { importChunk, type OutcomeCounts } from '../chunks/import-chunk.js';
import { baseCurrency } from '../../query/base-currency.js';
import { rowDefaults } from '../rows/row-defaults.js';
import { MetRecords } from '../records/met-records.js';
import { withNewKeys } from '../chunks/import-keys.js';
import { oneAhead, prepareChunks, type Chunk } from '../chunks/prepare-chunks.js';
import type { ImportTypes } from '../import-rules.js';
import { readFile } from '../files/read-file.js';
import { StoredRecords } from '../records/stored-records.js';
import { doStep } from '../../operations/checkpoint.js';
import { addIssues } from '../../operations/operation-issues.js';
import type { OperationTask } from '../../operations/operation-kind.js';
import type { Operation } from '../../operations/operation.entity.js';
import { reportOpener, reportSealer } from '../../sealing/sealed-report.js';
import { ImportFile } from './import-file.js';
import { DraftRecords } from './draft-records.js';
import type { MappingRules } from './mapping-rules.js';

/**
 * Runs an import from its checkpoint: reads the file again from its start, skips the completed rows, and imports the
 * others in chunks, each a step with its own checkpoint. The next chunk is prepared while one is written.
 *
 * @param chunkRows rows per chunk while no calls run beside it
 * @throws OperationMoved when another process or call has changed the operation
 * @throws AppError INVALID_ARGUMENT when the file can't be read
 */
export async function runImport(
  types: ImportTypes,
  { em, job, operation, signal }: OperationTask,
  chunkRows: number,
): Promise<void> {
  const { id, input, counts } = operation;
  const importRules = types.of(input.recordType);
  const rules = operation.rules as MappingRules;
  const defaults = { ...rowDefaults(rules), currency: await baseCurrency(em) };
  const open = await reportOpener(operation.sealed ? rules.map : []);
  const columns = new Columns(
    importRules.ofKind?.(defaults.kind) ?? importRules,
    rules.map.map(open),
    rules.externalIdSystem !== undefined,
    await CustomFields.load(em, importRules.type),
  );
  const file = new ImportFile(em, operation);
  const store = input.dryRun
    ? new DraftRecords(importRules, id, await file.keySubject())
    : new StoredRecords(importRules, MetRecords.of(id), id);
  const pace = BulkPace.of(em);
  const chunks = prepareChunks(readFile(input.contentType, file.pieces()), {
    columns,
    defaults,
    customFields: () => CustomFields.load(em, importRules.type),
    pace,
    chunkRows,
    skip: counts.rows,
  });
  const checkpoint = { state: operation.state, done: counts.rows };
  for await (const { rows, customFields, placed, bytes } of oneAhead(withBytes(chunks, file))) {
    await pace.rested();
    if (signal.aborted) return;
    const write = async (transaction: EntityManager, stored: Operation) => {
      const result = await importChunk(transaction, importRules, { rows, customFields }, store);
      stored.counts = added(stored.counts, result.counts);
      stored.processedBytes = bytes;
      stored.startTime ??= new Date();
      if (stored.columns.length === 0) stored.columns = await storedColumns(stored, placed);
      await addIssues(transaction, stored, result.issues);
    };
    await withNewKeys((attempt) =>
      doStep(em, job, checkpoint, (transaction, stored) => attempt(() => write(transaction, stored))),
    );
    checkpoint.done += rows.length;
  }
  await doStep(em, job, checkpoint, async (_, stored) => {
    stored.columns = await storedColumns(stored, columns.report());
    stored.processedBytes = stored.receivedBytes;
    stored.startTime ??= new Date();
    stored.endTime = new Date();
    stored.state = 'SUCCEEDED';
  });
}

/** Columns as stored: their names are from the file, whose first row may be about a person. */
async function storedColumns(operation: Operation, columns: ImportColumn[]): Promise<ImportColumn[]> {
  const seal = await reportSealer(operation);
  return columns.map((each) => ({ ...each, column: seal(each.column) }));
}

/** Each chunk, with the number of bytes read for it and the earlier ones. */
async function* withBytes(
  chunks: AsyncGenerator<Chunk, void>,
  file: ImportFile,
): AsyncGenerator<Chunk & { bytes: number }, void> {
  for await (const chunk of chunks) yield { ...chunk, bytes: file.bytesRead };
}

function added(counts: ImportCounts, { created, updated, unchanged, joined, failed }: OutcomeCounts): ImportCounts {
  return {
    ...counts,
    rows: counts.rows + created + updated + unchanged + joined + failed,
    created: counts.created + created,
    updated: counts.updated + updated,
    unchanged: counts.unchanged + unchanged,
    joined: counts.joined + joined,
    failed: counts.failed + failed,
  };
}
