import { createHash } from 'node:crypto';
import { ExpressionError } from '@rapport/contracts/expressions';
import { FlowConcurrencyPolicy } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { lockState } from '../definitions/active-flows.js';
import { entryRefused, entryStatements } from '../enrollments/enter-flow.js';
import type { Expressions } from '../interpreter/expressions.js';
import { listenInterests } from '../interpreter/listen-steps.js';
import { initialState } from '../interpreter/run-state.js';
import { chainLimitReached, rootOf } from './chain-limit.js';
import { endRun, lockConcurrency, lockRun, type EndParts } from './end-runs.js';
import type { NewRun, StartOutcome } from './new-run.js';
import { sealContent } from './run-content.js';
import { noteEarlierSignals, signalsOf } from './opened-listens.js';
import { insertWaits, lockSignals, waitRows } from './waits.js';

const secondMs = 1_000;
const daySeconds = 86_400;

/** Longest duration of a run without a limit of its own. */
const defaultAgeSeconds = 365 * daySeconds;

export interface StartParts extends EndParts {
  expressions: Expressions;
}

/**
 * Starts runs of one tenant, in a transaction of the caller, whose tenant is set. Limits and the rule of concurrency of
 * each flow apply, also among the runs themselves. Wake the worker after the commit.
 *
 * @returns what became of each, in the same order
 */
export async function startRuns(
  client: ClientBase,
  parts: StartParts,
  runs: readonly NewRun[],
): Promise<StartOutcome[]> {
  const outcomes: StartOutcome[] = [];
  for (const run of runs) outcomes.push(await startRun(client, parts, run));
  return outcomes;
}

async function startRun(client: ClientBase, parts: StartParts, run: NewRun): Promise<StartOutcome> {
  const refused =
    (await pausedMeanwhile(client, run)) ??
    (await limitReached(client, run)) ??
    (await chainLimitReached(client, run)) ??
    (await entryRefused(client, run));
  if (refused) return refused;
  const policy = run.definition.concurrency?.policy ?? FlowConcurrencyPolicy.UNSPECIFIED;
  const hash = concurrencyHash(parts.expressions, run, policy);
  const others = hash ? await activeRuns(client, run, hash) : [];
  const [other] = others;
  if (other !== undefined && policy === FlowConcurrencyPolicy.SKIP) {
    return { suppressed: 'CONCURRENT', explanation: `The run ${other} with the same key has not ended.` };
  }
  if (policy === FlowConcurrencyPolicy.REPLACE) await cancelOthers(client, parts, run.tenantId, others);
  const isQueued = policy === FlowConcurrencyPolicy.QUEUE && other !== undefined;
  return { runId: await insertRun(client, parts, run, { hash, isQueued }) };
}

async function pausedMeanwhile(client: ClientBase, run: NewRun): Promise<StartOutcome | undefined> {
  if (run.bulk) return undefined;
  const [locked] = await pipeline(client, [lockState(run)]);
  const [{ isActive } = { isActive: false }] = (locked?.rows ?? []) as { isActive: boolean }[];
  return isActive ? undefined : { suppressed: 'PAUSED', explanation: 'The flow is paused.' };
}

async function limitReached(client: ClientBase, run: NewRun): Promise<StartOutcome | undefined> {
  const { runsPerRecord, perSeconds = daySeconds } = run.definition.limits ?? {};
  if (runsPerRecord === undefined || !run.record) return undefined;
  const { rowCount } = await client.query(
    `select from flow_run where tenant_id = $1 and record_id = $2 and flow_id = $3
      and start_time > clock_timestamp() - make_interval(secs => $4) limit $5`,
    [run.tenantId, run.record.id, run.flowId, perSeconds, runsPerRecord],
  );
  if ((rowCount ?? 0) < runsPerRecord) return undefined;
  const explanation = `The record has had ${runsPerRecord} runs of the flow in ${perSeconds} s.`;
  return { suppressed: 'RECORD_LIMIT', explanation };
}

/** The key by which runs of the flow exclude each other; undefined where they are parallel. */
function concurrencyHash(expressions: Expressions, run: NewRun, policy: FlowConcurrencyPolicy): Buffer | undefined {
  if (policy === FlowConcurrencyPolicy.PARALLEL || policy === FlowConcurrencyPolicy.UNSPECIFIED) return undefined;
  const text = run.definition.concurrency?.key;
  const key = text === undefined ? (run.record?.id ?? null) : keyValue(expressions, text, run);
  return createHash('sha256').update(JSON.stringify(key)).digest();
}

/** Runs whose key has no value exclude each other. */
function keyValue(expressions: Expressions, text: string, { values }: NewRun): unknown {
  try {
    return expressions.value(text, { ...values });
  } catch (error) {
    if (error instanceof ExpressionError) return null;
    throw error;
  }
}

/** The runs with the same key that have not ended, oldest first. None starts or ends before this transaction ends. */
async function activeRuns(client: ClientBase, run: NewRun, hash: Buffer): Promise<string[]> {
  await lockConcurrency(client, run.flowId, hash);
  const { rows } = await client.query<{ id: string }>(
    `select id from flow_run where tenant_id = $1 and flow_id = $2 and concurrency_hash = $3 and end_time is null
     order by id`,
    [run.tenantId, run.flowId, hash],
  );
  return rows.map(({ id }) => id);
}

async function cancelOthers(
  client: ClientBase,
  parts: EndParts,
  tenantId: string,
  runIds: readonly string[],
): Promise<void> {
  for (const runId of runIds) {
    await lockRun(client, tenantId, runId);
    await endRun(client, parts, { tenantId, runId, state: 'CANCELLED', variables: {} });
  }
}

async function insertRun(
  client: ClientBase,
  parts: StartParts,
  run: NewRun,
  { hash, isQueued }: { hash: Buffer | undefined; isQueued: boolean },
): Promise<string> {
  const { envelope } = parts;
  const { tenantId, flowId, version, principalId, cause, record, hop, parent, bulk } = run;
  const runId = uuidv7();
  const owner = { tenantId, part: 'flow_run', id: runId } as const;
  const now = new Date();
  const maxTime = new Date(now.getTime() + (run.definition.limits?.maxAgeSeconds ?? defaultAgeSeconds) * secondMs);
  await pipeline(client, [
    {
      name: 'insert_flow_run',
      sql: `insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_change_id,
          cause_principal_id, cause_time, record_type, record_id, hop, chain, concurrency_hash, is_queued, parent_run_id,
          parent_path, sealed_start, sealed_state, wake_time, start_time, max_time, root_run_id, hook_key, backfill_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
          $26)`,
      values: [
        ...[tenantId, runId, flowId, version, isQueued || isHeld(run) ? 'WAITING' : 'RUNNING', principalId],
        ...[cause.kind, cause.changeId, cause.principalId, cause.time],
        ...[record?.type, record?.id, hop, JSON.stringify(run.chain), hash, isQueued],
        ...[parent?.runId, parent?.path],
        ...[sealContent(envelope, owner, run.values), sealContent(envelope, owner, initialState())],
        ...[isQueued ? maxTime : null, now, maxTime, rootOf(run.chain), run.hookKey, bulk?.backfillId],
      ],
    },
    jobStatement(run, runId, { dueTime: isQueued ? maxTime : now, isQueued }),
    {
      name: 'note_flow_run_tenant',
      sql: 'insert into flow_run_tenant (tenant_id) values ($1) on conflict do nothing',
      values: [tenantId],
    },
    ...entryStatements(run, runId),
  ]);
  await listenFromStart(client, parts, { run, runId, now });
  return runId;
}

function isHeld({ bulk }: NewRun): boolean {
  return bulk?.heldNumber !== undefined;
}

function jobStatement(
  run: NewRun,
  runId: string,
  { dueTime, isQueued }: { dueTime: Date; isQueued: boolean },
): Statement {
  const { tenantId, flowId, bulk } = run;
  return {
    name: 'insert_flow_job',
    sql: `insert into flow_job (run_id, tenant_id, flow_id, due_time, is_frozen, backfill_id, held_number, is_in_bulk)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      ...[runId, tenantId, flowId, isHeld(run) ? 'infinity' : dueTime, isHeld(run)],
      ...[bulk?.backfillId, bulk?.heldNumber, bulk !== undefined && (isHeld(run) || !isQueued)],
    ],
  };
}

/** Waits of steps that count events since the start of the run, before any of these steps is reached. */
async function listenFromStart(
  client: ClientBase,
  { envelope, expressions }: StartParts,
  { run, runId, now }: { run: NewRun; runId: string; now: Date },
): Promise<void> {
  const interests = listenInterests(run.definition.steps).filter(({ since }) => since === 'RUN_START');
  if (interests.length === 0) return;
  const { tenantId, cause, values, record } = run;
  const rows = waitRows(interests, expressions, { values, recordId: record?.id });
  const signals = signalsOf(rows);
  await lockSignals(client, tenantId, signals);
  // Changes come in the order of their positions: those after the cause are the later ones, whatever their times.
  const since = cause.changeId === undefined ? now.toISOString() : '-infinity';
  await insertWaits(client, { tenantId, runId, since }, rows);
  if (signals.length > 0) await noteEarlierSignals(client, envelope, { tenantId, runId }, cause.time);
}
