import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ListCustomerHistoryRequest,
  ListCustomerHistoryResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, seesSomeOnly } from '@rapport/platform';
import { missingRecord } from '../../records/missing-record.js';
import { knownRecord } from '../../records/record-statements.js';
import { Sealing } from '../../sealing/sealing.js';
import { ChangeCursors } from '../log/change-cursor.js';
import { changeColumns, entryOf, type ChangeRow } from '../log/change-entry.js';
import { filterKey } from '../feed/change-filter.js';
import { tenantChange } from '../feed/change-message.js';
import { customerType } from '../../records/customers/customer-type.js';
import { knownSince } from './known-since.js';

const defaultPageSize = 20;

/** Answers ListCustomerHistory: one page, from the position that the page token holds. */
export async function listCustomerHistory(
  em: EntityManager,
  key: Buffer,
  { id, pageSize = defaultPageSize, pageToken }: ListCustomerHistoryRequest,
): Promise<ListCustomerHistoryResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListCustomerHistory', tenantId, id]);
  const [before = null] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  if (seesSomeOnly()) await checkKnown(em, id);
  const rows = await readForTenant<ChangeRow>(em, {
    name: 'customer_history',
    sql: `select ${changeColumns} from change_log
      where tenant_id = $1 and record_id = $2 and type = 'customer' and position < coalesce($3::bigint, 9223372036854775807)
      order by position desc limit $4`,
    // The row beyond the page tells that there is a next one.
    values: [tenantId, id, before, pageSize + 1],
  });
  if (rows.length === 0 && before === null) await checkKnown(em, id);
  const page = await Sealing.of(em).openEntries(em, rows.slice(0, pageSize).map(entryOf));
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  const { epoch, time } = await knownSince(em);
  // What a change of the history continues is the whole feed.
  const cursors = new ChangeCursors(key, filterKey({ tenantId, types: [], fields: [] }));
  return {
    changes: page.map((entry) => tenantChange(entry, tenantId, cursors.write({ epoch, position: entry.position }))),
    nextPageToken: last && signPageToken(key, binding, [String(last.position)]),
    oldestTime: time.toISOString(),
  };
}

/** @throws AppError NOT_FOUND unless there is such a customer, live or deleted, that the caller may see */
async function checkKnown(em: EntityManager, id: string): Promise<void> {
  const found = await readForTenant(em, knownRecord(customerType(), id));
  if (found.length === 0) throw await missingRecord(em, customerType(), id);
}
