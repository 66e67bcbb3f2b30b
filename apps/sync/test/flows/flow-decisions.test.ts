import { randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { FlowTenant } from './flow-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let flows: FlowTenant;
beforeEach(async () => {
  flows = await FlowTenant.create(platform);
});

const customers = (trigger: object = {}, more: object = {}) => ({
  trigger: { record: { type: 'customer', ...trigger } },
  ...more,
});

/** The number of changes about which a flow has decided. */
async function decided(flowId: string): Promise<number> {
  const counts = await flows.counts(flowId);
  return counts.reduce((sum, { started, suppressed, notMatched }) => sum + started + suppressed + notMatched, 0);
}

test('each change is decided once for each version, with the reason why it starts no run', async () => {
  const created = await flows.publish(customers({ operations: ['CREATE'] }));
  const titled = await flows.publish(customers({ operations: ['UPDATE'], changedFields: ['jobTitle'] }));
  const became = await flows.publish(customers({ filter: 'tags:vip', beforeFilter: 'NOT tags:vip' }));
  const rich = await flows.publish(customers({}, { condition: "has(record.jobTitle) && record.jobTitle == 'CFO'" }));
  const deals = await flows.publish({ trigger: { record: { type: 'deal' } } });

  const id = await flows.api.createCustomer('Ada');
  await flows.api.updateCustomer(id, { jobTitle: 'CFO' });
  await flows.api.updateCustomer(id, { tags: ['vip'] });
  await expect.poll(() => decided(deals)).toBe(3);

  const started = async (flowId: string) => (await flows.decisions(flowId)).map(({ changeId }) => changeId);
  const { changes } = await flows.changes();
  const [creation, titling, tagging] = changes.map((change) => change.id);
  expect(await started(created)).toEqual([creation]);
  expect(await started(titled)).toEqual([titling]);
  expect(await started(became)).toEqual([tagging]);
  expect(await started(rich)).toEqual([titling, tagging]);
  expect(await flows.counts(deals)).toEqual([{ version: 1, started: 0, suppressed: 0, notMatched: 3 }]);
  const reasons = async (changeId = '') =>
    Object.fromEntries((await flows.explain(changeId)).map((each) => [each.flowId, each.reason ?? each.outcome]));
  expect(await reasons(creation)).toEqual({
    ...{ [created]: 'STARTED', [titled]: 'OPERATION', [became]: 'FILTER', [rich]: 'CONDITION', [deals]: 'TYPE' },
  });
  expect(await reasons(tagging)).toEqual({
    ...{ [created]: 'OPERATION', [titled]: 'FIELDS', [became]: 'STARTED', [rich]: 'STARTED', [deals]: 'TYPE' },
  });
});

test('a paused flow decides that it starts nothing, and one that is not active decides nothing', async () => {
  const [paused, active] = [await flows.publish(customers()), await flows.publish(customers())];
  await flows.setState(paused, 'PAUSED');
  await flows.api.createCustomer('Ada');
  await expect.poll(() => decided(active)).toBe(1);
  await flows.setState(paused, 'RETIRED');
  await flows.api.createCustomer('Bob');
  await expect.poll(() => decided(active)).toBe(2);

  expect(await flows.decisions(paused)).toMatchObject([{ outcome: 'SUPPRESSED', reason: 'PAUSED' }]);
  expect(await flows.counts(paused)).toEqual([{ version: 1, started: 0, suppressed: 1, notMatched: 0 }]);
});

test('the limit of runs for a record suppresses further ones', async () => {
  const flowId = await flows.publish(customers({}, { limits: { runsPerRecord: 1 } }));
  const id = await flows.api.createCustomer('Ada');
  await flows.api.updateCustomer(id, { jobTitle: 'CFO' });
  await expect.poll(() => decided(flowId)).toBe(2);

  expect(await flows.decisions(flowId)).toMatchObject([
    { outcome: 'STARTED', record: { type: 'customer', id } },
    { outcome: 'SUPPRESSED', reason: 'RECORD_LIMIT' },
  ]);
});

test('explain knows no change of another tenant', async () => {
  const flowId = await flows.publish(customers());
  await flows.api.createCustomer('Ada');
  await expect.poll(() => decided(flowId)).toBe(1);
  const [{ id } = { id: '' }] = (await flows.changes()).changes;
  const other = await FlowTenant.create(platform);

  for (const changeId of [id, randomUUID()]) {
    const answer = await other.api.send('GET', `/v1/flowDecisions:explain?changeId=${changeId}`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'CHANGE_NOT_FOUND' } });
  }
});
