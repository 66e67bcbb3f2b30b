import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { queryRows, tenantSession, type PageTokenKey } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { ChangeCursors } from '../../engine/changes/log/change-cursor.js';
import type { ChangeEntry } from '../../engine/changes/log/change-entry.js';
import { ChangeReader } from '../../engine/changes/log/change-reader.js';
import type { ChangeTail } from '../../engine/changes/log/change-tail.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { compileSegment, lockSegments, readSegments, type CompiledSegment } from './compiled-segment.js';
import { buildPage, followChanges, type BuildStep } from './follow-changes.js';
import { MovingBounds } from './relative-times.js';
import { concernsOf } from './segment-concerns.js';
import { changingMeaning, showProgress, showSoon } from './show-progress.js';
import { followMerges, followPastMerges } from './write-members.js';

/** Changes that one step follows. */
const batchSize = 500;

/** Where a tenant's segments have got to. */
interface Job {
  epoch: string | null;
  position: string | null;
  present: Date | string | null;
  now: Date | string;
}

/** Whether a step found work: `MORE` is left, all is `DONE`, or another process has `TAKEN` it. */
export type StepResult = 'MORE' | 'DONE' | 'TAKEN';

/**
 * Makes the members of the segments of one tenant true. A step follows one batch of changes and one page of each build, in one
 * transaction with the position that it has reached: the members are those of the database at that position or later, and
 * what is later follows. Any process may take any step; the row of the tenant's job is its lock.
 */
export class SegmentFollower {
  readonly #cursors: ChangeCursors;

  constructor(
    private readonly orm: MikroORM,
    private readonly tail: ChangeTail,
    pageTokenKey: PageTokenKey,
  ) {
    this.#cursors = new ChangeCursors(pageTokenKey, 'segments');
  }

  /** Follows until nothing is left. @returns false when there is still work after the given steps */
  async catchUp(tenantId: string, steps: number): Promise<boolean> {
    for (let step = 0; step < steps; step += 1) {
      if ((await this.step(tenantId)) === 'DONE') return true;
    }
    return false;
  }

  step(tenantId: string): Promise<StepResult> {
    const permissions = [...recordTypes()].map((type) => permissionOf(type, 'read'));
    const caller = { tenantId, principalId: 'service:segments', permissions };
    return callContext.run({ requestId: uuidv7(), caller, cause: { origin: 'segment' } }, () => {
      const em = this.orm.em.fork({ session: tenantSession(tenantId) });
      return Sealing.of(em).run(em, () => this.#step(em, tenantId));
    });
  }

  async #step(em: EntityManager, tenantId: string): Promise<StepResult> {
    const [job] = await queryRows<Job>(em, { ...readJob, values: [tenantId] });
    if (!job) return 'DONE';
    const now = new Date(job.now);
    const all = await readSegments(em);
    const compiled: CompiledSegment[] = [];
    for (const segment of all) compiled.push(await compileSegment(em, segment, now));
    const usable = compiled.filter(({ problem }) => problem === undefined);
    const batch = await this.#read(em, { tenantId, types: followedTypes(usable) }, job);
    const entries = ofOneHop(batch.entries);
    const isCut = entries.length < batch.entries.length;
    const position = isCut ? entries.at(-1)!.position : batch.place.position;
    const builds = batch.isLost ? [] : await this.#buildSteps(em, usable);
    const turned = await turnedFilters(em, usable, job.present ? new Date(job.present) : now, now);
    let hasMore = false;
    const first = entries[0];
    const cause = { origin: 'segment', ...(first && { causationId: first.id, hop: first.hop }) };
    const isTaken = await callContext.run({ ...callContext.getStore()!, cause }, () =>
      this.orm.em.fork({ session: tenantSession(tenantId) }).transactional(async (transaction) => {
        // In the order in which a change of a segment locks them.
        if (!(await lockSegments(transaction, all)) || !(await claim(transaction, tenantId, job))) return true;
        await followChanges(transaction, { segments: usable, entries, turned, position });
        if (job.position === null || batch.isLost) await followPastMerges(transaction, position);
        else await followMerges(transaction, mergedCustomers(entries), position);
        for (const build of builds) await buildPage(transaction, build, position);
        if (batch.isLost) await buildAll(transaction, tenantId);
        await showProgress(transaction, { segments: compiled, built: builds, entries, now, position });
        hasMore = isCut || batch.hasMore || batch.isLost || builds.some(({ isLast }) => !isLast);
        const next = [
          // Should this process end before the next step, another one takes it.
          hasMore ? new Date(now.getTime() + resumeMs) : undefined,
          await showSoon(transaction, now),
          await nextTurn(transaction, usable, now),
        ];
        await moveJob(transaction, tenantId, { epoch: batch.place.epoch, position, now, next });
        return false;
      }),
    );
    if (isTaken) return 'TAKEN';
    return hasMore ? 'MORE' : 'DONE';
  }

  /** The next changes. All are lost to a tenant whose position the log no longer has: its segments are built again. */
  async #read(em: EntityManager, of: { tenantId: string; types: readonly string[] }, { epoch, position }: Job) {
    const reader = new ChangeReader(em, this.tail, this.#cursors, { ...of, fields: [], withValues: true });
    if (epoch !== null && position !== null) {
      try {
        let batch = await reader.next({ epoch, position: Number(position) }, batchSize);
        // A build logs many members, which concern few segments.
        for (let reads = 1; reads < maxReads && batch.entries.length === 0 && batch.hasMore; reads += 1) {
          batch = await reader.next(batch.place, batchSize);
        }
        return { ...batch, isLost: false };
      } catch (error) {
        if (!(error instanceof AppError) || error.reason !== 'CURSOR_EXPIRED') throw error;
      }
    }
    return { entries: [], place: await reader.end(), hasMore: false, isLost: epoch !== null };
  }

  /** The next page of each segment whose members are being found. */
  async #buildSteps(em: EntityManager, segments: readonly CompiledSegment[]): Promise<BuildStep[]> {
    const building = segments.filter(({ segment }) => segment.is_building && segment.state !== 'PAUSED');
    if (building.length === 0) return [];
    const pace = BulkPace.of(em);
    await pace.rested();
    const size = pace.step(2_000, 200);
    return building.slice(0, maxBuilds).map((compiled) => ({ compiled, size, isLast: false }));
  }
}

/** Reads of one step that find no change to follow. */
const maxReads = 20;

/** Segments that one step builds at a time. */
const maxBuilds = 5;

/** When a step that was not followed by the next one is resumed. */
const resumeMs = 10_000;

const readJob = {
  name: 'segment_job',
  sql: 'select epoch, position, present, rapport_clock() as now from segment_job where tenant_id = $1',
};

/** Names of the records whose changes are followed. */
function followedTypes(segments: readonly CompiledSegment[]): string[] {
  const concerns = segments
    .filter(({ segment: { kind } }) => kind === 'DYNAMIC')
    .flatMap(({ segment }) => concernsOf(segment.filter ?? '', segment.exclude_segment_ids.length > 0));
  return [...new Set([...concerns.map(({ type }) => type), ...changingMeaning, customerType().table])];
}

/** Locks the job, unless another process has it or has moved it. */
async function claim(em: EntityManager, tenantId: string, { position }: Job): Promise<boolean> {
  const rows = await queryRows(em, {
    name: 'claim_segment_job',
    sql: `select tenant_id from segment_job where tenant_id = $1 and position is not distinct from $2::bigint
      for update skip locked`,
    values: [tenantId, position],
  });
  return rows.length > 0;
}

async function moveJob(
  em: EntityManager,
  tenantId: string,
  { epoch, position, now, next }: { epoch: string; position: number; now: Date; next: (Date | undefined)[] },
): Promise<void> {
  const times = next.flatMap((time) => time?.getTime() ?? []);
  await queryRows(em, {
    name: 'move_segment_job',
    sql: `update segment_job set epoch = $2, position = $3, present = $4, next_time = $5 where tenant_id = $1`,
    values: [
      tenantId,
      epoch,
      position,
      now.toISOString(),
      times.length === 0 ? null : new Date(Math.min(...times)).toISOString(),
    ],
  });
}

/** The changes at the start of a batch that are equally far from a person's request: joining is a consequence of them. */
function ofOneHop(entries: readonly ChangeEntry[]): ChangeEntry[] {
  const other = entries.findIndex(({ hop }) => hop !== entries[0]?.hop);
  return other < 0 ? [...entries] : entries.slice(0, other);
}

/** Finds the members of all segments again: the log no longer says what has changed. */
async function buildAll(em: EntityManager, tenantId: string): Promise<void> {
  await queryRows(em, {
    name: 'build_all_segments',
    sql: `update segment_progress progress set is_building = true, build_after = null from segment
      where progress.tenant_id = $1 and segment.tenant_id = $1 and segment.id = segment_id and kind = 'DYNAMIC'`,
    values: [tenantId],
  });
}

function mergedCustomers(entries: readonly ChangeEntry[]): string[] {
  return entries.filter(({ operation }) => operation === 'MERGE').map(({ record_id: id }) => id);
}

/** By segment, filters that find the customers for whom time has changed the result. */
async function turnedFilters(
  em: EntityManager,
  segments: readonly CompiledSegment[],
  from: Date,
  to: Date,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const turned = new Map<string, readonly string[]>();
  for (const { segment } of segments) {
    if (segment.kind !== 'DYNAMIC' || segment.filter === null) continue;
    const bounds = await MovingBounds.of(em, segment.filter);
    if (!bounds.isEmpty) turned.set(segment.id, bounds.turnedBetween(from, to));
  }
  return turned;
}

async function nextTurn(em: EntityManager, segments: readonly CompiledSegment[], now: Date): Promise<Date | undefined> {
  let next: Date | undefined;
  for (const { segment } of segments) {
    if (segment.kind !== 'DYNAMIC' || segment.filter === null) continue;
    const turn = await (await MovingBounds.of(em, segment.filter)).nextTurn(em, now);
    if (turn && (!next || turn < next)) next = turn;
  }
  return next;
}
