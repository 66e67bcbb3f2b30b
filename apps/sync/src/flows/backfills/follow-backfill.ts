import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, withConnection } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import {
  beginWithBackfill,
  countEnds,
  definitionOfBackfill,
  roomOf,
  soonDue,
  turnStatements,
  waitMs,
  type LockedBackfill,
} from './backfill-turn.js';
import type { BackfillJob } from './claim-backfills.js';
import { dropHeld } from './drop-held.js';
import { releaseHeld } from './release-held.js';
import { pageSize, type MemberPage } from './segment-members.js';

/** Most runs that are deleted in a transaction: changes of the flow wait for it. */
const mostDropped = 50;

/** What is next for a backfill after a turn. */
export type AfterTurn = { hasStarted: boolean } | { page: Pick<MemberPage, 'pageToken'> & { pageSize: number } };

/**
 * One turn of a backfill, in one transaction: ends of its runs are counted, and as many begin as its flow has room for. One of a
 * segment asks for members instead; a cancelled one deletes runs that have not begun.
 */
export async function followBackfill(em: EntityManager, job: BackfillJob): Promise<AfterTurn> {
  return withConnection(em, async (client) => {
    const backfill = await beginWithBackfill(client, job);
    if (backfill === 'LOCKED') return putOff(client, job);
    if (!backfill) return forget(client, job);
    if (backfill.state === 'CANCELLED') return drop(client, job, backfill);
    if (!backfill.isFlowActive) return rest(client, job, backfill, waitMs.later);
    if (backfill.waiting === 0 && backfill.isRead) {
      return backfill.hasRuns ? rest(client, job, backfill, quietMs(backfill)) : succeed(client, job, backfill);
    }
    const room = backfill.isBehind ? 0 : await roomOf(client, job, await definitionOfBackfill(client, job, backfill));
    if (room <= 0) return rest(client, job, backfill, waitMs.soon);
    if (backfill.cause === 'CHANGES') return release(client, job, backfill, room);
    // Until the members are read.
    await rest(client, job, backfill, waitMs.later);
    return { page: { pageToken: backfill.pageToken, pageSize: Math.min(room, pageSize) } };
  });
}

/** Another transaction starts runs of the flow. */
async function putOff(client: ClientBase, { backfillId }: BackfillJob): Promise<AfterTurn> {
  await pipeline(client, [soonDue(backfillId), { name: 'commit', sql: 'commit' }]);
  return { hasStarted: false };
}

/** A backfill that has ended, or whose flow was deleted. */
async function forget(client: ClientBase, { backfillId }: BackfillJob): Promise<AfterTurn> {
  await pipeline(client, [
    { name: 'forget_flow_backfill', sql: 'delete from flow_backfill_job where backfill_id = $1', values: [backfillId] },
    { name: 'commit', sql: 'commit' },
  ]);
  return { hasStarted: false };
}

async function release(
  client: ClientBase,
  job: BackfillJob,
  backfill: LockedBackfill,
  room: number,
): Promise<AfterTurn> {
  const begun = await releaseHeld(client, job, room);
  backfill.waiting -= begun;
  backfill.started += begun;
  await countEnds(client, job, backfill);
  if (begun === 0) settle(backfill);
  return store(client, job, backfill, waitMs.soon, begun > 0);
}

async function drop(client: ClientBase, job: BackfillJob, backfill: LockedBackfill): Promise<AfterTurn> {
  const { dropped, hadSome } = await dropHeld(client, job, mostDropped);
  backfill.waiting -= dropped;
  backfill.suppressed += dropped;
  await countEnds(client, job, backfill);
  if (!hadSome) settle(backfill);
  if (backfill.waiting > 0) return store(client, job, backfill, dropped > 0 ? waitMs.more : waitMs.soon);
  return store(client, job, backfill, backfill.hasRuns ? quietMs(backfill) : undefined);
}

/** No run is held any more, and all ends are counted: others were ended by a process of the previous release, which counts none. */
function settle(backfill: LockedBackfill): void {
  backfill.suppressed += backfill.waiting;
  backfill.waiting = 0;
}

async function succeed(client: ClientBase, job: BackfillJob, backfill: LockedBackfill): Promise<AfterTurn> {
  await countEnds(client, job, backfill);
  backfill.state = 'SUCCEEDED';
  return store(client, job, backfill, undefined);
}

/** A turn that starts nothing. */
async function rest(
  client: ClientBase,
  job: BackfillJob,
  backfill: LockedBackfill,
  nextMs: number,
): Promise<AfterTurn> {
  await countEnds(client, job, backfill);
  return store(client, job, backfill, nextMs);
}

async function store(
  client: ClientBase,
  job: BackfillJob,
  backfill: LockedBackfill,
  nextMs: number | undefined,
  hasStarted = false,
): Promise<AfterTurn> {
  const statements = turnStatements(job, backfill, { waitMs: nextMs, hasStarted });
  await pipeline(client, [...statements, { name: 'commit', sql: 'commit' }]);
  return { hasStarted };
}

/** Runs that wait for weeks are looked for less often. */
function quietMs({ quietSeconds }: LockedBackfill): number {
  return Math.min(Math.max(quietSeconds * 100, waitMs.least), waitMs.longest);
}
