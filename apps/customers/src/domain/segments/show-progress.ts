import type { EntityManager } from '@mikro-orm/postgresql';
import { SegmentState, type Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { ChangeEntry } from '../../engine/changes/log/change-entry.js';
import { rewriteRecords } from '../../engine/merge/moving/move-lists.js';
import type { BuildStep } from './follow-changes.js';
import type { CompiledSegment } from './compiled-segment.js';
import { segments as segmentType, buildStatements } from './segments.js';

/** Shortest time between two versions of a segment that differ in the size only. */
const showEveryMs = 5_000;

/** What a step has done. */
export interface Progress {
  segments: readonly CompiledSegment[];
  built: readonly BuildStep[];
  entries: readonly ChangeEntry[];
  now: Date;
  position: number;
}

/** Shows sizes and states in the records of the segments, and builds again those whose filters have got another meaning. */
export async function showProgress(em: EntityManager, progress: Progress): Promise<void> {
  const { segments, built, now, position } = progress;
  const states = new Map<string, Partial<Segment>>([
    ...built
      .filter(({ isLast }) => isLast)
      .map(({ compiled }) => [compiled.segment.id, { state: SegmentState.LIVE, stateReason: undefined }] as const),
    ...segments.flatMap(({ segment, problem }) =>
      problem === undefined || !isFollowed(segment)
        ? []
        : [[segment.id, { state: SegmentState.FAILED, stateReason: problem }] as const],
    ),
  ]);
  const sizes = await sizesToShow(em, [...states.keys()], now);
  if (sizes.size > 0) {
    await rewriteRecords(em, segmentType, [...sizes.keys()], (record) => {
      const segment = record as Segment;
      const size = sizes.get(segment.id) ?? segment.size;
      const next = { ...states.get(segment.id), size };
      const isSame = Object.entries(next).every(([name, value]) => segment[name as keyof Segment] === value);
      return isSame ? undefined : { ...segment, ...next, position: String(position) };
    });
    await queryRows(em, {
      name: 'show_segments',
      sql: `update segment_progress set shown_time = $3 where tenant_id = $1 and segment_id = any ($2::uuid[])`,
      values: [currentCaller().tenantId, [...sizes.keys()], now.toISOString()],
    });
  }
  const again = rebuiltBy(progress);
  if (again.length > 0)
    await transactionPipeline(
      em,
      again.flatMap((id) => buildStatements(id)),
    );
}

/** Whether the filter of a segment is applied now or later. */
function isFollowed({ kind, state, is_building: isBuilding }: CompiledSegment['segment']): boolean {
  return state !== 'PAUSED' && (kind === 'DYNAMIC' || isBuilding);
}

/** Records whose changes give filters another meaning. */
export const changingMeaning: readonly string[] = ['custom_field', 'settings'];

/** When a size that is not shown yet is to be shown. */
export async function showSoon(em: EntityManager, now: Date): Promise<Date | undefined> {
  const [row] = await queryRows<{ waits: boolean }>(em, {
    name: 'sizes_wait',
    sql: `select exists (select from segment_progress progress join segment on segment.tenant_id = $1 and segment.id = segment_id
      where progress.tenant_id = $1 and delete_time is null and progress.size <> segment.size) as waits`,
    values: [currentCaller().tenantId],
  });
  return row?.waits ? new Date(now.getTime() + showEveryMs) : undefined;
}

/** By segment, the sizes of those with another state, and of those that were not shown lately. */
async function sizesToShow(em: EntityManager, ids: readonly string[], now: Date): Promise<Map<string, number>> {
  const rows = await queryRows<{ id: string; size: number }>(em, {
    name: 'sizes_to_show',
    sql: `select segment.id, progress.size
      from segment_progress progress join segment on segment.tenant_id = $1 and segment.id = segment_id
      where progress.tenant_id = $1 and delete_time is null and (segment.id = any ($2::uuid[])
        or (progress.size <> segment.size and shown_time <= $3::timestamptz))
      order by segment.id`,
    values: [currentCaller().tenantId, [...ids], new Date(now.getTime() - showEveryMs).toISOString()],
  });
  return new Map(rows.map(({ id, size }) => [id, size]));
}

/**
 * Segments whose filters mean something else since custom fields or the time zone changed, whose changes are unknown by a gap in
 * the log, or whose filters can be applied again.
 */
function rebuiltBy({ segments, entries }: Progress): string[] {
  const has = (type: string) => entries.some((entry) => entry.type === type);
  const isLost = entries.some(({ operation }) => operation === 'GAP');
  const [fields, settings] = [has('custom_field'), has('settings')];
  return segments
    .filter(({ segment: { kind, state, filter, is_building: isBuilding }, problem }) => {
      if (kind !== 'DYNAMIC' || state === 'PAUSED' || problem !== undefined) return false;
      if (isLost || (state === 'FAILED' && !isBuilding)) return true;
      return (fields && ofFields.test(filter ?? '')) || (settings && ofDays.test(filter ?? ''));
    })
    .map(({ segment: { id } }) => id);
}

const ofFields = /custom_?fields\./i;
const ofDays = /today|\d{4}-\d\d-\d\d/;
