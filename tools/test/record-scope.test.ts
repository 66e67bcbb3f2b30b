import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';

const platform = await sharedPlatform(inject('platformUrl'));
let admin: string;

beforeAll(async () => {
  admin = (await platform.createTenant('Acme')).apiKey;
}, 120_000);
interface Answer {
  status: number;
  body: unknown;
  text: string;
}

async function send(key: string, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(platform.edgeUrl + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown), text };
}

async function make(key: string, path: string, body: object): Promise<Record<string, string> & { id: string }> {
  const answer = await send(key, 'POST', path, body);
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
  return answer.body as Record<string, string> & { id: string };
}

const permissions = ['customers.read', 'customers.write'];
const makeTeam = (displayName: string) => make(admin, '/v1/teams', { displayName });
const makeKey = async (recordScope: string, teamId: string) =>
  (await make(admin, '/v1/apiKeys', { displayName: recordScope, permissions, recordScope, teamId })).key!;

it('concurrent gets are not joined across scopes', async () => {
  const team = await makeTeam('East');
  const [ann, bob] = [await makeKey('OWN', team.id), await makeKey('OWN', team.id)];
  const create = async (key: string) => (await make(key, '/v1/customers', { kind: 'PERSON', displayName: 'Ada' })).id;
  const ids = { ann: [] as string[], bob: [] as string[] };
  for (let count = 0; count < 10; count += 1) {
    ids.ann.push(await create(ann));
    ids.bob.push(await create(bob));
  }

  const asked = [...ids.ann, ...ids.bob].flatMap((id) => [ann, bob].map((key) => ({ key, id })));
  const statuses = await Promise.all(
    asked.map(async ({ key, id }) => (await send(key, 'GET', `/v1/customers/${id}`)).status),
  );

  const expected = asked.map(({ key, id }) => ((key === ann ? ids.ann : ids.bob).includes(id) ? 200 : 404));
  expect(statuses).toEqual(expected);
}, 60_000);

it('a CSV file has no external id system that only hidden records use', async () => {
  const team = await makeTeam('Centre');
  const key = await makeKey('OWN', team.id);
  const external = (system: string) => ({ kind: 'PERSON', displayName: 'Ada', externalIds: [{ system, value: '1' }] });
  await make(admin, '/v1/customers', external('hidden'));
  await make(key, '/v1/customers', external('erp'));
  const headOf = async (caller: string) => {
    const answer = await fetch(`${platform.edgeUrl}/v1/customers:export?format=CSV`, {
      headers: { authorization: `Bearer ${caller}` },
    });
    return (await answer.text()).split('\n')[0];
  };

  expect(await headOf(admin)).toMatch(/erp.*hidden/);
  expect(await headOf(key)).toMatch(/erp/);
  expect(await headOf(key)).not.toContain('hidden');
});
