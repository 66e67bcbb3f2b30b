import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { WrittenAnswer } from '@rapport/contracts';
import { causedBy, type PageTokenKey, readForTenant, type StatementTransaction } from '@rapport/persistence';
import { recordAsOf } from '../changes/history/record-as-of.js';
import { listRecordHistory, type HistoryRequest } from '../changes/history/record-history.js';
import type { LoggedTypes } from '../changes/log/logged-types.js';
import type { Sequencer } from '../changes/log/sequencer.js';
import type { CsvColumn } from '../export/csv-columns.js';
import { exportRecords, type ExportRequest } from '../export/export-records.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import type { BulkWork } from '../pace/bulk-work.js';
import { shownCounts, shownToCaller } from '../fields/hidden-data.js';
import { importRulesOf } from '../import/derived/import-rules-of.js';
import { importRecords, type ImportRequest } from '../import/import-records.js';
import type { ImportRules } from '../import/import-rules.js';
import { BulkPace } from '../pace/bulk-pace.js';
import { aggregateRecords, type AggregateRecordsRequest } from '../query/aggregate-records.js';
import { batchGetRecords, type BatchGetRequest } from '../query/batch-get-records.js';
import { listRecords, listWritten, type ListRecordsRequest } from '../query/list-records.js';
import { WrittenRecords } from '../query/written-records.js';
import { missingRecord } from '../records/missing-record.js';
import { sent } from '../records/record-changes.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { checkNamedOwners } from '../records/scope/named-owners.js';
import type { UniqueValue } from '../records/unique-values.js';
import { liveRecords } from '../records/record-statements.js';
import { hotWriteCall } from '../records/write-call.js';
import { methodDescriptor } from '../values/contract.js';
import { createBatch, deleteBatch, updateBatch, type Batch, type BatchOutcome } from '../write/batch-write.js';
import { matchedValue, upsertRecord, type UpsertRequest } from '../write/upsert-record.js';
import { createRecord, deleteRecord, undeleteRecord, updateRecord, type RecordRequest } from '../write/write-record.js';

/** Dependencies of the handlers. */
export interface ServiceParts {
  em: EntityManager;
  pageTokenKey: PageTokenKey;
  loggedTypes: LoggedTypes;
  sequencer: Sequencer;
  bulk: BulkWork;
}

/** Rules of a service that the contract cannot state. */
export interface ServiceRules<Message extends RecordMessage> {
  /**
   * The unique value by which an upsert matches a record. By default the only unique value, or the external id in
   * `matchSystem`.
   */
  matched?: (request: object, record: Message) => UniqueValue;
  /** The columns of its CSV files, except external ids and custom fields. By default those of the contract. */
  csvColumns?: readonly CsvColumn<Message>[];
  /** How files are imported. By default derived from the contract. */
  importRules?: ImportRules<Message>;
}

/** Fields that all write requests have. */
interface WriteRequest {
  requestId?: string | undefined;
  validateOnly?: boolean | undefined;
}

interface BatchRequest<Item> extends WriteRequest {
  batch?: Batch<Item> | undefined;
}

/** Most items of a batch that is not throttled as bulk work. */
const maxShortBatch = 20;

/** Implements the methods of the standard service of a type. Requests and responses hold records in fields named after the type. */
export class RecordHandlers<Message extends RecordMessage> {
  /** Created at the first import: not every type has one. */
  #importRules: ImportRules<Message> | undefined;

  constructor(
    private readonly type: RecordType<Message>,
    private readonly rules: ServiceRules<Message>,
    private readonly parts: ServiceParts,
  ) {}

  async get({ id, asOf }: { id: string; asOf?: string | undefined }): Promise<Message | WrittenAnswer> {
    const { type } = this;
    const { em } = this.parts;
    if (asOf !== undefined) return recordAsOf(em, type, id, asOf);
    const written = WrittenRecords.ofCall(em, type);
    if (written) {
      const answer = await written.get(em, id);
      if (!answer) throw await missingRecord(em, type, id);
      return answer;
    }
    const stored = await readForTenant<StoredRecord<Message>>(em, liveRecords(type, [id]));
    const [record] = await openStored(type, stored);
    if (!record) throw await missingRecord(em, type, id);
    return record;
  }

  async list(request: ListRecordsRequest): Promise<object> {
    const { em, pageTokenKey } = this.parts;
    const written = await listWritten(em, this.type, pageTokenKey, request);
    if (written) return written;
    const { records, ...page } = await listRecords(em, this.type, pageTokenKey, request);
    return { [this.type.plural]: records, ...page };
  }

  async batchGet(request: BatchGetRequest): Promise<object> {
    const { records, ...ids } = await batchGetRecords(this.parts.em, this.type, request);
    return { [this.type.plural]: records, ...ids };
  }

  aggregate(request: AggregateRecordsRequest): Promise<object> {
    return aggregateRecords(this.parts.em, this.type, request);
  }

  async history(request: HistoryRequest): Promise<object> {
    const { em, pageTokenKey, loggedTypes, sequencer } = this.parts;
    // So that callers find their most recent change.
    await sequencer.caughtUp();
    return listRecordHistory(loggedTypes, this.type, { em, key: pageTokenKey }, request);
  }

  export(request: ExportRequest): AsyncIterable<HttpBody> {
    return exportRecords(this.parts.em, this.parts.bulk, this.type, request, this.rules.csvColumns);
  }

  async import(requests: AsyncIterable<ImportRequest>): Promise<object> {
    const { type, parts } = this;
    const { em, bulk } = parts;
    this.#importRules ??= this.rules.importRules ?? importRulesOf(type);
    const rules = this.#importRules;
    const report = await causedBy(em, { origin: 'import' }, () => importRecords(em, bulk, rules, requests));
    // Customers have a name of their own for the record of an issue.
    const issues = report.issues.map((issue) => ({ ...issue, [`${type.singular}Id`]: issue.recordId }));
    return shownToCaller(methodDescriptor(type.method('import').path).output, shownCounts({ ...report, issues }));
  }

  create(request: WriteRequest): Promise<object> {
    return this.#write('create', request, async (transaction) => {
      await checkNamedOwners(this.type, sent(this.type, request));
      return createRecord(transaction, this.type, request);
    });
  }

  update(request: WriteRequest & RecordRequest & { updateMask?: string[] | undefined }): Promise<object> {
    return this.#write('update', request, (transaction) => updateRecord(transaction, this.type, request));
  }

  delete(request: WriteRequest & RecordRequest): Promise<object> {
    return this.#write('delete', request, (transaction) => deleteRecord(transaction, this.type, request));
  }

  undelete(request: WriteRequest & RecordRequest): Promise<object> {
    return this.#write('undelete', request, (transaction) => undeleteRecord(transaction, this.type, request));
  }

  upsert(request: UpsertRequest & { matchSystem: string }): Promise<object> {
    const { matched } = this.rules;
    return this.#write('upsert', request, async (transaction) => {
      const valueOf = (record: Message) =>
        matched ? matched(request, record) : matchedValue(this.type, record, request.matchSystem);
      const { record, created } = await upsertRecord(transaction, this.type, request, valueOf);
      return { [this.type.singular]: record, created };
    });
  }

  batchCreate(request: BatchRequest<object>): Promise<object> {
    return this.#batch('batchCreate', request, (transaction) => createBatch(transaction, this.type, request.batch));
  }

  batchUpdate(request: BatchRequest<RecordRequest & { updateMask: string[] }>): Promise<object> {
    return this.#batch('batchUpdate', request, (transaction) => updateBatch(transaction, this.type, request.batch));
  }

  batchDelete(request: BatchRequest<RecordRequest>): Promise<object> {
    return this.#batch('batchDelete', request, (transaction) => deleteBatch(transaction, this.type, request.batch));
  }

  #write<Request extends WriteRequest>(
    verb: string,
    request: Request,
    work: (transaction: StatementTransaction) => Promise<object>,
  ): Promise<object> {
    return hotWriteCall(this.parts.em, this.type.method(verb), request, work);
  }

  /** A batch of more than 20 items is throttled as bulk work. */
  #batch<Item>(
    verb: string,
    request: BatchRequest<Item>,
    work: (transaction: StatementTransaction) => Promise<BatchOutcome<Message>[]>,
  ): Promise<object> {
    const call = () => this.#write(verb, request, async (transaction) => this.#results(await work(transaction)));
    const isLong = (request.batch?.items.length ?? 0) > maxShortBatch;
    return isLong ? BulkPace.of(this.parts.em).keep(call) : call();
  }

  #results(outcomes: readonly BatchOutcome<Message>[]): { results: object[] } {
    const { singular } = this.type;
    return {
      results: outcomes.map((outcome) => {
        if ('record' in outcome) return { [singular]: outcome.record };
        const { code, reason, message, metadata } = outcome.problem;
        const idName = `${singular}Id`;
        const recordId = metadata[idName];
        // Customers have a name of their own for it.
        return { problem: { code, reason, message, violations: outcome.violations, recordId, [idName]: recordId } };
      }),
    };
  }
}
