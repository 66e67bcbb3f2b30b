import { raw, type EntityManager } from '@mikro-orm/postgresql';
import type {
  ListCustomersRequest,
  ListCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { customerMessage } from './customer-message.js';
import { Customer } from './customer.entity.js';
import { compileFilter, type Condition } from './filter/compile-filter.js';
import { parseFilter } from './filter/parse-filter.js';
import { digits, fold } from './search-text.js';

/** The key that page tokens are signed with. */
export class PageTokenKey {
  /** @param bytes 32 of them */
  constructor(readonly bytes: Buffer) {}
}

interface ListOrder {
  property: 'sortName' | 'createTime' | 'updateTime';
  column: 'sort_name' | 'create_time' | 'update_time';
  direction: 'asc' | 'desc';
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
  const order = readOrder(request.orderBy);
  const conditions = [...filterConditions(filter, !showDeleted), ...searchConditions(q)];
  const binding = JSON.stringify(['ListCustomers', tenantId, filter, order, q, showDeleted]);
  if (pageToken !== undefined) conditions.push(after(order, readPageToken(pageTokenKey.bytes, binding, pageToken)));

  const rows = await em.find(
    Customer,
    {
      tenantId,
      deleteTime: showDeleted ? { $ne: null } : null,
      $and: conditions.map(({ sql, params }) => ({ [raw(sql, params)]: [] })),
    },
    // The row beyond the page tells that there is a next one.
    { orderBy: { [order.property]: order.direction, id: order.direction }, limit: pageSize + 1 },
  );
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    customers: page.map(customerMessage),
    nextPageToken: last && signPageToken(pageTokenKey.bytes, binding, positionOf(order, last)),
  };
}

function readOrder(orderBy = 'create_time desc'): ListOrder {
  const [field = '', suffix, ...rest] = orderBy.trim().split(/\s+/);
  const direction = suffix === 'desc' ? 'desc' : 'asc';
  if ((suffix === undefined || suffix === 'desc') && rest.length === 0) {
    switch (field) {
      case 'display_name':
      case 'displayName':
        return { property: 'sortName', column: 'sort_name', direction };
      case 'create_time':
      case 'createTime':
        return { property: 'createTime', column: 'create_time', direction };
      case 'update_time':
      case 'updateTime':
        return { property: 'updateTime', column: 'update_time', direction };
    }
  }
  const description = 'must be display_name, create_time or update_time, and may be followed by " desc"';
  throw invalidArgument([{ field: 'orderBy', reason: 'ORDER_INVALID', description }]);
}

function filterConditions(filter: string, live: boolean): Condition[] {
  const tree = parseFilter(filter);
  return tree ? [compileFilter(filter, tree, live)] : [];
}

/** Each word must occur, a phone number in any grouping. */
function searchConditions(q: string): Condition[] {
  return q
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const texts = [fold(word), ...(/^[+(]?[\d().\-/]*\d[\d().\-/]*$/.test(word) ? [digits(word)] : [])];
      const patterns = [...new Set(texts)].map((text) => `%${text.replace(/[\\%_]/g, '\\$&')}%`);
      return { sql: `(${patterns.map(() => 'search_text like ?').join(' or ')})`, params: patterns };
    });
}

/** The column holds milliseconds, so that the text of a JavaScript Date is the whole value. */
function positionOf({ property }: ListOrder, customer: Customer): string[] {
  const value = customer[property];
  return [value instanceof Date ? value.toISOString() : value, customer.id];
}

function after({ column, direction }: ListOrder, position: (string | null)[]): Condition {
  const type = column === 'sort_name' ? 'text' : 'timestamptz';
  const comparator = direction === 'asc' ? '>' : '<';
  return { sql: `(${column}, id) ${comparator} (?::${type}, ?::uuid)`, params: position.map((value) => value ?? '') };
}
