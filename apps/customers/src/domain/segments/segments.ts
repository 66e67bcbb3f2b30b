import type { EntityManager } from '@mikro-orm/postgresql';
import { SegmentKind, SegmentState, type Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import { SegmentsServiceService } from '@rapport/contracts/rapport/marketing/v1/segments_service';
import { isRefusal, runStatements, type StatementTransaction, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, invalidField, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange, Settled } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { checkMayRead } from '../../engine/query/filter/compile-filter.js';
import { filterConditions } from '../../engine/query/list/list-conditions.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { refuseNarrowScope } from '../../engine/records/scope/refuse-narrow-scopes.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { limitRecords } from '../../engine/write/limit-records.js';
import { recordContract } from '../../engine/values/contract.js';
import { checkedIn, isCyclic, namedSegments, type SegmentContent } from './segment-references.js';

const normalise = normaliserOf<Segment>(recordContract('rapport/Segment'));

/** Each change of a customer is compared with all of them. */
const limit = { table: 'segment', most: 1_000, reason: 'TOO_MANY_SEGMENTS', noun: 'segments' };

/** Sets of customers, by a filter or one by one. */
export const segments = defineRecord<Segment>('rapport/Segment', SegmentsServiceService, {
  indexVersion: 1,
  alwaysSet: ['kind', 'size', 'state'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const kind = record.kind === SegmentKind.UNSPECIFIED ? SegmentKind.DYNAMIC : record.kind;
    return { record: { ...record, kind }, violations };
  },
  guard: contentViolations,
  stamp({ before, after }) {
    const { kind, state } = after;
    if (!before) return { state: kind === SegmentKind.STATIC ? SegmentState.LIVE : SegmentState.BUILDING };
    const isFollowed = kind === SegmentKind.DYNAMIC && state !== SegmentState.PAUSED;
    return isFollowed && isChanged(before, after) ? { state: SegmentState.BUILDING, stateReason: undefined } : {};
  },
  settle: checkContent,
  also: (changes) => [...limitRecords(changes, limit), ...changes.flatMap(progressOf)],
  deleted: (deleted) => deleted.map(refuseNamed),
  restored: (restored) => restored.flatMap(({ id }) => buildStatements(id)),
});

export const SegmentsController = recordController(segments, SegmentsServiceService);

/** Finds all members of a segment, in the background. @param sourceId of the segment whose members a snapshot copies */
export function buildStatements(segmentId: string, sourceId?: string): TransactionStatement[] {
  const { tenantId } = currentCaller();
  return [
    {
      name: 'build_segment',
      sql: `insert into segment_progress (tenant_id, segment_id, is_building, source_id) values ($1, $2, true, $3)
        on conflict (tenant_id, segment_id) do update set is_building = true, build_after = null,
          source_id = coalesce(excluded.source_id, segment_progress.source_id)`,
      values: [tenantId, segmentId, sourceId ?? null],
    },
    {
      name: 'follow_tenant',
      sql: `insert into segment_job (tenant_id, next_time) values ($1, rapport_clock())
        on conflict (tenant_id) do update set next_time = excluded.next_time`,
      values: [tenantId],
    },
  ];
}

/** Whether other customers are members. */
function isChanged(before: Segment, after: Segment): boolean {
  return selectsOthers(before, after) || (before.deleteTime !== undefined && after.deleteTime === undefined);
}

function selectsOthers(before: Segment, after: Segment): boolean {
  const [was, is] = [before, after].map(({ filter, excludeSegmentIds }) => [filter, ...excludeSegmentIds].join());
  return was !== is;
}

function contentViolations({ after: { kind, filter, excludeSegmentIds } }: RecordChange<Segment>): FieldViolation[] {
  const description = 'is not allowed for a STATIC segment';
  const notAllowed = (field: string): FieldViolation => ({ field, reason: 'NOT_ALLOWED', description });
  if (kind === SegmentKind.STATIC) {
    return [
      ...(filter === undefined ? [] : [notAllowed('filter')]),
      ...(excludeSegmentIds.length === 0 ? [] : [notAllowed('excludeSegmentIds')]),
    ];
  }
  if (filter !== undefined || kind === SegmentKind.SNAPSHOT) return [];
  return [{ field: 'filter', reason: 'REQUIRED', description: 'is required for a DYNAMIC segment' }];
}

/** Reads the filter as a list of customers does, for the rights of the caller, and looks for a circle of segments. */
async function checkContent(
  source: EntityManager | StatementTransaction,
  { before, after }: RecordChange<Segment>,
): Promise<Settled<Segment>> {
  const isNew = !before || isChanged(before, after);
  if (!isNew || after.deleteTime !== undefined) return { fields: {}, statements: [] };
  // The members, and their number, would show what a filter finds in records that the caller does not see.
  if (after.kind !== SegmentKind.STATIC && (!before || selectsOthers(before, after))) {
    checkMayRead(customerType());
    refuseNarrowScope('Segments that select customers from all records require the record scope ALL.');
  }
  await checkedIn('segment', async () => {
    await filterConditions(source, customerType(), after.filter ?? '');
    const named = namedSegments(after);
    if (named.length > 0) await checkNamed(source, after, named);
  });
  return { fields: {}, statements: [] };
}

async function checkNamed(
  source: EntityManager | StatementTransaction,
  { id, filter, excludeSegmentIds }: Segment,
  named: readonly string[],
): Promise<void> {
  const { tenantId } = currentCaller();
  const [, rows = []] = await runStatements(
    source,
    // Two writes at once could close a circle of which each sees a half.
    {
      name: 'lock_segment_references',
      sql: 'select pg_advisory_xact_lock(hashtextextended($1, 27))',
      values: [tenantId],
    },
    {
      name: 'contents_of_segments',
      sql: `select id, filter, exclude_segment_ids from segment where tenant_id = $1 and delete_time is null`,
      values: [tenantId],
    },
  );
  const contents = new Map<string, SegmentContent>(
    (rows as ContentRow[]).map((row) => [
      row.id,
      { filter: row.filter ?? undefined, excludeSegmentIds: row.exclude_segment_ids },
    ]),
  );
  const isExcluded = (each: string) => excludeSegmentIds.some((excluded) => excluded.toLowerCase() === each);
  const fieldOf = (each: string) => (isExcluded(each) ? 'excludeSegmentIds' : 'filter');
  const unknown = named.find((each) => !contents.has(each));
  if (unknown !== undefined)
    throw invalidField(fieldOf(unknown), 'SEGMENT_NOT_FOUND', 'must have ids of live segments');
  contents.set(id, { filter, excludeSegmentIds });
  if (!isCyclic(id, contents)) return;
  throw invalidField(fieldOf(named[0] ?? ''), 'SEGMENT_CYCLE', 'must not lead back to the segment itself');
}

interface ContentRow {
  id: string;
  filter: string | null;
  exclude_segment_ids: string[];
}

function progressOf({ before, after }: RecordChange<Segment>): TransactionStatement[] {
  if (after.deleteTime !== undefined) return [];
  const isBuilt = after.state === SegmentState.BUILDING && before?.state !== SegmentState.BUILDING;
  const isNew = !before || isBuilt || (after.kind === SegmentKind.DYNAMIC && isChanged(before, after));
  return isNew && after.state !== SegmentState.PAUSED ? buildStatements(after.id) : [];
}

/** A segment that decides about the members of others is not deleted. */
function refuseNamed({ id }: Segment): TransactionStatement {
  const reason = 'RECORD_IN_USE';
  return {
    name: 'refuse_named_segment',
    sql: `select refuse_unless(not exists (select from segment where tenant_id = $1 and id <> $2::uuid and delete_time is null
        and kind = 'DYNAMIC' and ($2::text = any (exclude_segment_ids) or strpos(lower(filter), $2::text) > 0)), '${reason}')`,
    values: [currentCaller().tenantId, id],
    explain: (error) =>
      isRefusal(error, reason)
        ? new AppError('FAILED_PRECONDITION', reason, 'Other segments name this segment.', {
            metadata: { segmentId: id },
          })
        : error,
  };
}
