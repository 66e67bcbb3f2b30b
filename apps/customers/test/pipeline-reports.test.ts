import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { superuserOf } from './superuser.js';
import { sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;

beforeEach(() => {
  tenant = new SalesTenant(service);
});

const { OPEN, WON, LOST } = StageKind;
const pipelineOf = () =>
  tenant.createPipeline({ stages: [stage('a', OPEN), stage('b', OPEN), stage('won', WON), stage('lost', LOST)] });

/** Sets the durations of stays in a stage, shortest first, since moves of a test take no time. */
async function setDurations(pipelineId: string, key: string, seconds: readonly number[]): Promise<void> {
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query(
    `update stage_entry set duration_seconds = ($3::int[])[place] from (
       select id, row_number() over (order by enter_time, id) as place from stage_entry
       where pipeline_id = $1 and stage = $2 and leave_time is not null
     ) stays where stage_entry.id = stays.id`,
    [pipelineId, key, seconds],
  );
  await superuser.end();
}

test('a report has conversion and time of each stage, win rate and sales cycle', async () => {
  const pipeline = await pipelineOf();
  const paths = [['a', 'b', 'won'], ['a', 'b', 'a', 'won'], ['a', 'lost'], ['a', 'b'], ['b', 'won'], ['a']];
  for (const [first = '', ...others] of paths) {
    const { id } = await tenant.createDeal(pipeline, { stage: first });
    for (const next of others) await tenant.updateDeal(id, { stage: next });
  }
  const { id: deleted } = await tenant.createDeal(pipeline, { stage: 'a' });
  await service.call('deleteDeal', { id: deleted }, tenant.caller);
  await setDurations(pipeline.id, 'a', [10, 20, 30, 40, 1000]);

  const report = await service.call('getPipelineReport', { id: pipeline.id }, tenant.caller);

  expect(report).toMatchObject({
    ...{ pipelineId: pipeline.id, wonCount: 3, lostCount: 1, winRate: '0.7500' },
    stages: [
      {
        ...{ stage: 'a', kind: OPEN, enteredCount: 5, convertedCount: 3, lostCount: 1, conversionRate: '0.6000' },
        ...{ stayCount: 5, medianSeconds: 30, p90Seconds: 1000 },
      },
      { stage: 'b', enteredCount: 4, convertedCount: 3, lostCount: 0, conversionRate: '0.7500', stayCount: 3 },
      { stage: 'won', kind: WON, enteredCount: 3, convertedCount: 0, stayCount: 0, medianSeconds: undefined },
      { stage: 'lost', kind: LOST, enteredCount: 1 },
    ],
  });
  // Of deals that were won at once: it is there, whatever it is.
  expect(report.salesCycleMedianSeconds).toBeGreaterThanOrEqual(0);
});

test('a report counts the deals of a time range and of an owner, as far as the caller can see them', async () => {
  const pipeline = await pipelineOf();
  const own: Caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
  const ownerId = own.principalId.slice('user:'.length);
  await tenant.createDeal(pipeline, { stage: 'a', ownerId });
  await tenant.createDeal(pipeline, { stage: 'a' });
  const entered = async (request: object, caller = tenant.caller) =>
    (await service.call('getPipelineReport', { id: pipeline.id, ...request }, caller)).stages[0]?.enteredCount;
  const now = new Date().toISOString();

  expect(await entered({})).toBe(2);
  expect(await entered({ ownerId })).toBe(1);
  expect(await entered({}, own)).toBe(1);
  expect(await entered({ startTime: new Date(Date.now() + 60_000).toISOString() })).toBe(0);
  expect(await entered({ endTime: '2020-01-01T00:00:00Z' })).toBe(0);
  await expect(entered({ startTime: now, endTime: now })).rejects.toMatchObject({
    violations: [{ field: 'endTime', reason: 'END_BEFORE_START' }],
  });
  await expect(entered({ id: v7() })).rejects.toMatchObject({ reason: 'PIPELINE_NOT_FOUND' });
});
