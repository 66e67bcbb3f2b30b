import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { FlowTenant } from './flow-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));

/** A flow that writes one field of a customer when another one has changed. */
const writer = (from: string, to: string) => ({
  trigger: { record: { type: 'customer', operations: ['UPDATE'], changedFields: [from] } },
  steps: [
    { key: 'write', update: { type: 'customer', id: 'record.id', fields: [{ field: to, value: 'string(now)' }] } },
  ],
});

/** Waits until each run has ended, and each change of the log is decided. */
async function settled(flows: FlowTenant): Promise<void> {
  const open = async () => {
    const [row] = await flows.api.query<{ open: number; decided: number }>(
      `select (select count(*)::int from flow_run where tenant_id = $1 and end_time is null) as open,
         coalesce((select last_number::int from flow_change_number where tenant_id = $1), 0) as decided`,
      [flows.tenantId],
    );
    const { changes } = await flows.changes();
    return [row?.open, changes.length - (row?.decided ?? 0)];
  };
  await expect.poll(open, { timeout: 60_000, interval: 200 }).toEqual([0, 0]);
}

test('flows that cause each other end, the reason has the path, and another flow goes on', async () => {
  const flows = await FlowTenant.create(platform);
  const [a, b] = [await flows.publish(writer('jobTitle', 'source')), await flows.publish(writer('source', 'jobTitle'))];
  const id = await flows.api.createCustomer('Ada');
  await flows.api.updateCustomer(id, { jobTitle: 'CFO' });
  await settled(flows);
  await expect.poll(() => flows.decisions(a)).toHaveLength(2);

  const outcomes = async (flowId: string) =>
    (await flows.decisions(flowId)).map(({ outcome, reason }) => reason ?? outcome);
  expect(await outcomes(a)).toEqual(['STARTED', 'LOOP']);
  expect(await outcomes(b)).toEqual(['STARTED']);
  expect((await flows.decisions(a)).at(-1)?.explanation).toBe(
    `flows/${a} (${id}) → flows/${b} (${id}) → flows/${a} (${id})`,
  );
});

test('a loop over the address of a flow ends, and the reason has the path', async () => {
  const flows = await FlowTenant.create(platform);
  const value = 'string(now)';
  const write = { type: 'customer', id: 'input.body.id', fields: [{ field: 'jobTitle', value }] };
  const hooked = await flows.publish({ trigger: { webhook: {} }, steps: [{ key: 'write', update: write }] });
  const { token } = await flows.api.ok<{ token: string }>('POST', `/v1/flows/${hooked}:rotateHook`);
  const call = { url: `'${platform.edgeUrl}/v1/flowHooks/${token}'`, body: '{"id": record.id}' };
  const calling = await flows.publish({ ...writer('jobTitle', 'source'), steps: [{ key: 'call', http: call }] });
  const id = await flows.api.createCustomer('Ada');
  await flows.api.updateCustomer(id, { jobTitle: 'CFO' });
  await expect.poll(() => flows.decisions(calling), { timeout: 20_000 }).toHaveLength(2);
  await settled(flows);

  expect(await flows.decisions(calling)).toMatchObject([
    { outcome: 'STARTED' },
    {
      ...{ outcome: 'SUPPRESSED', reason: 'LOOP' },
      explanation: `flows/${calling} (${id}) → flows/${hooked} → flows/${calling} (${id})`,
    },
  ]);
});

test('a run causes a bounded number of runs in all, and the reason has the path', async () => {
  const flows = await FlowTenant.create(platform);
  const write = writer('jobTitle', 'source');
  const go = { key: 'go', listen: { events: [{ key: 'go', signal: 'go', correlation: 'record.id' }] } };
  const a = await flows.publish({ ...write, steps: [go, ...write.steps] });
  const b = await flows.publish(writer('source', 'familyName'));
  const id = await flows.api.createCustomer('Ada');
  await flows.api.updateCustomer(id, { jobTitle: 'CFO' });
  const roots = () =>
    flows.api.query<{ id: string }>(
      `select id from flow_run where tenant_id = $1 and flow_id = $2 and state = 'WAITING'`,
      [flows.tenantId, a],
    );
  await expect.poll(roots, { timeout: 20_000 }).toHaveLength(1);
  const [root] = await roots();
  // As if they had been started by changes of the run.
  await flows.api.query(
    `insert into flow_run select (jsonb_populate_record(root, jsonb_build_object('id', gen_random_uuid(),
         'root_run_id', root.id, 'state', 'SUCCEEDED', 'end_time', now()))).*
       from flow_run root, generate_series(1, 1000) where root.tenant_id = $1 and root.id = $2`,
    [flows.tenantId, root?.id],
  );

  await flows.api.ok('POST', '/v1/flowSignals', { name: 'go', correlation: id });
  await settled(flows);

  expect(await flows.decisions(b)).toMatchObject([
    {
      ...{ outcome: 'SUPPRESSED', reason: 'CHAIN_LIMIT' },
      explanation: `The first run has caused 1000 runs: flows/${a} (${id}) → flows/${b} (${id})`,
    },
  ]);
});
