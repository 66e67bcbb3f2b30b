import type { EntityManager } from '@mikro-orm/postgresql';
import type { ListCustomerHistoryResponse } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { type PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, seesSomeOnly } from '@rapport/platform';
import { Sealing } from '../../sealing/sealing.js';
import { ChangeCursors } from '../log/change-cursor.js';
import { changeColumns, entryOf, type ChangeRow } from '../log/change-entry.js';
import type { RecordType } from '../../fields/record-type.js';
import { missingRecord } from '../../records/missing-record.js';
import { knownRecord } from '../../records/record-statements.js';
import type { LoggedTypes } from '../log/logged-types.js';
import { filterKey } from '../feed/change-filter.js';
import { tenantChange } from '../feed/change-message.js';
import { knownSince } from './known-since.js';

const defaultPageSize = 20;

/** Page parameters of a record's history. */
export interface HistoryRequest {
  id: string;
  /** 20 when absent. */
  pageSize?: number | undefined;
  pageToken?: string | undefined;
}

/**
 * Handles a List…History method of a type: one page, after the position in the page token.
 *
 * @param key that signs page tokens and cursors
 * @throws AppError NOT_FOUND unless the record exists, live or deleted, and is visible to the caller
 */
export async function listRecordHistory(
  types: LoggedTypes,
  type: RecordType,
  { em, key }: { em: EntityManager; key: PageTokenKey },
  { id, pageSize = defaultPageSize, pageToken }: HistoryRequest,
): Promise<ListCustomerHistoryResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify([`List${type.message.name}History`, tenantId, id]);
  const [before = null] = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  if (seesSomeOnly() || type.parentKey !== undefined) await checkKnown(em, type, id);
  const rows = await readForTenant<ChangeRow>(em, {
    name: 'record_history',
    sql: `select ${changeColumns} from change_log
      where tenant_id = $1 and record_id = $2 and type = $3 and position < coalesce($4::bigint, 9223372036854775807)
      order by position desc limit $5`,
    // One more row than the page holds shows whether there is a next page.
    values: [tenantId, id, type.table, before, pageSize + 1],
  });
  if (rows.length === 0 && before === null) await checkKnown(em, type, id);
  const page = await Sealing.of(em).openEntries(em, rows.slice(0, pageSize).map(entryOf));
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  const { epoch, time } = await knownSince(em, type.table);
  // The cursor of a change continues the whole feed.
  const cursors = new ChangeCursors(key, filterKey({ tenantId, types: [], fields: [] }));
  return {
    changes: page.map((entry) =>
      tenantChange(types, entry, tenantId, cursors.write({ epoch, position: entry.position })),
    ),
    nextPageToken: last && signPageToken(key, binding, [String(last.position)]),
    oldestTime: time.toISOString(),
  };
}

async function checkKnown(em: EntityManager, type: RecordType, id: string): Promise<void> {
  const found = await readForTenant(em, knownRecord(type, id));
  if (found.length === 0) throw await missingRecord(em, type, id);
}
