import type { EntityManager } from '@mikro-orm/postgresql';
import { readPageToken, signPageToken } from '../page-token.js';
import { readForTenant } from '../tenants/read-for-tenant.js';
import {
  auditColumns,
  auditEntryOf,
  shownAuditEntry,
  type AuditEntry,
  type AuditRow,
  type ShownAuditEntry,
} from './audit-entry.js';

/** Which entries: those that meet all that is set. */
export interface AuditFilter {
  /** RFC 3339, from when on. */
  startTime?: string | undefined;
  /** RFC 3339, before when. */
  endTime?: string | undefined;
  actor?: string | undefined;
  kind?: string | undefined;
  /** Type and id, such as `customer/019ab2f4-…`. */
  record?: string | undefined;
}

const defaultPageSize = 50;

/**
 * One page of a tenant's entries, the newest first.
 *
 * @param key of page tokens
 * @throws AppError INVALID_ARGUMENT for a page token that is not of this filter
 */
export async function listAudit(
  em: EntityManager,
  tenantId: string,
  key: Buffer,
  {
    pageSize = defaultPageSize,
    pageToken,
    ...filter
  }: AuditFilter & { pageSize?: number | undefined; pageToken?: string | undefined },
): Promise<{ entries: ShownAuditEntry[]; nextPageToken: string | undefined }> {
  const { startTime, endTime, actor, kind, record } = filter;
  const binding = JSON.stringify(['audit', tenantId, startTime, endTime, actor, kind, record]);
  const [before] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  // The entry beyond the page tells that there is a next one.
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
 * The entries that meet a filter and a condition.
 *
 * @param rest SQL after `and`, of which `values` are `$2` and on
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
  // Apart, so that the index of records is used however few entries are wanted.
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
