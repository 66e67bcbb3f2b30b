import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  Association,
  ListAssociationsRequest,
  ListAssociationsResponse,
  ListRecordAssociationsRequest,
  ListRecordAssociationsResponse,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { type PageTokenKey, queryRows, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import { namedRecord, permissionOf, type NamedRecord } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { customerLinks, linkTables, type LinkTable } from '../../engine/records/referring/link-tables.js';
import { unknownType } from './association-ends.js';
import { associationMessage } from './association-message.js';
import { associationColumns, endsOf, isLive, type StoredAssociation } from './stored-associations.js';

const defaultPageSize = 20;

/** The record of a list, and its page parameters. */
interface Wanted {
  record: NamedRecord;
  tables: readonly LinkTable[];
  type: string | undefined;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  /** The binding of the page token. */
  binding: string;
}

/** Handles ListAssociations: one page, after the id in the page token. */
export function listAssociations(
  em: EntityManager,
  key: PageTokenKey,
  { customerId, type, ...page }: ListAssociationsRequest,
): Promise<ListAssociationsResponse> {
  const binding = JSON.stringify(['ListAssociations', currentCaller().tenantId, customerId, type ?? null]);
  const record = { type: customerType(), id: customerId };
  return listLinks(em, key, { ...page, record, tables: [customerLinks], type, binding });
}

/** Handles ListRecordAssociations, like ListAssociations. */
export async function listRecordAssociations(
  em: EntityManager,
  key: PageTokenKey,
  { record: name, type, ...page }: ListRecordAssociationsRequest,
): Promise<ListRecordAssociationsResponse> {
  const { tenantId, permissions } = currentCaller();
  const record = namedRecord(name);
  if (!record) throw invalidArgument([unknownType('record')]);
  const permission = permissionOf(record.type, 'read');
  if (!permissions.includes(permission)) throw permissionMissing(permission);
  const binding = JSON.stringify(['ListRecordAssociations', tenantId, name, type ?? null]);
  return listLinks(em, key, { ...page, record, tables: linkTables, type, binding });
}

async function listLinks(
  em: EntityManager,
  key: PageTokenKey,
  { record, tables, type, pageSize = defaultPageSize, pageToken, binding }: Wanted,
): Promise<{ associations: Association[]; nextPageToken: string | undefined }> {
  const { tenantId, permissions } = currentCaller();
  const [after = firstId] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  const { table } = record.type;
  const live = await queryRows(em, {
    name: `live_${table}_with_associations`,
    sql: `select id from ${table} where tenant_id = $1 and id = $2 and delete_time is null`,
    values: [tenantId, record.id],
  });
  if (live.length === 0) throw await missingRecord(em, record.type, record.id);

  const readable = [...recordTypes()].filter((each) => permissions.includes(permissionOf(each, 'read')));
  const directions = tables.flatMap((links) => [direction(links, 'from', 'to'), direction(links, 'to', 'from')]);
  const links = {
    name: `links_of_${tables.map((each) => each.table).join('_')}`,
    // One row beyond the page shows that there is a next page.
    sql: `${directions.join(' union all ')} order by id limit $7`,
    values: [tenantId, record.id, table, readable.map((each) => each.table), after, type ?? null, pageSize + 1],
  };
  // It names the table of every type: planning it takes longer than running it, and its indexes leave one good plan.
  const rows = await readForTenant<StoredAssociation>(em, links, { plan_cache_mode: 'force_generic_plan' });
  const shown = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? shown.at(-1)?.id : undefined;
  return {
    associations: shown.map(associationMessage),
    nextPageToken: last && signPageToken(key, binding, [last]),
  };
}

const firstId = '00000000-0000-0000-0000-000000000000';

/** Each direction has an index in the order of the list. */
function direction(links: LinkTable, own: 'from' | 'to', other: 'from' | 'to'): string {
  const ends = endsOf(links);
  return `(select ${associationColumns(links)} from ${links.table} link
    where link.tenant_id = $1 and ${ends[own].id} = $2 and ${ends[own].type} = $3 and ${ends[other].type} = any ($4::text[])
      and link.id > $5::uuid and ($6::text is null or link.type = $6) and ${isLive(ends[other])}
    order by link.id limit $7)`;
}
