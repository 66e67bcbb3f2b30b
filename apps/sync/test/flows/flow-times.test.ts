import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { FlowTenant } from './flow-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let flows: FlowTenant;
beforeEach(async () => {
  flows = await FlowTenant.create(platform);
});

interface Run {
  cause_kind: string;
  cause_time: Date;
  record_id: string | null;
}

const runs = (flowId: string) =>
  flows.api.query<Run>(
    'select cause_kind, cause_time, record_id from flow_run where flow_id = $1 order by cause_time, record_id',
    [flowId],
  );

/** Has the clock of a flow look at once, as if it had last looked at another time. */
async function lookAgain(flowId: string, doneTime?: Date): Promise<void> {
  const found = () => flows.api.query('select from flow_clock where flow_id = $1 and due_time > now()', [flowId]);
  await expect.poll(found).toHaveLength(1);
  await flows.api.query(
    'update flow_clock set due_time = now(), done_time = coalesce($2, done_time) where flow_id = $1',
    [flowId, doneTime ?? null],
  );
  await expect.poll(found).toHaveLength(1);
}

const stepMs = 2 * 3_600_000;
const everyTwoHours = { rule: 'FREQ=DAILY;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22;BYMINUTE=0', zone: 'UTC' };

test('a schedule starts a run at each of its times, also those that came while nothing ran', async () => {
  const schedule = { ...everyTwoHours, startTime: '2026-01-01T00:00:00Z' };
  const flowId = await flows.publish({ trigger: { schedule } });
  const lastMs = Math.floor(Date.now() / stepMs) * stepMs;

  await lookAgain(flowId, new Date(lastMs - 2.5 * stepMs));
  await lookAgain(flowId);

  const times = (await runs(flowId)).map(({ cause_kind: kind, cause_time: time }) => [kind, time.getTime()]);
  expect(times.slice(0, 3)).toEqual([-2, -1, 0].map((steps) => ['SCHEDULE', lastMs + steps * stepMs]));
});

test('a paused schedule lets its times pass', async () => {
  const schedule = { ...everyTwoHours, startTime: '2026-01-01T00:00:00Z' };
  const flowId = await flows.publish({ trigger: { schedule } });
  await flows.setState(flowId, 'PAUSED');

  await lookAgain(flowId, new Date(Date.now() - stepMs));
  await flows.setState(flowId, 'ACTIVE');
  await lookAgain(flowId);

  expect(await runs(flowId)).toEqual([]);
});

test('a run starts when the time of a record comes, and when that time is set to a near one', async () => {
  const field = { key: 'renewal', displayName: 'Renewal', type: 'TIME', recordType: 'customer' };
  await flows.api.ok('POST', '/v1/customFields', field);
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
  const past = await flows.api.createCustomer('Past', { customFields: { renewal: inMs(-3_600_000) } });
  await flows.api.createCustomer('Long past', { customFields: { renewal: inMs(-30 * 3_600_000) } });
  await flows.api.createCustomer('None');
  const trigger = { timeField: { type: 'customer', field: 'customFields.renewal', filter: 'NOT tags:done' } };
  const flowId = await flows.publish({ trigger });
  const records = async () => (await runs(flowId)).map(({ record_id: id }) => id);
  await expect.poll(records).toEqual([past]);

  const near = await flows.api.createCustomer('Near', { customFields: { renewal: inMs(3_000) } });
  await flows.api.createCustomer('Done', { tags: ['done'], customFields: { renewal: inMs(3_000) } });
  await flows.api.createCustomer('Far', { customFields: { renewal: inMs(3_600_000) } });

  await expect.poll(records).toEqual([past, near]);
  await lookAgain(flowId);
  expect(await records()).toEqual([past, near]);
});

test('a date comes at a time of day in the zone of the workspace', async () => {
  await flows.api.ok('POST', '/v1/customFields', {
    ...{ key: 'due', displayName: 'Due', type: 'DATE', recordType: 'customer' },
  });
  await flows.api.ok('PATCH', '/v1/settings', { timeZone: 'Pacific/Kiritimati' });
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Pacific/Kiritimati' }).format();
  const [date, tomorrow] = [today, new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10)];
  const due = await flows.api.createCustomer('Today', { customFields: { due: date } });
  await flows.api.createCustomer('Tomorrow', { customFields: { due: tomorrow } });
  const flowId = await flows.publish({ trigger: { timeField: { type: 'customer', field: 'customFields.due' } } });

  await expect.poll(() => runs(flowId)).toMatchObject([{ record_id: due, cause_kind: 'TIME_FIELD' }]);
  // The island is 14 hours ahead of UTC.
  expect((await runs(flowId))[0]?.cause_time.toISOString()).toBe(
    new Date(Date.parse(`${date}T00:00:00+14:00`)).toISOString(),
  );
});
