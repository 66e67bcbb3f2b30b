import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ListCustomersRequest,
  ListCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { messagesOfRows } from '../records/customer-row.js';
import { countCustomers } from './list/count-customers.js';
import { conditionsOf } from './list/list-conditions.js';
import type { ListPosition } from './list/list-order.js';
import { readPage } from './list/read-page.js';

/** The key that page tokens are signed with. */
export class PageTokenKey {
  /** @param bytes 32 of them */
  constructor(readonly bytes: Buffer) {}
}

const defaultPageSize = 20;

/** Answers ListCustomers: one page, from the position that the page token holds. */
export async function listCustomers(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  request: ListCustomersRequest,
): Promise<ListCustomersResponse> {
  const { pageSize = defaultPageSize, pageToken, filter = '', q = '', showDeleted = false } = request;
  const { tenantId } = currentCaller();
  const { order, conditions } = await conditionsOf(em, request);
  const binding = JSON.stringify(['ListCustomers', tenantId, filter, order, q, showDeleted]);
  const [value = null, id] = pageToken === undefined ? [] : readPageToken(pageTokenKey.bytes, binding, pageToken);

  const query = { tenantId, live: !showDeleted, order, conditions };
  // The row beyond the page tells that there is a next one.
  const rows = await readPage(em, { ...query, after: id ? { value, id } : undefined, limit: pageSize + 1 });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  const position: ListPosition | undefined = last && [last.order_value, last.id];
  return {
    customers: await messagesOfRows(page),
    nextPageToken: position && signPageToken(pageTokenKey.bytes, binding, position),
    totalSize: await countCustomers(em, query, request.total),
  };
}
