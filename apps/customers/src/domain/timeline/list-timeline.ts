import type { EntityManager } from '@mikro-orm/postgresql';
import { camelCase } from '@rapport/contracts';
import {
  TimelineKind,
  type ListCustomerTimelineRequest,
  type ListTimelineResponse,
  type TimelineEntry,
} from '@rapport/contracts/rapport/work/v1/timeline_service';
import { queryRows, readForTenant, readPageToken, signPageToken, type PageTokenKey } from '@rapport/persistence';
import { currentCaller, permissionMissing } from '@rapport/platform';
import { typeOfTable } from '../../engine/fields/record-names.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { readSummaries } from './read-summaries.js';
import { sourceValues, timelineSources, type TimelineRow, type TimelineSource } from './timeline-sources.js';

const defaultPageSize = 20;

/**
 * Handles the lists of timelines: one page, after the entry in the page token. The sources are read in
 * one statement, so that the page is of one moment, and no entry is stored for a timeline.
 *
 * @throws AppError NOT_FOUND unless the record is live and visible to the caller
 * @throws AppError PERMISSION_DENIED for a kind in the request that the caller can not read
 */
export async function listTimeline(
  em: EntityManager,
  key: PageTokenKey,
  type: RecordType,
  { id, pageSize = defaultPageSize, pageToken, kinds }: ListCustomerTimelineRequest,
): Promise<ListTimelineResponse> {
  const wanted = [...new Set(kinds)].toSorted((one, other) => one - other);
  const binding = JSON.stringify(['ListTimeline', currentCaller().tenantId, type.table, id, wanted]);
  const after = pageToken === undefined ? [] : readPageToken(key, binding, pageToken);
  const [stored] = await queryRows<StoredRecord>(em, liveRecords(type, [id]));
  await liveRecord(em, type, id, stored?.record);
  const sources = readableSources(timelineSources(type), wanted);
  const rows =
    sources.length === 0 ? [] : await readRows(em, sources, [...sourceValues(type, id), after, pageSize + 1]);
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    entries: await entriesOf(em, page),
    nextPageToken: last && signPageToken(key, binding, [last.time, String(last.kind), last.id]),
  };
}

function readableSources(all: readonly TimelineSource[], wanted: readonly TimelineKind[]): TimelineSource[] {
  const { permissions } = currentCaller();
  const sources = all.filter(({ kind }) => wanted.length === 0 || wanted.includes(kind));
  const isReadable = ({ permission }: TimelineSource) => permissions.includes(permission);
  const refused = wanted.length > 0 ? sources.find((source) => !isReadable(source)) : undefined;
  if (refused) throw permissionMissing(refused.permission);
  return sources.filter(isReadable);
}

/** @param values of the sources, then the time, kind and id of the previous entry, and the number of rows */
async function readRows(
  em: EntityManager,
  sources: readonly TimelineSource[],
  values: unknown[],
): Promise<TimelineRow[]> {
  const [[time = null, kind = null, entryId = null], limit] = values.slice(-2) as [string[], number];
  // Each parameter has a type, although a source that uses it may be left out.
  const statement = {
    name: `timeline_${sources.map((source) => source.kind).join('_')}_${String(values[4])}`,
    sql: `with entry as (${sources.map(({ sql }) => `(${sql})`).join('\n union all ')})
      select kind, id, to_json(at at time zone 'UTC')#>>'{}' || 'Z' as time, actor, "refTable", "refId", note, version,
        to_json(changed) as changed
      from entry
      where ($2::text, $3::text, $4::text, $5::text, $6::text[]) is not null
        and ($7::timestamptz is null or (at, kind, id) < ($7, $8::int, $9::text collate "C"))
      order by at desc, kind desc, id collate "C" desc limit $10`,
    values: [...values.slice(0, -2), time, kind, entryId, limit],
  };
  // Planning so many sources takes longer than reading them, and their indexes leave one good plan.
  return readForTenant<TimelineRow>(em, statement, { plan_cache_mode: 'force_generic_plan' });
}

async function entriesOf(em: EntityManager, rows: readonly TimelineRow[]): Promise<TimelineEntry[]> {
  const summaries = await readSummaries(em, rows);
  return rows.flatMap((row): TimelineEntry[] => {
    const { kind, time, actor, refTable, refId, note, version, changed } = row;
    const summary = note ?? summaries.get(refId);
    // A record that was deleted since its row was read.
    if (summary === undefined && kind !== TimelineKind.CHANGE) return [];
    const type = refTable === 'file' ? 'file' : typeOfTable(refTable).singular;
    return [
      {
        ...{ time, kind, record: { type, id: refId }, summary, actor: actor ?? undefined },
        ...{ version: version ?? undefined, changedFields: (changed ?? []).map(camelCase) },
      },
    ];
  });
}
