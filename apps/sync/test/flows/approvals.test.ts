import { randomBytes, randomUUID } from 'node:crypto';
import { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { ApprovalState, type Approval } from '@rapport/contracts/rapport/flows/v1/approvals_service';
import { createOrm, pipeline, settingStatement, tenantSession, withConnection } from '@rapport/persistence';
import { callContext, MasterKeys } from '@rapport/platform';
import type { EntityManager } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entities } from '../../src/database.js';
import { decideApproval, delegateApproval } from '../../src/flows/approvals/decide-approval.js';
import { approvalHooks } from '../../src/flows/approvals/open-approvals.js';
import { openContent } from '../../src/flows/runs/run-content.js';
import { SecretEnvelope } from '../../src/storage/secret-envelope.js';
import { createSyncDatabase } from '../sync-databases.ts';

let orm: ReturnType<typeof createOrm>;
const envelope = new SecretEnvelope(new MasterKeys(randomBytes(32)));
const hooks = approvalHooks(envelope);
const path = 'steps/0';

let tenantId: string;
let runId: string;
let users: string[];

beforeAll(async () => {
  const { appUrl } = await createSyncDatabase();
  orm = createOrm({ databaseUrl: appUrl, entities });
});
afterAll(async () => orm.close());

beforeEach(() => {
  [tenantId, runId] = [randomUUID(), randomUUID()];
  users = Array.from({ length: 4 }, () => randomUUID());
});

/** Runs statements of the tenant in a transaction. */
async function inTenant<Row>(sql: string, values: unknown[]): Promise<Row[]> {
  return withConnection(orm.em.fork(), async (client) => {
    const [, answer] = await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId }), { sql, values }]);
    return answer?.rows as Row[];
  });
}

/** Has a waiting run ask users 0 to 2. @returns the id of the approval */
async function ask(quorum: number, dueTime = new Date(Date.now() + 60_000).toISOString()): Promise<string> {
  const flowId = randomUUID();
  await inTenant(
    `insert into flow (tenant_id, id, key, name, state, definition, checksum, version, create_time, update_time, created_by,
       updated_by)
     values ($1, $2, 'f', 'Flow', 'ACTIVE', '{}', '', 1, now(), now(), 'user:1', 'user:1')`,
    [tenantId, flowId],
  );
  await inTenant(
    `insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_time, hop, chain,
       sealed_start, sealed_state, start_time, max_time)
     values ($1, $2, $3, 1, 'WAITING', 'user:1', 'MANUAL', now(), 0, '[]', '', '', now(), now() + interval '1 day')`,
    [tenantId, runId, flowId],
  );
  const step = Step.decode(new Uint8Array());
  const approve = { question: "'Why?'", approverIds: users.slice(0, 3), quorum };
  step.approve = { ...approve, dueInSeconds: undefined, calendarId: undefined };
  await withConnection(orm.em.fork(), async (client) => {
    await pipeline(client, [{ sql: 'begin' }, settingStatement({ 'app.tenant_id': tenantId })]);
    const approval = { tenantId, runId, flowId, path, step, question: 'Why?', record: undefined, dueTime };
    // A step that is advanced again asks once.
    await hooks.openApprovals(client, [approval]);
    await hooks.openApprovals(client, [approval]);
    await client.query('commit');
  });
  const [row] = await inTenant<{ id: string }>('select id from flow_approval where tenant_id = $1', [tenantId]);
  return row?.id ?? '';
}

function as<Answer>(user: number, work: (em: EntityManager) => Promise<Answer>): Promise<Answer> {
  const caller = { tenantId, principalId: `user:${users[user]}`, permissions: ['approvals.read', 'approvals.write'] };
  return callContext.run({ requestId: randomUUID(), caller }, () =>
    orm.em.fork({ session: tenantSession(tenantId) }).transactional(work),
  );
}

const decide = (user: number, approvalId: string, approved = true, comment?: string): Promise<Approval> =>
  as(user, (em) => decideApproval(em, envelope, { approvalId, approved, comment }));

/** What the run receives. */
async function answers(): Promise<object[]> {
  const rows = await inTenant<{ target: string; sealed_data: Buffer }>(
    'select target, sealed_data from flow_event where tenant_id = $1 and run_id = $2',
    [tenantId, runId],
  );
  return rows.map(({ target, sealed_data: sealed }) => ({
    target,
    ...openContent<object>(envelope, { tenantId, part: 'flow_event', id: runId }, sealed),
  }));
}

test('the run continues with the quorum, not before, and nobody decides twice', async () => {
  const id = await ask(2);

  const first = await decide(0, id, true, 'Fine');
  await expect(decide(0, id)).rejects.toMatchObject({ reason: 'ALREADY_DECIDED' });
  expect(await answers()).toEqual([]);
  const second = await decide(1, id);
  await expect(decide(2, id)).rejects.toMatchObject({ reason: 'APPROVAL_ENDED' });

  expect(first).toMatchObject({ state: ApprovalState.PENDING, question: 'Why?', decisions: [{ comment: 'Fine' }] });
  expect(second).toMatchObject({ state: ApprovalState.APPROVED, decisions: [{ approved: true }, { approved: true }] });
  expect(await answers()).toEqual([{ target: path, decision: 'APPROVED', comment: '', by: users[1] }]);
});

test('one rejection rejects, with its comment', async () => {
  const id = await ask(2);
  await decide(0, id);

  expect(await decide(1, id, false, 'Too much')).toMatchObject({ state: ApprovalState.REJECTED });
  expect(await answers()).toEqual([{ target: path, decision: 'REJECTED', comment: 'Too much', by: users[1] }]);
});

test('of approvers who decide at once, as many count as the quorum needs, and the run receives one decision', async () => {
  const id = await ask(2);

  const outcomes = await Promise.allSettled([0, 1, 2].map((user) => decide(user, id)));

  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(await answers()).toHaveLength(1);
});

test('a delegate decides in place of the approver, who no longer can', async () => {
  const id = await ask(1);

  const delegated = await as(0, (em) => delegateApproval(em, envelope, { approvalId: id, userId: users[3] ?? '' }));
  const again = as(1, (em) => delegateApproval(em, envelope, { approvalId: id, userId: users[3] ?? '' }));
  await expect(again).rejects.toMatchObject({ violations: [{ field: 'delegation.userId', reason: 'DUPLICATE' }] });
  // Who is no approver, and may not read flows, does not see it.
  await expect(decide(0, id)).rejects.toMatchObject({ reason: 'APPROVAL_NOT_FOUND' });
  const decided = await decide(3, id);

  expect(delegated.approverIds).toEqual([users[3], users[1], users[2]]);
  expect(decided).toMatchObject({ state: ApprovalState.APPROVED });
});

test.each([
  ['TIMED_OUT', -1_000],
  ['CANCELLED', 60_000],
])('an approval that its run closes is %s, and nobody decides any more', async (state, dueInMs) => {
  const id = await ask(1, new Date(Date.now() + dueInMs).toISOString());

  await withConnection(orm.em.fork(), async (client) => {
    await pipeline(client, [{ sql: 'begin' }, settingStatement({ 'app.tenant_id': tenantId })]);
    await hooks.closeApprovals(client, tenantId, runId, path);
    await client.query('commit');
  });

  expect(await inTenant('select state from flow_approval where tenant_id = $1', [tenantId])).toEqual([{ state }]);
  await expect(decide(0, id)).rejects.toMatchObject({ reason: 'APPROVAL_ENDED' });
  expect(await answers()).toEqual([]);
});
