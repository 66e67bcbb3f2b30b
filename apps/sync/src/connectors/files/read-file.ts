import { createHash } from 'node:crypto';
import { configurationError, ConnectorError } from '../connector-error.js';
import { contentVersion } from '../values/content-version.js';
import type { ReadItem } from '../connector.js';
import type { RecordIssue } from '../peer-record.js';
import { csvRecords } from './csv-records.js';
import type { FileConfiguration } from './file-configuration.js';
import type { FileRecord, UnreadableRecord } from './file-record.js';
import { ndjsonRecords } from './ndjson-records.js';
import { vcardRecords } from './vcard-records.js';

/** Ids are kept in memory while a file is read, to find duplicates. */
const maxRecords = 1_000_000;

/** The content of a file, with ids and versions. Everything that is skipped is reported. */
export async function* readFileItems(
  chunks: AsyncIterable<Uint8Array>,
  configuration: FileConfiguration,
  signal: AbortSignal,
): AsyncGenerator<ReadItem> {
  const ids = new FileIds();
  let count = 0;
  for await (const record of fileRecords(untilAborted(chunks, signal), configuration)) {
    if ((count += 1) > maxRecords) throw new ConnectorError('INVALID', `The file has more than ${maxRecords} records.`);
    yield 'reason' in record ? { kind: 'UNREADABLE', issues: [record] } : ids.identify(record);
  }
}

function fileRecords(
  chunks: AsyncIterable<Uint8Array>,
  configuration: FileConfiguration,
): AsyncGenerator<FileRecord | UnreadableRecord> {
  switch (configuration.format) {
    case 'CSV':
      return csvRecords(decode(chunks, configuration.characterSet), configuration);
    case 'NDJSON':
      return ndjsonRecords(decode(chunks, configuration.characterSet), configuration.idField);
    case 'VCARD':
      return vcardRecords(chunks);
    default:
      return configuration.format satisfies never;
  }
}

async function* untilAborted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** @throws ConnectorError INVALID for bytes that are invalid in the character set */
export async function* decode(chunks: AsyncIterable<Uint8Array>, characterSet: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(characterSet, { fatal: true });
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const description = `The file has bytes that are not ${characterSet}.`;
    throw configurationError('/characterSet', { reason: 'INVALID', description }, { cause: error });
  }
}

/** Assigns the ids of the records of one file, in order. */
class FileIds {
  readonly #lines = new Map<string, number>();

  identify({ line, id, fields, content, issues }: FileRecord): ReadItem {
    if (id === '') return unreadable(line, 'NO_ID', 'The record has no id.');
    const version = contentVersion([content]);
    const known = id === undefined ? undefined : this.#lines.get(id);
    if (known !== undefined) return unreadable(line, 'ID_TWICE', `The record on line ${known} has the same id.`);
    const ownId = id ?? this.#idFromContent(content);
    this.#lines.set(ownId, line);
    const found = id === undefined ? [...issues, fromContent(line)] : issues;
    return { kind: 'RECORD', record: { id: ownId, version, fields, ...(found.length > 0 ? { issues: found } : {}) } };
  }

  /** Identical records are numbered. */
  #idFromContent(content: string): string {
    const hash = `content-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
    let number = 1;
    while (this.#lines.has(number === 1 ? hash : `${hash}-${number}`)) number += 1;
    return number === 1 ? hash : `${hash}-${number}`;
  }
}

function unreadable(line: number, reason: string, message: string): ReadItem {
  return { kind: 'UNREADABLE', issues: [{ line, reason, message }] };
}

function fromContent(line: number): RecordIssue {
  const message = 'The record has no id of its own: with other content it is another record.';
  return { reason: 'ID_FROM_CONTENT', message, line };
}
