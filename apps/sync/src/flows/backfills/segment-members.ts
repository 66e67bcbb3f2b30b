import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, withConnection } from '@rapport/persistence';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { EffectError, type JsonObject } from '../effects/effect-port.js';
import { effectError, type RecordCalls } from '../effects/record-calls.js';
import { stepType } from '../effects/record-methods.js';
import { enteringType } from '../enrollments/enter-flow.js';
import type { FlowCustomers } from '../enrollments/flow-customers.js';
import { Expressions } from '../interpreter/expressions.js';
import type { NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import type { EngineParts } from '../worker/engine-parts.js';
import {
  beginWithBackfill,
  countEnds,
  definitionOfBackfill,
  roomOf,
  soonDue,
  turnStatements,
  type LockedBackfill,
} from './backfill-turn.js';
import type { BackfillJob } from './claim-backfills.js';

/** Most members of a page. */
export const pageSize = 20;

const readMs = 10_000;

/** Members of a segment that the principal of a backfill can read. */
export interface MemberPage {
  /** Of the page. */
  pageToken: string | null;
  nextPageToken: string | null;
  customers: readonly JsonObject[];
  /** Members whose customers it can not read. */
  hidden: number;
}

/** What a page is read for. */
export interface PageOwner {
  segmentId: string;
  principalId: string;
}

/**
 * Reads a page of the members of a segment. Later members are not on later pages: the newest come first.
 *
 * @throws EffectError FINAL when the principal may not read them
 */
export async function readMembers(
  { calls, customers }: { calls: RecordCalls; customers: FlowCustomers },
  { tenantId, backfillId }: BackfillJob,
  { segmentId, principalId }: PageOwner,
  wanted: { pageToken: string | null; pageSize: number },
): Promise<MemberPage> {
  const acting = { tenantId, principalId, runId: backfillId, hop: 0 };
  const { contract, method } = stepType('segmentMember');
  const { pageToken } = wanted;
  const request = {
    ...{ filter: `segmentId = "${segmentId}"`, pageSize: wanted.pageSize, orderBy: 'createTime desc' },
    ...(pageToken !== null && { pageToken }),
  };
  const answer = await calls
    .ask(method('list'), request, acting, AbortSignal.timeout(readMs))
    .catch((error: unknown) => Promise.reject(effectError(error)));
  const members = (answer[contract.plural] ?? []) as readonly JsonObject[];
  const ids = members.map((member) => member['customerId'] as string);
  const found = await customers.meeting(acting, ids);
  if (!found) throw new EffectError('PERMISSION_DENIED', 'The principal can not read customers.', 'FINAL');
  const visible = ids.map((id) => found.get(id)).filter((customer) => customer !== undefined);
  const nextPageToken = (answer['nextPageToken'] ?? null) as string | null;
  return { pageToken, nextPageToken, customers: visible, hidden: ids.length - visible.length };
}

/**
 * Starts the runs of a page, in the transaction that moves the backfill past it: each member has one run, also after any failure.
 *
 * @returns whether runs were started
 */
export async function startMembers(
  em: EntityManager,
  parts: EngineParts,
  job: BackfillJob,
  page: MemberPage,
): Promise<boolean> {
  return withConnection(em, async (client) => {
    const backfill = await beginWithBackfill(client, job);
    const isOpen = backfill !== undefined && backfill !== 'LOCKED' && backfill.state === 'RUNNING' && !backfill.isRead;
    const definition = isOpen ? await definitionOfBackfill(client, job, backfill) : undefined;
    const canStart =
      definition !== undefined &&
      isOpen &&
      backfill.isFlowActive &&
      backfill.pageToken === page.pageToken &&
      (await roomOf(client, job, definition)) >= page.customers.length;
    if (!canStart) {
      await pipeline(client, [{ name: 'rollback', sql: 'rollback' }, soonDue(job.backfillId)]);
      return false;
    }
    await countEnds(client, job, backfill);
    const expressions = new Expressions(parts.versions.typed(definition));
    const { condition } = definition;
    const runs = page.customers
      .map((customer) => newRun(job, backfill, definition, customer))
      .filter(({ values }) => condition === undefined || expressions.isTrue(condition, { ...values, now: new Date() }));
    const outcomes = await startRuns(client, { ...parts, expressions }, runs);
    const started = outcomes.filter((outcome) => 'runId' in outcome).length;
    backfill.started += started;
    backfill.suppressed += page.customers.length + page.hidden - started;
    Object.assign(backfill, { pageToken: page.nextPageToken, isRead: page.nextPageToken === null });
    const next = { waitMs: 0, hasStarted: true };
    await pipeline(client, [...turnStatements(job, backfill, next), { name: 'commit', sql: 'commit' }]);
    return started > 0;
  });
}

function newRun(
  { tenantId, flowId, backfillId }: BackfillJob,
  { version, createdBy, publishedBy }: LockedBackfill,
  definition: FlowDefinition,
  customer: JsonObject,
): NewRun {
  const [time, actor] = [new Date().toISOString(), createdBy ?? ''];
  // Expressions of a flow that follows a segment read the change of the member: that it has joined.
  const change = { operation: 'CREATE', changedFields: [], time, actor };
  return {
    ...{ tenantId, flowId, version, definition, principalId: publishedBy ?? '' },
    cause: { kind: 'MANUAL', principalId: actor, time },
    record: { type: enteringType, id: customer['id'] as string },
    ...{ hop: 0, chain: [] },
    values: { input: {}, record: customer, ...(definition.trigger?.segment && { change }) },
    bulk: { backfillId },
  };
}
