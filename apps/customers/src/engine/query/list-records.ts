import type { EntityManager } from '@mikro-orm/postgresql';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { countRecords } from './list/count-records.js';
import { conditionsOf, type ListRequest } from './list/list-conditions.js';
import { readList } from './list/read-list.js';

/** Request of the standard method `list`. */
export interface ListRecordsRequest extends ListRequest {
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  /** Number of a `CountMode`. */
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
  const query = { type, tenantId, live: !showDeleted, orders, conditions };
  // One row beyond the page shows that there is a next page.
  const rows = await readList(em, { ...query, after, limit: pageSize + 1 });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  const next = last && [...last.values, last.stored.record.id];
  return {
    records: await openStored(
      type,
      page.map(({ stored }) => stored as StoredRecord<Message>),
    ),
    nextPageToken: next && signPageToken(pageTokenKey, binding, next),
    totalSize: await countRecords(em, query, request.total),
  };
}
