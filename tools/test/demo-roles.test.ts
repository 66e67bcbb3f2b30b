import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import story from '../demo/story.json' with { type: 'json' };
import { ApiClient } from './api-client.ts';
import { ConsoleUser } from './console-user.ts';
import { newPerson } from './people.ts';

const platform = await sharedPlatform(inject('platformUrl'));
const workspace = `kestrel-${crypto.randomUUID().slice(0, 8)}`;
let api: ApiClient;

beforeAll(async () => {
  const { apiKey } = await platform.createTenant('Kestrel', undefined, workspace);
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

/** What the console asks on the home page, My day, the calendar, the inbox and the board. */
const everyDay = [
  ...['/v1/tasks', '/v1/meetings', '/v1/tickets', '/v1/queues', '/v1/ticketStatuses', '/v1/deals', '/v1/pipelines'],
  ...['/v1/customers', '/v1/calendars', '/v1/auditEntries', '/v1/notifications', '/v1/approvals', '/v1/views'],
];

test.each([
  ['Sales', [...everyDay, '/v1/leads', '/v1/quotes', '/v1/products', '/v1/forecastSubmissions', '/v1/campaigns']],
  ['Support', [...everyDay, '/v1/macros', '/v1/articles', '/v1/slaPolicies', '/v1/surveyResponses']],
])('a user of the demo with the role %s may read what its days are about', async (name, paths) => {
  const role = story.roles.find(({ displayName }) => displayName === name);
  const created = await api.send('POST', '/v1/roles', { body: { ...role } });
  expect(created).toMatchObject({ status: 201 });
  const person = await newPerson(platform, api, [(created.body as { id: string }).id]);
  const user = await ConsoleUser.signIn(platform.edgeUrl, workspace, person);

  const answers = await Promise.all(paths.map(async (path) => [path, (await user.call('GET', path)).status]));

  expect(answers).toEqual(paths.map((path) => [path, 200]));
});
