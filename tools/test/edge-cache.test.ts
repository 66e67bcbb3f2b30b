import { queryDatabase, sharedPlatform } from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { untilKept } from './until-kept.ts';

const pipeline = { name: 'New business', stages: [{ key: 'lead', name: 'Lead', kind: 'OPEN' }] };

it.each([
  ['customers', 'display_name', () => ({ kind: 'COMPANY', displayName: 'Before' })],
  ['deals', 'title', (pipelineId: string) => ({ pipelineId, title: 'Before', stage: 'lead' })],
])('kept answers with %s that were changed past every edge end with the change log', async (plural, column, record) => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Kept');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const create = async (path: string, body: object) =>
    ((await api.send('POST', path, { body })).body as { id: string }).id;
  const pipelineId = await create('/v1/pipelines', pipeline);
  const list = `/v1/${plural}`;
  const [id, other] = [await create(list, record(pipelineId)), await create(list, record(pipelineId))];
  await untilKept(api, `${list}/${id}`);
  await untilKept(api, list);

  await queryDatabase(
    platform.customersDatabase.superuserUrl,
    `update ${plural.slice(0, -1)} set ${column} = 'After' where id = $1`,
    [id],
  );

  const read = async (path: string) => JSON.stringify((await api.send('GET', path)).body);
  await expect.poll(() => read(`${list}/${id}`), { timeout: 60_000 }).toContain('"After"');
  expect(await read(list)).toContain('"After"');
  await untilKept(api, `${list}/${other}`);
});
