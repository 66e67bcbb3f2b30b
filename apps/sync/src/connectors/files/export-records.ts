import { Readable } from 'node:stream';
import type { WriteItem, WriteResult } from '../connector.js';
import { contentVersion } from '../values/content-version.js';
import type { PeerRecord } from '../peer-record.js';
import { exportColumns, formatRecords, recordIssues, type Create } from './format-records.js';
import type { FileConfiguration } from './file-configuration.js';
import type { FileStore } from './file-store.js';
import { readFileItems } from './read-file.js';

const extensions = { CSV: 'csv', NDJSON: 'ndjson', VCARD: 'vcf' } as const;

/**
 * Writes new records to a new file. Reads the existing exports first: a key that is in one of them is not written
 * again, so a retry creates no duplicates, however it is batched.
 */
export async function exportRecords(
  files: FileStore,
  configuration: FileConfiguration & { exportName: string },
  items: WriteItem[],
  signal: AbortSignal,
): Promise<WriteResult[]> {
  const own = { ...configuration, ...exportIdField(configuration), characterSet: 'utf-8' };
  const exported = new Map<string, PeerRecord>();
  for (const name of await files.list(`${own.exportName}-`)) {
    for (const record of await readRecords(files.read(name), own, signal)) exported.set(record.id, record);
  }
  const added: Create[] = [];
  const results: WriteResult[] = [];
  for (const item of items) {
    const result = await exportRecord(item, own, exported, signal);
    if (result.added) added.push(result.added);
    results.push(result.result);
  }
  if (added.length > 0) {
    signal.throwIfAborted();
    const content = Buffer.from(formatRecords(own, exportColumns(own, added), added));
    await files.create(exportFileName(own, added), content);
  }
  return results;
}

type Exporting = FileConfiguration & { exportName: string };

/** A reader of the export must be able to find the id. */
function exportIdField({ format, idField }: FileConfiguration): { idField?: string } {
  return format === 'VCARD' ? {} : { idField: idField ?? 'id' };
}

async function exportRecord(
  item: WriteItem,
  configuration: Exporting,
  exported: Map<string, PeerRecord>,
  signal: AbortSignal,
): Promise<{ result: WriteResult; added?: Create }> {
  if (item.kind !== 'CREATE') {
    return {
      result: { kind: 'REJECTED', issues: [{ reason: 'UNSUPPORTED', message: 'Files take new records only.' }] },
    };
  }
  const issues = recordIssues(configuration, item);
  if (issues.length > 0) return { result: { kind: 'REJECTED', issues } };
  // In the form that a reader of the file sees, so that versions are comparable.
  const text = formatRecords(configuration, exportColumns(configuration, [item]), [item]);
  const [record] = await readRecords(Readable.from([Buffer.from(text)]), configuration, signal);
  if (!record) throw new Error('An exported record could not be read back.');
  const known = exported.get(item.key);
  if (known && known.version !== record.version) return { result: { kind: 'CONFLICT', id: item.key, current: known } };
  exported.set(item.key, record);
  const result: WriteResult = { kind: 'WRITTEN', id: item.key, version: record.version };
  return known ? { result } : { result, added: item };
}

async function readRecords(
  chunks: AsyncIterable<Uint8Array>,
  configuration: FileConfiguration,
  signal: AbortSignal,
): Promise<PeerRecord[]> {
  const records: PeerRecord[] = [];
  for await (const item of readFileItems(chunks, configuration, signal)) {
    if (item.kind === 'RECORD') records.push(item.record);
  }
  return records;
}

/** Depends on the keys only: of two concurrent attempts, one fails to create the file. */
function exportFileName({ exportName, format }: Exporting, added: Create[]): string {
  return `${exportName}-${contentVersion(added.map(({ key }) => key))}.${extensions[format]}`;
}
