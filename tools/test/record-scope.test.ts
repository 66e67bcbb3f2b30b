import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';

let platform: SharedPlatform;
let admin: string;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
  admin = (await platform.createTenant('Acme')).apiKey;
}, 120_000);
interface Answer {
  status: number;
  body: unknown;
  text: string;
  isKept: boolean;
}

async function send(key: string, method: string, path: string, body?: object, edge = 0): Promise<Answer> {
  const answer = await fetch(`${platform.edgeUrls[edge]}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isKept = answer.headers.get('cache-status')?.startsWith('rapport; hit') ?? false;
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown), text, isKept };
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

/** Reads until the answer is a kept one, at one edge. */
async function untilKept(key: string, path: string, edge: number): Promise<Answer> {
  let answer = await send(key, 'GET', path, undefined, edge);
  await expect
    .poll(async () => (answer = await send(key, 'GET', path, undefined, edge)).isKept, { timeout: 20_000 })
    .toBe(true);
  return answer;
}

it('callers with the same permissions and other scopes get nothing of what is kept for each other', async () => {
  const [north, south] = [await makeTeam('North'), await makeTeam('South')];
  const keys = {
    all: await makeKey('ALL', north.id),
    ann: await makeKey('OWN', north.id),
    bob: await makeKey('OWN', north.id),
    bea: await makeKey('TEAM', north.id),
    lea: await makeKey('TEAM', south.id),
  };
  const create = (key: string, displayName: string) => make(key, '/v1/customers', { kind: 'PERSON', displayName });
  const made = {
    all: await create(keys.all, 'All'),
    ann: await create(keys.ann, 'Ann'),
    bob: await create(keys.bob, 'Bob'),
    bea: await create(keys.bea, 'Bea'),
    lea: await create(keys.lea, 'Lea'),
  };
  const seen: Record<keyof typeof keys, (keyof typeof made)[]> = {
    all: ['all', 'ann', 'bea', 'bob', 'lea'],
    ann: ['ann'],
    bob: ['bob'],
    bea: ['ann', 'bea', 'bob'],
    lea: ['lea'],
  };
  const list = '/v1/customers?orderBy=displayName&total=EXACT';

  for (const edge of [0, 1]) {
    for (const round of [1, 2]) {
      for (const [name, key] of Object.entries(keys) as [keyof typeof keys, string][]) {
        const page = round === 1 ? await send(key, 'GET', list, undefined, edge) : await untilKept(key, list, edge);
        const names = (page.body as { customers: { displayName: string }[] }).customers.map((each) =>
          each.displayName.toLowerCase(),
        );
        expect([name, names]).toEqual([name, seen[name]]);
        expect(page.body).toMatchObject({ totalSize: seen[name].length });
        for (const [owner, { id }] of Object.entries(made) as [keyof typeof made, { id: string }][]) {
          const { status } = await send(key, 'GET', `/v1/customers/${id}`, undefined, edge);
          expect([name, owner, status]).toEqual([name, owner, seen[name].includes(owner) ? 200 : 404]);
        }
      }
    }
  }
}, 120_000);

it('gets that come at once are not answered together across scopes', async () => {
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

it('a record that is handed over leaves one caller and comes to the other, kept answers or not', async () => {
  const team = await makeTeam('West');
  const [ann, bea] = [await makeKey('OWN', team.id), await makeKey('TEAM', team.id)];
  const { id, ownerTeamId } = await make(ann, '/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  const path = `/v1/customers/${id}`;
  const listOf = async (key: string) => (await send(key, 'GET', '/v1/customers')).text.includes(id);
  await untilKept(ann, path, 0);
  await untilKept(ann, '/v1/customers', 0);

  const refused = await send(ann, 'PATCH', path, { ownerId: null });
  const handed = await send(bea, 'PATCH', path, { ownerId: null });

  expect(ownerTeamId).toBe(team.id);
  expect(refused).toMatchObject({
    status: 403,
    body: { code: 'OWNER_OUT_OF_SCOPE', errors: [{ in: 'body', pointer: '/ownerId', code: 'OWNER_OUT_OF_SCOPE' }] },
  });
  expect(handed.status).toBe(200);
  expect([(await send(ann, 'GET', path)).status, await listOf(ann)]).toEqual([404, false]);
  expect([(await send(bea, 'GET', path)).status, await listOf(bea)]).toEqual([200, true]);
});

it('a file in CSV names no system of external ids that only others have', async () => {
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
