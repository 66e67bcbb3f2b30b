import { isTrue } from '@rapport/contracts/expressions';
import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../../storage/secret-envelope.js';
import { BulkStarts } from '../../backfills/bulk-starts.js';
import type { ActiveFlow } from '../../definitions/active-flows.js';
import { runValues } from '../../definitions/variables.js';
import type { JsonObject } from '../../effects/effect-port.js';
import { Expressions } from '../../interpreter/expressions.js';
import type { RunHooks } from '../../runs/run-hooks.js';
import { startRuns } from '../../runs/start-runs.js';
import { moveClock, type ClockRow } from './clock-row.js';
import type { DueRecords } from './due-records.js';
import { dueTimes, recurrenceOf } from './schedule-times.js';
import { dueFilter, fieldValue } from './time-field.js';

/** Longest time until records are looked for again that were given a time meanwhile without a change in the log. */
const lookEveryMs = 3_600_000;

export interface ClockParts {
  envelope: SecretEnvelope;
  hooks: RunHooks;
  records: DueRecords;
}

/** Starts the runs of a clock's flow that are due, in the transaction that moves the clock. */
export async function fireClock(
  client: ClientBase,
  parts: ClockParts,
  clock: ClockRow,
  flow: ActiveFlow,
): Promise<void> {
  const { schedule, timeField } = flow.definition.trigger ?? {};
  if (schedule) await fireSchedule(client, parts, clock, flow);
  else if (timeField) await fireTimeField(client, parts, clock, flow);
}

async function fireSchedule(client: ClientBase, parts: ClockParts, clock: ClockRow, flow: ActiveFlow): Promise<void> {
  const { schedule } = flow.definition.trigger ?? {};
  if (!schedule) return;
  const publishedMs = new Date(flow.publishTime).getTime();
  const startMs = schedule.startTime === undefined ? publishedMs : Date.parse(schedule.startTime);
  const recurrence = recurrenceOf(schedule, publishedMs);
  const due = dueTimes(recurrence, { startMs, doneMs: clock.doneMs, nowMs: Date.now() });
  await startAll(
    client,
    parts,
    flow,
    due.times.map((timeMs) => ({ timeMs })),
  );
  await moveClock(client, clock.flowId, { doneMs: due.doneMs, dueMs: due.nextMs });
}

/** One page of records at a time, so that a date with many of them holds up no other clock. */
async function fireTimeField(client: ClientBase, parts: ClockParts, clock: ClockRow, flow: ActiveFlow): Promise<void> {
  const { timeField } = flow.definition.trigger ?? {};
  if (!timeField) return;
  const untilMs = clock.searchMs ?? Date.now();
  const fieldClock = await parts.records.clockOf(flow, timeField);
  if (!fieldClock) return moveClock(client, clock.flowId, { doneMs: untilMs, dueMs: Date.now() + lookEveryMs });
  const filter = dueFilter(timeField, fieldClock, { afterMs: clock.doneMs, untilMs });
  const { records, nextPageToken } = await parts.records.page(flow, timeField, filter, clock.pageToken);
  const come = records.map((values) => {
    const ref = { type: timeField.type, id: values['id'] as string };
    return { timeMs: fieldClock.dueMs(fieldValue(values, timeField.field) ?? ''), record: { ref, values } };
  });
  await startAll(client, parts, flow, come);
  if (nextPageToken !== undefined) {
    const page = { searchMs: untilMs, pageToken: nextPageToken };
    return moveClock(client, clock.flowId, { doneMs: clock.doneMs, dueMs: Date.now(), ...page });
  }
  const [next] = (
    await parts.records.page(flow, timeField, dueFilter(timeField, fieldClock, { afterMs: untilMs }), undefined, 1)
  ).records;
  const nextMs = next && fieldClock.dueMs(fieldValue(next, timeField.field) ?? '');
  const dueMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, Date.now() + lookEveryMs);
  await moveClock(client, clock.flowId, { doneMs: untilMs, dueMs });
}

/** What has come. */
interface Come {
  timeMs: number;
  record?: { ref: { type: string; id: string }; values: JsonObject };
}

/** At most as many runs begin as the flow has room for: a date can come for all records of a workspace at once. */
async function startAll(client: ClientBase, parts: ClockParts, flow: ActiveFlow, come: readonly Come[]): Promise<void> {
  // A paused flow lets its times pass.
  if (flow.state !== 'ACTIVE') return;
  const bulk = new BulkStarts(client);
  for (const each of come) await start(client, parts, flow, { ...each, bulk });
  const held = bulk.statements();
  if (held.length > 0) await pipeline(client, held);
}

async function start(
  client: ClientBase,
  { envelope, hooks }: ClockParts,
  flow: ActiveFlow,
  { timeMs, record, bulk }: Come & { bulk: BulkStarts },
): Promise<void> {
  const { tenantId, flowId, version, definition, publishedBy } = flow;
  const { condition, trigger } = definition;
  const values = { input: {}, ...(record && { record: record.values }) };
  const now = new Date(timeMs);
  if (condition !== undefined && !isTrue(condition, runValues(definition, { ...values, now }))) return;
  const expressions = new Expressions((scope) => runValues(definition, { ...scope }));
  const turn = await bulk.next(flow, timeMs);
  if (!turn) return;
  const [outcome] = await startRuns(client, { envelope, hooks, expressions }, [
    {
      ...{ tenantId, flowId, version, definition, principalId: publishedBy, hop: 0, chain: [], values, bulk: turn },
      cause: { kind: trigger?.schedule ? 'SCHEDULE' : 'TIME_FIELD', time: now.toISOString() },
      ...(record && { record: record.ref }),
    },
  ]);
  if (outcome && 'runId' in outcome) bulk.note(flow, turn);
}
