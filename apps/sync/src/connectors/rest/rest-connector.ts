import type { ConnectorEnvironment } from '../connector-environment.js';
import { configurationError } from '../connector-error.js';
import type { Connector, Page, Peer, ReadKeysRequest, ReadRequest, WriteRequest, WriteResult } from '../connector.js';
import type { ConnectorDescription, PeerDescription, RecordField } from '../description.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { checkRecordType } from '../record-type.js';
import { writeEach } from '../write-each.js';
import { ApiDocument } from './api-document.js';
import { Collection } from './collection.js';
import { findApi, type Api } from './find-api.js';
import { keyOf, readAll, readChanges } from './read-list.js';
import { readRecord } from './read-record.js';
import { parseRecordWebhook, verifyRecordWebhook } from './record-webhook.js';
import { RestClient } from './rest-client.js';
import { checkRestConfiguration, restConfigurationSchema, type RestConfiguration } from './rest-configuration.js';
import { RecordWriter } from './write-record.js';

const defaultPageSize = 100;
const keysPageSize = 1_000;

const description: ConnectorDescription = {
  name: 'rest',
  title: 'REST API with an OpenAPI document',
  version: '1.0.0',
  configurationSchema: restConfigurationSchema,
  webhooks: true,
};

/** The records of one collection of an API with an OpenAPI document. */
export const restConnector: Connector = {
  description,
  connect: (configuration, environment) => new RestPeer(checkRestConfiguration(configuration), environment),
  verifyWebhook: verifyRecordWebhook,
  parseWebhook: parseRecordWebhook,
};

class RestPeer implements Peer {
  readonly #configuration: RestConfiguration;
  readonly #fetch: ConnectorEnvironment['fetch'];
  /** The parsed document. */
  #api: Api | undefined;

  constructor(configuration: RestConfiguration, { fetch }: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#fetch = fetch;
    const { document } = configuration;
    if (document !== undefined) this.#api = findApi(ApiDocument.parse(document, '/document'), configuration);
  }

  /** Reads the first page of the list and its first record, to find where the document is wrong. */
  async check(signal: AbortSignal): Promise<void> {
    const collection = await this.#collection(signal);
    for await (const { records } of collection.pages()) {
      for (const item of records.map((sent) => readRecord(collection.api, sent))) {
        if (item.kind === 'RECORD') continue;
        const [issue] = item.issues;
        const field = issue?.reason === 'NO_ID' ? '/idField' : this.#documentField;
        throw configurationError(field, { reason: 'UNFIT', description: `${issue?.field}: ${issue?.message}` });
      }
      const [first] = records;
      const item = first === undefined ? undefined : readRecord(collection.api, first);
      if (item?.kind === 'RECORD') await this.#checkOne(collection, item.record);
      return;
    }
  }

  async describe(signal: AbortSignal): Promise<PeerDescription> {
    signal.throwIfAborted();
    const { api } = await this.#collection(signal);
    const capabilities = {
      incremental: this.#isIncremental,
      deletes: 'MISSING_KEYS',
      create: api.create !== undefined,
      update: api.update !== undefined,
      delete: api.remove !== undefined,
      preconditions: api.hasEtags,
    } as const;
    const fields = api.fields.map(({ isNumber: _, ...field }): RecordField => field);
    return { recordTypes: [{ name: api.recordType, fields, capabilities }] };
  }

  async *read({ recordType, cursor, pageSize = defaultPageSize, signal }: ReadRequest): AsyncGenerator<Page> {
    const collection = await this.#collection(signal, recordType);
    const read = this.#isIncremental ? readChanges : readAll;
    for await (const page of read(collection, cursor, pageSize)) {
      yield page;
      signal.throwIfAborted();
    }
  }

  async *readKeys({ recordType, pageSize = keysPageSize, signal }: ReadKeysRequest): AsyncGenerator<RecordKey[]> {
    const collection = await this.#collection(signal, recordType);
    let keys: RecordKey[] = [];
    for await (const { records } of collection.pages()) {
      keys.push(...records.flatMap((sent) => keyOf(readRecord(collection.api, sent)) ?? []));
      for (; keys.length >= pageSize; keys = keys.slice(pageSize)) yield keys.slice(0, pageSize);
      signal.throwIfAborted();
    }
    yield keys;
  }

  async readOne(recordType: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined> {
    const collection = await this.#collection(signal, recordType);
    return (await collection.one(id))?.record;
  }

  async write({ recordType, items, signal }: WriteRequest): Promise<WriteResult[]> {
    const writer = new RecordWriter(await this.#collection(signal, recordType));
    return writeEach(items, signal, (item) => writer.write(item));
  }

  get #isIncremental(): boolean {
    return this.#configuration.changedSince !== undefined;
  }

  get #documentField(): string {
    return this.#configuration.document === undefined ? '/documentUrl' : '/document';
  }

  /** Checks that a record of a list can be read by its id, and has the ETag that a write requires. */
  async #checkOne(collection: Collection, { id }: PeerRecord): Promise<void> {
    const stored = await collection.one(id);
    if (!stored) {
      const description = 'A record of the list cannot be read by its id.';
      throw configurationError(collection.api.id.name === 'id' ? '/readOperation' : '/idField', {
        reason: 'UNFIT',
        description,
      });
    }
    if (!collection.api.hasEtags || stored.etag !== undefined) return;
    throw configurationError('/preconditions', { reason: 'UNFIT', description: 'A record comes without an ETag.' });
  }

  async #collection(signal: AbortSignal, recordType?: string): Promise<Collection> {
    signal.throwIfAborted();
    const client = new RestClient(this.#configuration, this.#fetch, signal);
    const { documentUrl = '' } = this.#configuration;
    this.#api ??= findApi(ApiDocument.parse(await client.document(documentUrl), '/documentUrl'), this.#configuration);
    if (recordType !== undefined) checkRecordType(recordType, [this.#api.recordType]);
    return new Collection(client, this.#api, this.#configuration);
  }
}
