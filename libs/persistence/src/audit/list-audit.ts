import type { EntityManager } from '@mikro-orm/postgresql';
import { type PageTokenKey, readPageToken, signPageToken } from '../page-token.js';
import { readForTenant } from '../tenants/read-for-tenant.js';
import {
  auditColumns,
  auditEntryOf,
  shownAuditEntry,
  type AuditEntry,
  type AuditRow,
  type ShownAuditEntry,
} from './audit-entry.js';

/** Filter of entries: an entry must match every field that is set. */
export interface AuditFilter {
  /** RFC 3339, inclusive. */
  startTime?: string | undefined;
  /** RFC 3339, exclusive. */
  endTime?: string | undefined;
  actor?: string | undefined;
  kind?: string | undefined;
  /** Type and id, such as `customer/019ab2f4-…`. */
  record?: string | undefined;
}

const defaultPageSize = 50;

/**
 * One page of a tenant's entries, newest first.
 *
 * @throws AppError INVALID_ARGUMENT for a page token of another filter
 */
export async function listAudit(
  em: EntityManager,
  tenantId: string,
  key: PageTokenKey,
  {
    pageSize = defaultPageSize,
    pageToken,
    ...filter
  }: AuditFilter & { pageSize?: number | undefined; pageToken?: string | undefined },
): Promise<{ entries: ShownAuditEntry[]; nextPageToken: string | undefined }> {
  const { startTime, endTime, actor, kind, record } = filter;
  const binding = JSON.stringify(['audit', tenantId, startTime, endTime, actor, kind, record]);
  const [before] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  // One entry beyond the page shows that there is a next page.
  const entries = await findEntries(em, tenantId, filter, `number < $2 order by number desc limit $3`, [
    before ?? '9223372036854775807',
    pageSize + 1,
  ]);
  const page = entries.slice(0, pageSize);
  const last = entries.length > pageSize ? page.at(-1) : undefined;
  return {
    entries: page.map(shownAuditEntry),
    nextPageToken: last && signPageToken(key, binding, [String(last.number)]),
  };
}

/**
 * Entries that match a filter and a condition.
 *
 * @param rest SQL after `and`; its `values` start at `$2`
 */
export async function findEntries(
  em: EntityManager,
  tenantId: string,
  { startTime, endTime, actor, kind, record }: AuditFilter,
  rest: string,
  values: readonly unknown[],
): Promise<AuditEntry[]> {
  const given = [tenantId, ...values];
  const conditions = ['tenant_id = $1'];
  const add = (value: string | undefined, condition: (place: string) => string) => {
    if (value !== undefined) conditions.push(condition(`$${given.push(value)}`));
  };
  add(startTime, (place) => `time >= ${place}::timestamptz`);
  add(endTime, (place) => `time < ${place}::timestamptz`);
  add(actor, (place) => `actor = ${place}`);
  add(kind, (place) => `kind = ${place}`);
  // A subquery, so that the planner uses the index of resources for any limit.
  add(record, (place) => {
    const found = `select number from audit_entry where tenant_id = $1 and records @> array[${place}]`;
    return `number = any (array(${found}))`;
  });
  const rows = await readForTenant<AuditRow>(em, {
    sql: `select ${auditColumns} from audit_entry where ${conditions.join(' and ')} and ${rest}`,
    values: given,
  });
  return rows.map(auditEntryOf);
}
