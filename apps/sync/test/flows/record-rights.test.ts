import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import type { WebhookTenant } from '../sync-platform.ts';
import { FlowTenant } from './flow-tenant.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
const permissions = ['flows.read', 'customers.read'];
let flows: FlowTenant;
let api: WebhookTenant;
let reader: WebhookTenant;
/** Callers that cannot read the customers of the tenant. */
let others: WebhookTenant[];
let customerId: string;

beforeEach(async () => {
  flows = await FlowTenant.create(platform);
  ({ api } = flows);
  customerId = await api.createCustomer('Ada');
  reader = await api.withKey({ permissions });
  others = [
    await api.withKey({ permissions, recordScope: 'OWN' }),
    await api.withKey({ permissions: permissions.slice(0, 1) }),
  ];
});

/** Creates and publishes a flow. */
async function publish(definition: object): Promise<string> {
  const { id } = await api.ok<{ id: string }>('POST', '/v1/flows', {
    ...{ key: 'visit', name: 'Visit' },
    definition: { steps: [{ key: 'pause', wait: { seconds: 3600 } }], ...definition },
  });
  await api.ok('POST', `/v1/flows/${id}:publish`);
  return id;
}

async function listed(by: WebhookTenant, collection: string, query = ''): Promise<Json[]> {
  return (await by.ok<Record<string, Json[]>>('GET', `/v1/${collection}${query}`))[collection] ?? [];
}

test('a run names its record to callers that can read the record', async () => {
  const flowId = await publish({ trigger: { manual: { type: 'customer' } } });
  const { id } = await api.ok<{ id: string }>('POST', `/v1/flows/${flowId}:run`, { recordId: customerId });

  const record = { type: 'customer', id: customerId };
  expect(await listed(reader, 'flowRuns', `?recordId=${customerId}`)).toMatchObject([{ id, record }]);
  for (const other of others) {
    const [run] = await listed(other, 'flowRuns');
    expect(run).toMatchObject({ id, flowId });
    expect(run).not.toHaveProperty('record');
    expect(await other.ok('GET', `/v1/flowRuns/${id}`)).not.toHaveProperty('record');
    expect(await listed(other, 'flowRuns', `?recordId=${customerId}`)).toEqual([]);
  }
});

test('a decision names the changed record to callers that can read the record', async () => {
  const flowId = await flows.publish({ trigger: { record: { type: 'customer' } } });
  const unmatched = await flows.publish({ trigger: { record: { type: 'deal' } } });
  await api.updateCustomer(customerId, { jobTitle: 'CFO' });
  await expect.poll(() => listed(reader, 'flowDecisions', `?flowId=${flowId}`)).not.toEqual([]);
  const [decision] = await listed(reader, 'flowDecisions', `?flowId=${flowId}`);
  const explained = async (by: WebhookTenant) =>
    (
      await by.ok<{ flowDecisions: Json[] }>(
        'GET',
        `/v1/flowDecisions:explain?changeId=${String(decision?.['changeId'])}`,
      )
    ).flowDecisions;

  const record = { type: 'customer', id: customerId };
  expect(decision).toMatchObject({ record });
  expect(await explained(reader)).toMatchObject([{ record }, { record }]);
  for (const other of others) {
    const decisions = [...(await listed(other, 'flowDecisions')), ...(await explained(other))];
    expect(decisions.map((each) => each['flowId'])).toEqual(expect.arrayContaining([flowId, unmatched]));
    for (const each of decisions) expect(each).not.toHaveProperty('record');
  }
});

test('an enrollment names its customer to callers that can read the customer', async () => {
  const flowId = await publish({ kind: 'JOURNEY', trigger: { manual: { type: 'customer' } } });
  await api.ok('POST', `/v1/flows/${flowId}:enroll`, { customerIds: [customerId] });
  const [{ id } = {}] = await listed(reader, 'flowEnrollments');

  expect(await listed(reader, 'flowEnrollments', `?customerId=${customerId}`)).toMatchObject([{ id, customerId }]);
  for (const other of others) {
    const [enrollment] = await listed(other, 'flowEnrollments');
    expect(enrollment).toMatchObject({ id, flowId });
    expect(enrollment).not.toHaveProperty('customerId');
    expect(await other.ok('GET', `/v1/flowEnrollments/${String(id)}`)).toEqual(enrollment);
    expect(await listed(other, 'flowEnrollments', `?customerId=${customerId}`)).toEqual([]);
  }
});
