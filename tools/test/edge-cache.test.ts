import { startPlatform, type Platform, type Tenant } from '@rapport/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let platform: Platform;
let tenant: Tenant;
let database: pg.Client;

beforeAll(async () => {
  platform = await startPlatform();
  tenant = await platform.createTenant('Ada');
  database = new pg.Client({ connectionString: platform.customersDatabase.superuserUrl });
  await database.connect();
}, 120_000);

afterAll(async () => {
  await database.end();
  await platform.stop();
});

interface HttpAnswer {
  status: number;
  body: string;
  cacheStatus: string;
}

async function send(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
  const answer = await fetch(`${platform.edgeUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.text(), cacheStatus: answer.headers.get('cache-status') ?? '' };
}

async function createCustomer(displayName: string): Promise<string> {
  const { body } = await send('POST', '/v1/customers', { kind: 'COMPANY', displayName });
  return (JSON.parse(body) as { id: string }).id;
}

function nameOf({ body }: HttpAnswer): string | undefined {
  return (JSON.parse(body) as { displayName?: string }).displayName;
}

/** Reads until the answer comes from memory: the change log is followed, and what it says of the write is done. */
async function untilKept(path: string): Promise<HttpAnswer> {
  let answer = await send('GET', path);
  await expect
    .poll(async () => (answer = await send('GET', path)).cacheStatus, { timeout: 20_000 })
    .toMatch(/^rapport; hit/);
  return answer;
}

describe('the change log', () => {
  it('ends a kept answer whose record was changed past every edge', { timeout: 60_000 }, async () => {
    const id = await createCustomer('Before');
    const other = await createCustomer('Other');
    await untilKept(`/v1/customers/${id}`);
    await untilKept('/v1/customers');
    await database.query('update customer set display_name = $1 where id = $2', ['After', id]);
    await expect.poll(async () => nameOf(await send('GET', `/v1/customers/${id}`)), { timeout: 10_000 }).toBe('After');
    expect((await send('GET', '/v1/customers')).body).toContain('After');
    await untilKept(`/v1/customers/${other}`);
  });

  it('ends every kept answer when a table was emptied past every edge', { timeout: 60_000 }, async () => {
    const id = await createCustomer('Emptied');
    await untilKept(`/v1/customers/${id}`);
    await database.query('truncate customer cascade');
    await expect.poll(async () => (await send('GET', `/v1/customers/${id}`)).status, { timeout: 10_000 }).toBe(404);
  });

  it('and the service being away leave kept records, marked as stale', { timeout: 60_000 }, async () => {
    const id = await createCustomer('Kept');
    const kept = await untilKept(`/v1/customers/${id}`);
    await platform.services.customers.kill();
    const answers: Awaited<ReturnType<typeof send>>[] = [];
    // For the 3 s of silence after which the log counts as lost (ADR 0016) the answer is fresh, and not marked yet.
    const markedAs = async () => {
      answers.push(await send('GET', `/v1/customers/${id}`));
      return answers.at(-1)?.cacheStatus;
    };
    await expect.poll(markedAs, { timeout: 20_000 }).toMatch(/^rapport; fwd=stale; fwd-status=503; /);
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: kept.body });
    await platform.services.customers.start();
    await untilKept(`/v1/customers/${id}`);
  });
});
