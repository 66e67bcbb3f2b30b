import type { EntityManager } from '@mikro-orm/postgresql';
import type { WrittenAnswer } from '@rapport/contracts';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { countRecords } from './list/count-records.js';
import { conditionsOf, type ListRequest } from './list/list-conditions.js';
import type { ListPosition } from './list/list-order.js';
import type { ListQuery } from './list/ordered-statements.js';
import { readList } from './list/read-list.js';
import { readPage } from './list/read-page.js';
import { WrittenRecords } from './written-records.js';

/** Request of the standard method `list`. */
export interface ListRecordsRequest extends ListRequest {
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  /** Number of a `TotalMode`. */
  total: number;
}

/** A page of a list. */
export interface RecordPage<Message> {
  records: Message[];
  nextPageToken: string | undefined;
  totalSize: number | undefined;
}

const defaultPageSize = 20;

/** Handles the method `list` of a type: one page, after the position in the page token. */
export async function listRecords<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  pageTokenKey: PageTokenKey,
  request: ListRecordsRequest,
): Promise<RecordPage<Message>> {
  const asked = await readRequest(em, type, pageTokenKey, request);
  const { query, after, pageSize } = asked;
  // One row beyond the page shows that there is a next page.
  const rows = await readList(em, { ...query, after, limit: pageSize + 1 });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    records: await openStored(
      type,
      page.map(({ stored }) => stored as StoredRecord<Message>),
    ),
    nextPageToken: last && signPageToken(pageTokenKey, asked.binding, [...last.values, last.stored.record.id]),
    totalSize: await countRecords(em, query, request.total),
  };
}

/** `listRecords` as JSON. Undefined when the call does not take it, or the page is too long; then `listRecords` answers. */
export async function listWritten(
  em: EntityManager,
  type: RecordType,
  pageTokenKey: PageTokenKey,
  request: ListRecordsRequest,
): Promise<WrittenAnswer | undefined> {
  const written = WrittenRecords.ofCall(em, type);
  if (!written) return undefined;
  const { query, after, pageSize, binding } = await readRequest(em, type, pageTokenKey, request);
  const [order, ...others] = query.orders;
  if (!order || others.length > 0) return undefined;
  const position = after && { value: after.values[0] ?? null, id: after.id };
  const list = JSON.stringify([binding, type.parentKey, position, pageSize]);
  const { rows, texts } = await written.list(list, pageSize, (isOfVersions) =>
    readPage(em, { ...query, order, after: position, limit: pageSize + 1, isOfVersions }),
  );
  const last = rows.length > pageSize ? rows[pageSize - 1] : undefined;
  const next = last && [last.more[1] ?? null, last.record.id];
  return written.page(texts, {
    nextPageToken: next && signPageToken(pageTokenKey, binding, next),
    totalSize: await countRecords(em, query, request.total),
  });
}

/** The page that a request asks for. */
interface AskedPage {
  query: Omit<ListQuery, 'after' | 'limit'>;
  /** The end of the previous page. */
  after: ListPosition | undefined;
  pageSize: number;
  /** Of its page tokens. */
  binding: string;
}

async function readRequest(
  em: EntityManager,
  type: RecordType,
  pageTokenKey: PageTokenKey,
  request: ListRecordsRequest,
): Promise<AskedPage> {
  const { pageSize = defaultPageSize, pageToken, filter = '', q = '', showDeleted = false } = request;
  const { tenantId } = currentCaller();
  const { orders, conditions } = await conditionsOf(em, type, request);
  const methodName = type.method('list').path.replace(/^.*\//, '');
  // A single order has the form that page tokens of earlier releases have.
  const order = orders.length > 1 ? orders : orders[0];
  const binding = JSON.stringify([methodName, tenantId, filter, order, q, showDeleted]);
  const position = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const id = position.at(-1);
  const after = id ? { values: position.slice(0, -1), id } : undefined;
  return { query: { type, tenantId, live: !showDeleted, orders, conditions }, after, pageSize, binding };
}
