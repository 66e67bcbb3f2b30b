import { setTimeout as delay } from 'node:timers/promises';
import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import type { VerifySegmentResponse } from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { Sequencer } from '../../engine/changes/log/sequencer.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { refuseNarrowScope } from '../../engine/records/scope/refuse-narrow-scopes.js';
import { compileSegment, differencesOfPage, readSegments, type CompiledSegment } from './compiled-segment.js';
import type { SegmentFollower } from './segment-follower.js';
import { segments } from './segments.js';

/** Ids that a verification lists of each kind of differences. */
const listedIds = 100;

/** Customers that one statement compares. */
const pageSize = 100_000;

/** Looks at differences, which changes of the last moment can be, and pauses between them in milliseconds. */
const looks = 5;
const pauseMs = 200;

/** Steps by which a verification follows the log itself. */
const maxSteps = 50;

/**
 * Handles VerifySegment: compares in one snapshot of the database, after all changes that were committed before the call. A
 * difference by a change of that moment is gone by the next look.
 */
export async function verifySegment(
  em: EntityManager,
  { follower, sequencer }: { follower: SegmentFollower; sequencer: Sequencer },
  id: string,
): Promise<VerifySegmentResponse> {
  // The members are those for a caller that sees all records.
  refuseNarrowScope();
  for (let look = 1; ; look += 1) {
    await sequencer.caughtUp();
    await follower.catchUp(currentCaller().tenantId, maxSteps);
    const verified = await em.fork().transactional((each) => compare(each, id), {
      isolationLevel: IsolationLevel.REPEATABLE_READ,
    });
    if (verified.equal || look === looks) return verified;
    await delay(pauseMs);
  }
}

async function compare(em: EntityManager, id: string): Promise<VerifySegmentResponse> {
  const segment = (await readSegments(em)).find((each) => each.id === id);
  if (!segment) throw await missingRecord(em, segments, id);
  const [job] = await queryRows<JobRow>(em, {
    name: 'verified_position',
    sql: `select position::text, coalesce(present, rapport_clock()) as present, change_log_end()::text as end, size
      from segment_job left join segment_progress progress on progress.tenant_id = $1 and segment_id = $2
      where segment_job.tenant_id = $1`,
    values: [currentCaller().tenantId, id],
  });
  const compiled = await compileSegment(em, segment, new Date(job?.present ?? Date.now()));
  if (compiled.problem !== undefined) throw new AppError('FAILED_PRECONDITION', 'SEGMENT_FAILED', compiled.problem);
  const found = await differencesOf(em, compiled);
  const size = job?.size ?? 0;
  // The members of the others are what calls have made of them.
  const differences = segment.kind === 'DYNAMIC' ? found : noDifferences;
  return {
    ...{ position: job?.position ?? '0', logPosition: job?.end ?? '0', size },
    equal: differences.missing_count + differences.extra_count === 0 && size === found.size,
    ...{ missingCount: differences.missing_count, extraCount: differences.extra_count },
    ...{ missingIds: differences.missing_ids, extraIds: differences.extra_ids },
  };
}

/** The differences among all customers, a page after the other in the snapshot of the transaction. */
async function differencesOf(em: EntityManager, compiled: CompiledSegment): Promise<Differences> {
  const all: Differences = { size: 0, ...noDifferences };
  for (let after: string | null = null; ;) {
    const statement = differencesOfPage(compiled, { after, size: pageSize, listed: listedIds });
    const [page] = await queryRows<Differences & { last: string | null; customers: number }>(em, statement);
    if (!page) throw new Error('A comparison returns one row.');
    all.size += page.size;
    all.missing_count += page.missing_count;
    all.extra_count += page.extra_count;
    all.missing_ids = [...all.missing_ids, ...page.missing_ids].slice(0, listedIds);
    all.extra_ids = [...all.extra_ids, ...page.extra_ids].slice(0, listedIds);
    if (page.customers < pageSize) return all;
    after = page.last;
  }
}

const noDifferences = { missing_count: 0, extra_count: 0, missing_ids: [] as string[], extra_ids: [] as string[] };

interface JobRow {
  position: string | null;
  present: Date | string;
  end: string;
  size: number | null;
}

interface Differences {
  size: number;
  missing_count: number;
  extra_count: number;
  missing_ids: string[];
  extra_ids: string[];
}
