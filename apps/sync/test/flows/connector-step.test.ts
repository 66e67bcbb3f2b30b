import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { DealsTable } from '../exchange/deals-table.ts';
import { ExchangeTenant } from '../exchange/exchange-tenant.ts';

type Json = Record<string, unknown>;

test('a step connector starts an exchange as the publisher of the flow, and a paused mapping fails it', async () => {
  const tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  const { api } = tenant;
  const table = await DealsTable.create(tenant);
  await table.insert('50 seats', { amount: '12500.50' });
  const mappingId = await table.map(undefined);
  const definition = { trigger: { manual: {} }, steps: [{ key: 'pull', connector: { mappingId } }] };
  const { id } = await api.ok<{ id: string }>('POST', '/v1/flows', {
    key: 'pull_deals',
    name: 'Pull deals',
    definition,
  });
  await api.ok('POST', `/v1/flows/${id}:publish`);

  const run = await ended(`/v1/flows/${id}:run`);
  expect(run).toMatchObject({ state: 'SUCCEEDED' });
  const { steps } = await api.ok<{ steps: { output: { syncRunId: string } }[] }>('GET', `/v1/flowRuns/${run.id}/steps`);
  expect(await tenant.ended(steps[0]?.output.syncRunId ?? '')).toMatchObject({ state: 'SUCCEEDED', mappingId });
  expect(await table.deals()).toMatchObject([{ title: '50 seats' }]);

  await api.ok('PATCH', `/v1/mappings/${mappingId}`, { state: 'PAUSED' });
  expect(await ended(`/v1/flows/${id}:run`)).toMatchObject({ state: 'FAILED', problem: { code: 'MAPPING_DISABLED' } });

  async function ended(path: string): Promise<Json & { id: string }> {
    let current = await api.ok<Json & { id: string }>('POST', path, {});
    await expect
      .poll(
        async () => {
          current = await api.ok('GET', `/v1/flowRuns/${current.id}`);
          return current['state'];
        },
        { timeout: 60_000 },
      )
      .toMatch(/SUCCEEDED|FAILED/);
    return current;
  }
}, 120_000);
