import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { mostInProgress } from './bulk-runs.ts';
import { FlowTenant } from './flow-tenant.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
let flows: FlowTenant;
beforeEach(async () => {
  flows = await FlowTenant.create(platform);
});

const steps = [{ key: 'note', set: { variables: [{ name: 'id', value: 'record.id' }] } }];
const created = { trigger: { record: { type: 'customer', operations: ['CREATE'] } }, steps };

async function createCustomers(count: number): Promise<string[]> {
  const items = Array.from({ length: count }, (_, place) => ({
    customer: { kind: 'PERSON', displayName: `Ada ${place}` },
  }));
  const { results } = await flows.api.ok<{ results: { customer: { id: string } }[] }>(
    'POST',
    '/v1/customers:batchCreate',
    { items },
  );
  return results.map(({ customer }) => customer.id);
}

/** A run that does not end, as the table of the engine has it. @returns ends it */
async function occupy(flowId: string): Promise<() => Promise<void>> {
  const runId = randomUUID();
  await flows.api.query(
    `insert into flow_job (run_id, tenant_id, flow_id, due_time, is_frozen, is_in_bulk)
     values ($1, $2, $3, 'infinity', true, true)`,
    [runId, flows.tenantId, flowId],
  );
  return async () => {
    await flows.api.query('delete from flow_job where run_id = $1', [runId]);
  };
}

const backfillsOf = async (flowId: string, query = '') =>
  (await flows.api.ok<{ flowBackfills: Json[] }>('GET', `/v1/flowBackfills?flowId=${flowId}${query}`)).flowBackfills;

/** Waits for the only backfill of a flow. */
async function backfill(flowId: string, expected: Json): Promise<Json> {
  await expect.poll(() => backfillsOf(flowId), { timeout: 60_000 }).toMatchObject([expected]);
  return (await backfillsOf(flowId))[0]!;
}

const runsOf = async (flowId: string) =>
  (await flows.api.ok<{ flowRuns: Json[] }>('GET', `/v1/flowRuns?pageSize=100&flowId=${flowId}`)).flowRuns;

test('changes above the limit start their runs in order, once each and never more at once, and delay no other flow', async () => {
  const limited = await flows.publish({ ...created, limits: { bulk: 1 } });
  const other = await flows.publish(created);
  const end = await occupy(limited);
  const ids = await createCustomers(12);

  const succeeded = async () => (await runsOf(other)).filter(({ state }) => state === 'SUCCEEDED').length;
  await expect.poll(succeeded, { timeout: 60_000 }).toBe(12);
  const numbers = { version: 1, cause: 'CHANGES', total: 12, failed: 0, suppressed: 0 };
  const { id } = await backfill(limited, { ...numbers, state: 'RUNNING', started: 0, succeeded: 0 });
  expect(await backfillsOf(other)).toEqual([]);
  const [held] = await runsOf(limited);
  expect(held).toMatchObject({ state: 'WAITING', backfillId: id, stepCount: 0 });
  expect(held).not.toHaveProperty('wakeTime');
  const counts = { version: 1, started: 12, suppressed: 0, notMatched: 0 };
  expect(await flows.counts(limited)).toEqual([counts]);

  await end();
  await backfill(limited, { ...numbers, state: 'SUCCEEDED', started: 12, succeeded: 12, endTime: expect.any(String) });
  expect(await flows.counts(limited)).toEqual([counts]);
  const runs = await flows.api.query<{ record_id: string; start_time: Date }>(
    'select record_id, start_time from flow_run where tenant_id = $1 and flow_id = $2 order by start_time',
    [flows.tenantId, limited],
  );
  const changes = (await flows.changes()).changes.map(({ recordId }) => recordId);
  expect(runs.map((run) => run.record_id)).toEqual(changes);
  expect(changes.toSorted()).toEqual(ids.toSorted());
  expect(await mostInProgress(flows.api, limited)).toBe(1);
});

test('times that come for many records start their runs in order, and never more at once than the limit', async () => {
  const field = { key: 'renewal', displayName: 'Renewal', type: 'TIME', recordType: 'customer' };
  await flows.api.ok('POST', '/v1/customFields', field);
  const renewals = [20, 40, 10, 30].map((minutes) => new Date(Date.now() - minutes * 60_000).toISOString());
  const items = renewals.map((renewal) => ({
    customer: { kind: 'PERSON', displayName: renewal, customFields: { renewal } },
  }));
  await flows.api.ok('POST', '/v1/customers:batchCreate', { items });
  const timeField = { type: 'customer', field: 'customFields.renewal' };
  const definition = { trigger: { timeField }, steps, limits: { bulk: 1 } };
  const draft = { key: 'renewals', name: 'Renewals', definition };
  const { id: flowId } = await flows.api.ok<{ id: string }>('POST', '/v1/flows', draft);
  // Before its clock first looks.
  const end = await occupy(flowId);
  await flows.api.ok('POST', `/v1/flows/${flowId}:publish`);
  await backfill(flowId, { state: 'RUNNING', cause: 'CHANGES', total: 4, started: 0 });

  await end();
  await backfill(flowId, { state: 'SUCCEEDED', total: 4, started: 4, succeeded: 4 });
  const runs = await flows.api.query<{ cause_time: Date }>(
    'select cause_time from flow_run where tenant_id = $1 and flow_id = $2 order by start_time',
    [flows.tenantId, flowId],
  );
  expect(runs.map(({ cause_time: time }) => time.toISOString())).toEqual(renewals.toSorted());
  expect(await mostInProgress(flows.api, flowId)).toBe(1);
});

test('a run that waits makes room for further ones', async () => {
  const wait = { key: 'wait', wait: { seconds: 3_600 } };
  const flowId = await flows.publish({ ...created, steps: [wait], limits: { bulk: 1 } });
  await createCustomers(3);
  const reached = async () => (await runsOf(flowId)).filter(({ waitingFor }) => waitingFor === 'steps/0').length;
  await expect.poll(reached, { timeout: 60_000 }).toBe(3);
});

test('a paused flow pauses its backfill, and a cancelled one records the rest as suppressed', async () => {
  const flowId = await flows.publish({ ...created, limits: { bulk: 1 } });
  const end = await occupy(flowId);
  await createCustomers(3);
  const { id } = await backfill(flowId, { state: 'RUNNING', total: 3 });

  await flows.api.ok('POST', `/v1/flows/${flowId}:pause`);
  expect(await backfillsOf(flowId, '&states=PAUSED')).toMatchObject([{ id, state: 'PAUSED' }]);
  await end();
  const seen = 'select progress_time from flow_backfill_job where backfill_id = $1';
  await expect.poll(() => flows.api.query(seen, [id]), { timeout: 60_000 }).toEqual([{ progress_time: null }]);
  expect(await backfillsOf(flowId)).toMatchObject([{ state: 'PAUSED', started: 0, total: 3 }]);
  const again = await occupy(flowId);
  await flows.api.ok('POST', `/v1/flows/${flowId}:resume`);
  // What comes now follows what waits.
  await flows.api.createCustomer('Last');
  await backfill(flowId, { id, state: 'RUNNING', total: 4, started: 0 });

  const answer = await flows.api.ok('POST', `/v1/flowBackfills/${String(id)}:cancel`);
  expect(answer).toMatchObject({ id, state: 'CANCELLED', cancelReason: 'MANUAL' });
  expect(await flows.api.send('POST', `/v1/flowBackfills/${String(id)}:cancel`)).toMatchObject({
    ...{ status: 409, body: { code: 'FLOW_BACKFILL_ENDED' } },
  });
  await backfill(flowId, { state: 'CANCELLED', total: 4, started: 0, suppressed: 4 });
  const suppressed = { outcome: 'SUPPRESSED', reason: 'BACKFILL_CANCELLED' };
  expect(await flows.decisions(flowId)).toMatchObject([suppressed, suppressed, suppressed, suppressed]);
  expect(await flows.counts(flowId)).toEqual([{ version: 1, started: 0, suppressed: 4, notMatched: 0 }]);
  const [{ id: changeId } = { id: '' }] = (await flows.changes()).changes;
  expect(await flows.explain(changeId)).toMatchObject([suppressed]);
  expect(await runsOf(flowId)).toEqual([]);

  await again();
  await flows.api.createCustomer('Ada');
  const states = async () => (await runsOf(flowId)).map(({ state }) => state);
  await expect.poll(states, { timeout: 60_000 }).toEqual(['SUCCEEDED']);
});

test('the end of a flow cancels its backfills, and a held run can be cancelled alone', async () => {
  const flowId = await flows.publish({ ...created, limits: { bulk: 1 } });
  await occupy(flowId);
  await createCustomers(2);
  await backfill(flowId, { state: 'RUNNING', total: 2 });
  const [held] = await runsOf(flowId);
  await flows.api.ok('POST', `/v1/flowRuns/${String(held?.['id'])}:cancel`);
  await backfill(flowId, { state: 'RUNNING', total: 2, started: 0, suppressed: 1 });

  await flows.api.ok('POST', `/v1/flows/${flowId}:retire`);
  await backfill(flowId, { state: 'CANCELLED', cancelReason: 'FLOW_RETIRED', started: 0, suppressed: 2 });
});

test('a flow runs once for each member of a segment that meets its condition', async () => {
  const ids = await createCustomers(4);
  const segment = await flows.api.ok<{ id: string }>('POST', '/v1/segments', {
    ...{ key: 'some', name: 'Some', kind: 'STATIC' },
  });
  await flows.api.ok('POST', `/v1/segments/${segment.id}:addMembers`, { customerIds: ids });
  const body = { segmentId: segment.id };
  const condition = "record.displayName != 'Ada 3'";
  const limits = { bulk: 2 };
  const flowId = await flows.publish({ trigger: { manual: { type: 'customer' } }, condition, steps, limits });
  const end = [await occupy(flowId), await occupy(flowId)];

  const key = { 'idempotency-key': randomUUID() };
  const started = await flows.api.ok('POST', `/v1/flows/${flowId}:backfill`, body, key);
  expect(started).toMatchObject({ cause: 'SEGMENT', segmentId: segment.id, total: 4, createdBy: flows.principalId });
  expect(await flows.api.ok('POST', `/v1/flows/${flowId}:backfill`, body, key)).toEqual(started);
  expect(await flows.api.send('POST', `/v1/flows/${flowId}:backfill`, body)).toMatchObject({
    ...{ status: 409, body: { code: 'FLOW_BACKFILL_RUNNING' } },
  });
  for (const each of end) await each();
  await backfill(flowId, { state: 'SUCCEEDED', total: 4, started: 3, succeeded: 3, suppressed: 1 });
  const runs = await runsOf(flowId);
  expect(runs.map(({ record }) => (record as Json)['id']).toSorted()).toEqual(ids.slice(0, 3).toSorted());
  expect(runs[0]).toMatchObject({
    cause: { kind: 'MANUAL', principalId: flows.principalId },
    backfillId: started['id'],
  });
  expect(await mostInProgress(flows.api, flowId)).toBeLessThanOrEqual(2);

  const unsupported = await flows.publish(created);
  expect(await flows.api.send('POST', `/v1/flows/${unsupported}:backfill`, body)).toMatchObject({
    ...{ status: 409, body: { code: 'FLOW_TRIGGER_UNSUPPORTED' } },
  });
  expect(await flows.api.send('POST', `/v1/flows/${flowId}:backfill`, { segmentId: randomUUID() })).toMatchObject({
    ...{ status: 404, body: { code: 'SEGMENT_NOT_FOUND' } },
  });
  const blind = await flows.api.withKey({ permissions: ['flows.run', 'customers.read'] });
  expect(await blind.send('POST', `/v1/flows/${flowId}:backfill`, body)).toMatchObject({ status: 403 });
});
