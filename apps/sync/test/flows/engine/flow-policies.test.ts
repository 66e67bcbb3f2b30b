import { randomBytes } from 'node:crypto';
import { MasterKeys } from '@rapport/platform';
import { tenantSession } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Expressions } from '../../../src/flows/interpreter/expressions.js';
import {
  approvalColumns,
  approvalMessage,
  commentOwner,
  questionOwner,
  type ApprovalRow,
} from '../../../src/flows/approvals/approval-row.js';
import { renewSealedRuns } from '../../../src/flows/runs/renew-sealed-runs.js';
import { startRuns } from '../../../src/flows/runs/start-runs.js';
import { SecretEnvelope } from '../../../src/storage/secret-envelope.js';
import { eraseRuns } from '../../../src/flows/runs/erase-runs.js';
import { resumeWait } from '../../../src/flows/runs/note-events.js';
import { clearExpiredRuns } from '../../../src/flows/runs/expired-runs.js';
import { openContent } from '../../../src/flows/runs/run-content.js';
import { create, FlowEngine, type Definition } from './flow-engine.ts';
import { stuckRuns } from './flow-invariants.ts';

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
  engine.work();
});
afterAll(() => engine.stop());

const asked = { key: 'asked', approve: { question: "'?'", approverIds: ['01a22617-ef9b-73c9-a008-87e18dbb1dd7'] } };
const record = { type: 'deal', id: '01a22617-ef9b-73c9-a008-87e18dbb1dd8' };

const reached = (runId: string, state: string) =>
  expect.poll(() => engine.stateOf(runId), { timeout: 10_000 }).toBe(state);

function decide(runId: string): Promise<void> {
  const { envelope } = engine.parts;
  const answer = { tenantId: engine.tenantId, runId, path: 'steps/0', output: { decision: 'APPROVED' } };
  return engine.transaction((client) => resumeWait(client, envelope, answer));
}

async function exclusive(policy: string, more: Partial<Definition> = {}) {
  const flow = await engine.flow(`exclusive_${policy.toLowerCase()}`, {
    steps: [asked, create('done')],
    concurrency: { policy },
    ...more,
  });
  const first = await engine.run(flow, { record });
  await reached(first, 'WAITING');
  return { flow, first };
}

test('while a run has not ended, another one with its key is suppressed by the policy SKIP', async () => {
  const { flow, first } = await exclusive('SKIP');

  expect(await engine.begin([engine.newRun(flow, { record })])).toMatchObject([{ suppressed: 'CONCURRENT' }]);
  const other = { ...record, id: '01a22617-ef9b-73c9-a008-87e18dbb1dd9' };
  await reached(await engine.run(flow, { record: other }), 'WAITING');
  await decide(first);
  await reached(first, 'SUCCEEDED');
  await reached(await engine.run(flow, { record }), 'WAITING');
});

test('runs with one key follow each other by the policy QUEUE', async () => {
  const { flow, first } = await exclusive('QUEUE');
  const [second, third] = [await engine.run(flow, { record }), await engine.run(flow, { record })];

  await decide(first);
  await expect.poll(() => engine.steps(second), { timeout: 10_000 }).toEqual(['steps/0 WAITING']);
  expect(await engine.steps(third)).toEqual([]);
  await decide(second);
  await expect.poll(() => engine.steps(third), { timeout: 10_000 }).toEqual(['steps/0 WAITING']);
  expect(await engine.query(stuckRuns)).toEqual([]);
});

test('a run cancels another one with its key by the policy REPLACE', async () => {
  const { flow, first } = await exclusive('REPLACE');
  const second = await engine.run(flow, { record });

  await reached(second, 'WAITING');
  expect(await engine.stateOf(first)).toBe('CANCELLED');
  expect(await engine.steps(first)).toEqual(['steps/0 CANCELLED']);
});

test('a record has no more runs of a flow than its limit', async () => {
  const flow = await engine.flow('limited', { steps: [create('done')], limits: { runsPerRecord: 2 } });

  const outcomes = await engine.begin([1, 2, 3].map(() => engine.newRun(flow, { record })));
  expect(outcomes.map((outcome) => ('runId' in outcome ? 'STARTED' : outcome.suppressed))).toEqual([
    ...['STARTED', 'STARTED', 'RECORD_LIMIT'],
  ]);
});

test('a run fails at its limit of steps, and at its age', async () => {
  const loop = { key: 'loop', for: { in: '[1, 2, 3, 4]', steps: [create('made')] } };
  const many = await engine.run(await engine.flow('many', { steps: [loop], limits: { maxSteps: 3 } }));
  await reached(many, 'FAILED');
  const old = await engine.run(await engine.flow('old', { steps: [asked] }));
  await reached(old, 'WAITING');
  await engine.query(`update flow_run set max_time = now() where id = $1`, [old]);
  await engine.query('update flow_job set due_time = now() where run_id = $1', [old]);

  await reached(old, 'FAILED');
  expect(await engine.steps(many)).toEqual([
    ...['steps/0 RUNNING', 'steps/0/for/steps/0[0] SUCCEEDED', 'steps/0/for/steps/0[1] SUCCEEDED'],
  ]);
});

test('a flow that starts itself is stopped, and its error has the path of the loop', async () => {
  const steps = [{ key: 'again', run: { flow: 'endless', waits: true } }];
  const flow = await engine.flow('endless', { trigger: { subflow: {} }, steps });
  const runId = await engine.run(flow);

  await reached(runId, 'FAILED');
  expect(await engine.steps(runId)).toEqual(['steps/0 FAILED']);
  const [{ count } = { count: 0 }] = await engine.query<{ count: number }>(
    'select count(*)::int as count from flow_run where parent_run_id = $1',
    [runId],
  );
  expect(count).toBe(0);
});

test('a run of a frozen flow goes no further', async () => {
  const flow = await engine.flow('frozen', { steps: [asked, create('thawed')] });
  const runId = await engine.run(flow);
  await reached(runId, 'WAITING');
  await engine.query(`update flow set state = 'FROZEN' where id = $1`, [flow.flowId]);
  await decide(runId);

  const frozen = () => engine.query('select is_frozen from flow_job where run_id = $1', [runId]);
  await expect.poll(frozen, { timeout: 10_000 }).toEqual([{ is_frozen: true }]);
  expect(await engine.steps(runId)).toEqual(['steps/0 WAITING']);
});

test('runs are deleted 90 days after their end, once what is kept under their effect keys is released', async () => {
  const flow = await engine.flow('expired', { steps: [create('done')] });
  const [old, young] = [await engine.run(flow), await engine.run(flow)];
  for (const runId of [old, young]) await reached(runId, 'SUCCEEDED');
  await engine.query(`update flow_run set end_time = now() - interval '91 days' where id = $1`, [old]);
  const released: string[] = [];
  const { tenantId } = engine;

  await clearExpiredRuns(engine.orm.em.fork({ session: tenantSession(tenantId) }), tenantId, (_, runIds) => {
    released.push(...runIds);
    return Promise.resolve();
  });

  expect(released).toEqual([old]);
  expect([await engine.stateOf(old), await engine.stateOf(young)]).toEqual([undefined, 'SUCCEEDED']);
});

test('the erasure of a record cancels its runs, and removes what they know of it', async () => {
  const flow = await engine.flow('erased', { steps: [create('named', 'record.title'), asked] });
  const of = { type: 'deal', id: '01a22617-ef9b-73c9-a008-87e18dbb1de1' };
  const runId = await engine.run(flow, { record: of, values: { input: {}, record: { title: 'Ada Lovelace' } } });
  await reached(runId, 'WAITING');

  await engine.transaction((client) => eraseRuns(client, engine.parts, engine.tenantId, [of.id]));

  expect(await engine.stateOf(runId)).toBe('CANCELLED');
  expect(
    await engine.query(
      `select path from flow_step_run where run_id = $1 and (sealed_input is not null or sealed_result is not null)`,
      [runId],
    ),
  ).toEqual([]);
  const [row] = await engine.query<{ sealed_start: Buffer; sealed_state: Buffer }>(
    'select sealed_start, sealed_state from flow_run where id = $1',
    [runId],
  );
  const owner = { tenantId: engine.tenantId, part: 'flow_run', id: runId } as const;
  const known = [row!.sealed_start, row!.sealed_state].map((sealed) =>
    openContent(engine.parts.envelope, owner, sealed),
  );
  expect(JSON.stringify(known)).not.toContain('Ada');
});

test('what a waiting run knows is sealed again under a new master key', async () => {
  const [key, newKey] = [randomBytes(32), randomBytes(32)];
  const parts = { ...engine.parts, envelope: new SecretEnvelope(new MasterKeys(key)) };
  const tenantId = uuidv7();
  const flow = await engine.flow('rotated', { steps: [asked] }, { tenantId });
  const expressions = new Expressions();
  const [outcome] = await engine.transaction(
    (client) =>
      startRuns(client, { ...parts, expressions }, [engine.newRun(flow, { values: { input: { name: 'Ada' } } })]),
    tenantId,
  );
  const renewed = new SecretEnvelope(new MasterKeys(newKey, [key]));
  const [approvalId, userId] = [uuidv7(), uuidv7()];
  await engine.query(
    `with approval as (
       insert into flow_approval (tenant_id, id, run_id, path, flow_id, flow_name, sealed_question, quorum, state, due_time,
         create_time)
       select tenant_id, $1, id, 'steps/0', flow_id, 'rotated', $4, 2, 'PENDING', now() + interval '1 day', now()
       from flow_run where id = $2 returning tenant_id, id)
     insert into flow_approver (tenant_id, approval_id, user_id, place, is_approved, sealed_comment, decide_time)
     select tenant_id, id, $3, 0, true, $5, now() from approval`,
    [
      ...[approvalId, (outcome as { runId: string }).runId, userId],
      parts.envelope.seal(Buffer.from('Ship it?'), questionOwner(tenantId, approvalId)),
      parts.envelope.seal(Buffer.from('Yes'), commentOwner(tenantId, approvalId, userId)),
    ],
  );

  await renewSealedRuns(engine.orm.em.fork({ session: tenantSession(tenantId) }), tenantId, renewed);

  const { runId: id } = outcome as { runId: string };
  const [row] = await engine.query<{ sealed_start: Buffer }>('select sealed_start from flow_run where id = $1', [id]);
  const onlyNew = new SecretEnvelope(new MasterKeys(newKey));
  expect(openContent(onlyNew, { tenantId, part: 'flow_run', id }, row!.sealed_start)).toEqual({
    input: { name: 'Ada' },
  });
  const [asking] = await engine.query<ApprovalRow>(
    `select ${approvalColumns} from flow_approval approval where approval.id = $1`,
    [approvalId],
  );
  expect(approvalMessage(onlyNew, tenantId, asking!)).toMatchObject({
    question: 'Ship it?',
    decisions: [{ comment: 'Yes' }],
  });
});
