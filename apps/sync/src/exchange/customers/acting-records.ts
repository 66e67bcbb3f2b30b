import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AppError, type CallCause } from '@rapport/platform';
import type { JsonValue } from '../../connectors/peer-record.js';
import { recordChanges, recordValue, type ExchangedRecord } from '../mappings/lenses/field-values.js';
import type { ExchangedType, RecordMethod } from '../mappings/records/exchanged-types.js';
import { FilterRefusedError, refusalOf } from './customer-filter.js';

const callMs = 10_000;
const pageSize = 100;

/** Maximum size of the cache of filters, which have up to 2,000 characters. */
const maxComparisons = 6;
const maxComparisonLength = 300;

/** An existing record of Rapport. The exchange calls it the customer of a pair, whatever its type. */
export interface PresentRecord {
  isThere: true;
  customer: ExchangedRecord;
  /** Whether it matches the filter of the mapping. */
  takesPart: boolean;
}

/** The current state of a record of Rapport. */
export type RecordState =
  | PresentRecord
  /** Deleted, erased, or merged into another record that exists. */
  | { isThere: false; mergedInto?: string | undefined; isErased?: boolean };

/** Credentials of an exchange. */
export interface ActingParts {
  client: Pick<ContractClient, 'unary'>;
  token: () => Promise<string>;
  /** Origin that the change log stores for its writes. */
  origin: string;
  signal: AbortSignal;
}

/** The records of a type that a mapping covers. */
export interface Taken {
  type: ExchangedType;
  /** Values that all of them have and new ones get, such as the kind of customers. */
  fixed: Readonly<Record<string, { text: string; value: number }>>;
  /** Filter of the mapping; null for all records. */
  filter: string | null;
}

/** The records of one type of a tenant, read and written as a principal. Its writes carry the origin of the exchange. */
export class ActingRecords {
  readonly #type: ExchangedType;
  readonly #filter: string | null;

  constructor(
    private readonly parts: ActingParts,
    private readonly taken: Taken,
  ) {
    this.#type = taken.type;
    this.#filter = taken.filter;
  }

  async get(id: string): Promise<RecordState> {
    const tested = this.#filter === null ? undefined : (await this.batchGet([id])).get(id);
    if (tested) return tested;
    try {
      const customer = (await this.#call(this.#type.methods.get, { id })) as ExchangedRecord;
      // It did not exist when the filter was tested. Its undelete is a change, which tests it again.
      return { isThere: true, customer, takesPart: this.#filter === null };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
      const { mergedInto } = error.metadata;
      if (mergedInto !== undefined) return this.#survivor(mergedInto);
      return { isThere: false, isErased: error.reason.endsWith('_ERASED') };
    }
  }

  /** Whether a record that is not there has existed, as far as the service knows, which keeps the rows of deleted records. */
  async hasExisted(id: string): Promise<boolean> {
    try {
      await this.#call(this.#type.methods.undelete, { id, validateOnly: true });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'NOT_FOUND') return error.reason.endsWith('_ERASED') || 'undoneImportId' in error.metadata;
      if (!['ALREADY_EXISTS', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'ABORTED'].includes(error.code)) throw error;
    }
    return true;
  }

  /**
   * Up to 100 existing records, by id.
   *
   * @throws FilterRefusedError
   */
  async batchGet(ids: readonly string[]): Promise<Map<string, PresentRecord>> {
    if (ids.length === 0) return new Map();
    const request = { ids, ...(this.#filter !== null && { filter: this.#filter }) };
    const answer = (await this.#call(this.#type.methods.batchGet, request).catch(filterRefused)) as {
      unmetIds: string[];
    };
    const unmet = new Set(answer.unmetIds);
    return new Map(this.#listed(answer).map((record) => [record.id, presentRecord(record, !unmet.has(record.id))]));
  }

  /**
   * A page of all records of the mapping, oldest first, with the token of the next one. Includes records that do not
   * match the filter.
   *
   * @throws FilterRefusedError
   */
  async page(
    pageToken: string | undefined,
  ): Promise<{ customers: PresentRecord[]; nextPageToken?: string | undefined }> {
    const filter = this.#fixedComparisons().join(' AND ') || undefined;
    const request = { filter, orderBy: 'createTime', pageSize, pageToken };
    const page = (await this.#call(this.#type.methods.list, request)) as { nextPageToken?: string };
    const [records, { nextPageToken }] = [this.#listed(page), page];
    if (this.#filter === null) return { customers: records.map((each) => presentRecord(each, true)), nextPageToken };
    // In their state when they are tested, without those that were deleted since.
    return { customers: [...(await this.batchGet(records.map(({ id }) => id))).values()], nextPageToken };
  }

  /** Whether a record that was just written matches the filter. True for one that was deleted since. */
  async takesPart(id: string): Promise<boolean> {
    if (this.#filter === null) return true;
    return (await this.batchGet([id])).get(id)?.takesPart ?? true;
  }

  /** Whether the mapping covers a record, apart from the filter. */
  isTaken(record: ExchangedRecord): boolean {
    return Object.entries(this.taken.fixed).every(
      ([name, { value }]) => (record as unknown as Record<string, unknown>)[name] === value,
    );
  }

  valueOf(record: ExchangedRecord, field: string): JsonValue {
    return recordValue(this.#type, record, field);
  }

  /** Records of the mapping with one of these values, by field name of filters: as many as a record is likely to match. */
  async having(values: Readonly<Record<string, string[]>>): Promise<ExchangedRecord[]> {
    const all = Object.entries(values).flatMap(([field, texts]) => texts.map((text) => `${field}:${quoted(text)}`));
    const comparisons = all.slice(0, maxComparisons).filter((comparison) => comparison.length < maxComparisonLength);
    if (comparisons.length === 0) return [];
    const filter = [...this.#fixedComparisons(), `(${comparisons.join(' OR ')})`].join(' AND ');
    const request = { filter, pageSize: maxComparisons };
    return this.#listed((await this.#call(this.#type.methods.list, request)) as object);
  }

  /** @param requestId a UUID, and the id of the record that an earlier request with it has created */
  async create(values: Values, requestId: string, cause: CallCause): Promise<ExchangedRecord> {
    const { record } = recordChanges(this.#type, values);
    for (const [name, { value }] of Object.entries(this.taken.fixed)) record[name] = value;
    const request = { ...this.#sent(record), requestId };
    return (await this.#call(this.#type.methods.create, request, cause)) as ExchangedRecord;
  }

  async update(
    id: string,
    values: Values,
    etag: string,
    requestId: string,
    cause: CallCause,
  ): Promise<ExchangedRecord> {
    const { record, mask } = recordChanges(this.#type, values);
    const request = { ...this.#sent(record), id, updateMask: mask, etag, requestId };
    return (await this.#call(this.#type.methods.update, request, cause)) as ExchangedRecord;
  }

  async delete(id: string, etag: string, cause: CallCause): Promise<void> {
    await this.#call(this.#type.methods.delete, { id, etag }, cause);
  }

  async undelete(id: string, cause: CallCause): Promise<void> {
    await this.#call(this.#type.methods.undelete, { id }, cause);
  }

  #sent(values: object): object {
    return { [this.#type.singular]: { ...this.#type.emptyRecord(), ...values } };
  }

  #listed(answer: object): ExchangedRecord[] {
    return (answer as Record<string, ExchangedRecord[]>)[this.#type.object] ?? [];
  }

  #fixedComparisons(): string[] {
    return Object.entries(this.taken.fixed).map(([name, { text }]) => `${name} = ${text}`);
  }

  /** The survivor of records that were merged into this one, which may have been merged or deleted since. */
  async #survivor(id: string): Promise<RecordState> {
    const state = await this.get(id);
    return state.isThere ? { isThere: false, mergedInto: id } : state;
  }

  async #call({ path, emptyRequest }: RecordMethod, request: object, cause?: CallCause): Promise<unknown> {
    const { client, token, origin, signal } = this.parts;
    const context = { requestId: randomUUID(), principalToken: await token(), cause: { ...cause, origin } };
    return client.unary(path, { ...emptyRequest(), ...request }, { context, deadlineMs: callMs, signal });
  }
}

function presentRecord(customer: ExchangedRecord, takesPart: boolean): PresentRecord {
  return { isThere: true, customer, takesPart };
}

function filterRefused(error: unknown): never {
  const [refused] = refusalOf(error);
  throw refused ? new FilterRefusedError(refused.description, { cause: error }) : error;
}

/** A string literal of a filter (AIP-160). */
function quoted(text: string): string {
  return `"${text.replace(/["\\*]/g, '\\$&')}"`;
}

type Values = ReadonlyMap<string, JsonValue>;
