import { queryDatabase, sharedPlatform } from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import type { Answer } from './open-api.ts';
import { untilKept } from './until-kept.ts';

it('a kept answer whose record was changed past every edge ends with the change log', async () => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Kept');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const create = async (displayName: string) => {
    const { body } = await api.send('POST', '/v1/customers', { body: { kind: 'COMPANY', displayName } });
    return (body as { id: string }).id;
  };
  const [id, other] = [await create('Before'), await create('Other')];
  await untilKept(api, `/v1/customers/${id}`);
  await untilKept(api, '/v1/customers');

  await queryDatabase(
    platform.customersDatabase.superuserUrl,
    `update customer set display_name = 'After' where id = $1`,
    [id],
  );

  const nameOf = ({ body }: Answer) => (body as { displayName: string }).displayName;
  await expect
    .poll(async () => nameOf(await api.send('GET', `/v1/customers/${id}`)), { timeout: 60_000 })
    .toBe('After');
  expect(JSON.stringify((await api.send('GET', '/v1/customers')).body)).toContain('After');
  await untilKept(api, `/v1/customers/${other}`);
});
