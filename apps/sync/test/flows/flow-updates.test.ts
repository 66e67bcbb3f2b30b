import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

const platform = await sharedPlatform(inject('platformUrl'));

test.each([
  ['', 'TOO_SHORT'],
  [' ', 'REQUIRED'],
])('an update can not take the name of a flow away: "%s"', async (name, code) => {
  const tenant = await WebhookTenant.create(platform);
  const steps = [{ key: 'wait', wait: { seconds: 60 } }];
  const definition = { trigger: { manual: {} }, steps };
  const flow = await tenant.ok<{ id: string }>('POST', '/v1/flows', { key: 'named', name: 'Named', definition });

  const refused = await tenant.send('PATCH', `/v1/flows/${flow.id}`, { name });
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/name', code }] } });
  expect(await tenant.ok('GET', `/v1/flows/${flow.id}`)).toEqual(flow);
});
