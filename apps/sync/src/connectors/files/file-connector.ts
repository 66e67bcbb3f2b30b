import type { ConnectorEnvironment } from '../connector-environment.js';
import type {
  Connector,
  Page,
  Peer,
  ReadItem,
  ReadKeysRequest,
  ReadRequest,
  WriteRequest,
  WriteResult,
} from '../connector.js';
import { configurationError, ConnectorError } from '../connector-error.js';
import { readCursor, writeCursor } from '../values/cursor.js';
import type { ConnectorDescription, PeerDescription, RecordField } from '../description.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { checkRecordType } from '../record-type.js';
import { contactFields } from '../vcard/contact-fields.js';
import { csvColumns } from './csv-records.js';
import { exportRecords } from './export-records.js';
import { checkFileConfiguration, fileConfigurationSchema, type FileConfiguration } from './file-configuration.js';
import { decode, readFileItems } from './read-file.js';

const recordType = 'record';
const cursorForm = 'file-1';
const defaultPageSize = 200;
/** Number of records that determine the fields of a file without a header. */
const sampleSize = 100;

/** Position in a version of the file. */
type FileCursor = { version: string; done: number };

const description: ConnectorDescription = {
  name: 'file',
  title: 'CSV, NDJSON or vCard file',
  version: '1.0.0',
  configurationSchema: fileConfigurationSchema,
  webhooks: false,
};

/** Reads one file as a whole, and writes new records to new files. */
export const fileConnector: Connector = {
  description,
  connect: (configuration, environment) => new FilePeer(checkFileConfiguration(configuration), environment),
};

class FilePeer implements Peer {
  readonly #configuration: FileConfiguration;
  readonly #files: ConnectorEnvironment['files'];

  constructor(configuration: FileConfiguration, { files }: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#files = files;
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#version(signal);
    const items = this.#items(signal);
    await items.next();
    await items.return(undefined);
  }

  async describe(signal: AbortSignal): Promise<PeerDescription> {
    await this.#version(signal);
    const create = this.#configuration.exportName !== undefined;
    const capabilities = {
      incremental: false,
      deletes: 'MISSING_KEYS',
      create,
      update: false,
      delete: false,
      preconditions: false,
    } as const;
    const fields = (await this.#fields(signal)).map((field) => ({ ...field, writable: field.writable && create }));
    const createDescription = create ? undefined : 'The connection has no exportName, so its file is only read.';
    return { recordTypes: [{ name: recordType, fields, capabilities, createDescription }] };
  }

  async *read({ recordType: type, cursor, pageSize = defaultPageSize, signal }: ReadRequest): AsyncGenerator<Page> {
    checkRecordType(type, [recordType]);
    const version = await this.#version(signal);
    let done = 0;
    const page = (items: ReadItem[]): Page => ({ items, cursor: writeCursor(cursorForm, { version, done }) });
    const start = cursor === undefined ? 0 : startAfter(cursor, version);
    let items: ReadItem[] = [];
    for await (const item of this.#items(signal)) {
      done += 1;
      if (done <= start) continue;
      items.push(item);
      if (items.length < pageSize) continue;
      yield page(items);
      signal.throwIfAborted();
      items = [];
    }
    if ((await this.#version(signal)) !== version) throw changed();
    yield page(items);
  }

  async *readKeys({ recordType: type, pageSize, signal }: ReadKeysRequest): AsyncGenerator<RecordKey[]> {
    for await (const { items } of this.read({ recordType: type, ...(pageSize ? { pageSize } : {}), signal })) {
      yield items.flatMap((item) =>
        item.kind === 'RECORD' ? [{ id: item.record.id, version: item.record.version }] : [],
      );
    }
  }

  async readOne(type: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined> {
    checkRecordType(type, [recordType]);
    await this.#version(signal);
    for await (const item of this.#items(signal)) {
      if (item.kind === 'RECORD' && item.record.id === id) return item.record;
    }
    return undefined;
  }

  async write({ recordType: type, items, signal }: WriteRequest): Promise<WriteResult[]> {
    checkRecordType(type, [recordType]);
    signal.throwIfAborted();
    const { exportName } = this.#configuration;
    if (exportName === undefined)
      throw new ConnectorError('UNSUPPORTED', 'This connection has no exportName: it only reads.');
    return exportRecords(this.#files, { ...this.#configuration, exportName }, items, signal);
  }

  #items(signal: AbortSignal): AsyncGenerator<ReadItem> {
    return readFileItems(this.#files.read(this.#configuration.file), this.#configuration, signal);
  }

  /** @throws ConnectorError that names `/file` when it does not exist */
  async #version(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const version = await this.#files.version(this.#configuration.file);
    if (version !== undefined) return version;
    throw configurationError('/file', { reason: 'NOT_FOUND', description: 'There is no such file.' });
  }

  async #fields(signal: AbortSignal): Promise<RecordField[]> {
    const { format, file, characterSet, delimiter } = this.#configuration;
    if (format === 'VCARD') return contactFields;
    if (format === 'CSV') {
      const names = await csvColumns(decode(this.#files.read(file), characterSet), delimiter);
      return names.filter(Boolean).map((name) => ({ name, type: 'TEXT', writable: true, required: false }));
    }
    const names = new Set<string>();
    let seen = 0;
    for await (const item of this.#items(signal)) {
      if (item.kind === 'RECORD') Object.keys(item.record.fields).forEach((name) => names.add(name));
      if ((seen += 1) >= sampleSize) break;
    }
    const sampled = `Found in the first ${sampleSize} lines; later ones may have more.`;
    return [...names].map((name) => ({ name, type: 'JSON', writable: true, required: false, description: sampled }));
  }
}

function startAfter(cursor: string, version: string): number {
  const isContent = (content: Record<string, unknown>) =>
    typeof content['version'] === 'string' && Number.isSafeInteger(content['done']);
  const content = readCursor<FileCursor>(cursorForm, cursor, isContent);
  if (content.version !== version) throw changed();
  return content.done;
}

function changed(): ConnectorError {
  return new ConnectorError('CURSOR_EXPIRED', 'The file has changed since. Read it from the beginning.');
}
