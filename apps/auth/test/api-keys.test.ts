import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readPrincipalToken } from '@rapport/contracts';
import { TenantMaker } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateApiKey } from '../src/api-keys/api-key-text.js';
import { callerOf, RunningAuth } from './running-auth.js';

const invalidKey = { code: 'UNAUTHENTICATED', reason: 'API_KEY_INVALID', message: 'The API key is not valid.' };

let auth: RunningAuth;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});

/** Runs the operator command for one tenant. */
async function createTenant(displayName: string, ...more: string[]): Promise<{ tenantId: string; apiKey: string }> {
  const command = [join(import.meta.dirname, '../dist/create-tenant.js'), '--display-name', displayName, ...more];
  const env = { ...process.env, ...auth.operatorEnv };
  const { stdout } = await promisify(execFile)(process.execPath, command, { env });
  return JSON.parse(stdout) as { tenantId: string; apiKey: string };
}

async function sql(statement: string, values: unknown[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: auth.urls.appUrl });
  await client.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [values[0]]);
    const { rows } = await client.query<Record<string, unknown>>(statement, values);
    await client.query('commit');
    return rows;
  } finally {
    await client.end();
  }
}

// Concurrent, because each starts a process, which takes seconds.
describe.concurrent('create-tenant', () => {
  test('creates a tenant with the given plan, which every response contains, and a key with all permissions', async () => {
    const { tenantId, apiKey } = await createTenant('Ünïted Ltd', '--plan', 'large-2');

    const answer = await auth.authenticate(apiKey);

    expect(answer).toMatchObject({ tenantId, plan: 'large-2', expireTime: undefined });
    expect(answer.permissions).toEqual(
      expect.arrayContaining(['apiKeys.read', 'apiKeys.write', 'customers.read', 'customers.write', 'tenant.read']),
    );
    expect(await auth.call('getTenant', {}, callerOf(answer))).toMatchObject({
      id: tenantId,
      displayName: 'Ünïted Ltd',
      plan: 'large-2',
    });
  });

  test('creates one for each line, until a line is invalid', async ({ onTestFinished }) => {
    const lines = new TenantMaker(auth.operatorEnv);
    onTestFinished(() => lines.stop());

    const [one, other] = await Promise.all([lines.create('Ünïted Ltd'), lines.create('Acme', 'large-2')]);

    expect(await auth.authenticate(one.apiKey)).toMatchObject({ tenantId: one.tenantId, plan: 'standard' });
    expect(await auth.authenticate(other.apiKey)).toMatchObject({ tenantId: other.tenantId, plan: 'large-2' });
    await expect(lines.create('Acme', 'Large!')).rejects.toThrow('--plan');
  });

  test('refuses an invalid name of a plan', async () => {
    await expect(createTenant('Acme', '--plan', 'Large!')).rejects.toThrow('--plan');
  });
});

describe('the plan of a tenant', () => {
  test('is "standard" for a tenant of the previous release', async () => {
    const tenantId = v7();

    await sql('insert into tenant (tenant_id, display_name, create_time) values ($1, $2, now())', [tenantId, 'Old']);

    expect(await sql('select plan from tenant where tenant_id = $1', [tenantId])).toEqual([{ plan: 'standard' }]);
  });
});

describe('AuthenticateApiKey', () => {
  test('returns the principal of a new key', async () => {
    const caller = await auth.newCaller();
    const expireTime = new Date(Date.now() + 3_600_000).toISOString();
    const created = await auth.createApiKey(caller, { permissions: ['customers.read', 'customers.read'], expireTime });

    const answer = await auth.authenticate(created.key);

    const { principalToken, ...answered } = answer;
    const named = { tenantId: caller.tenantId, principalId: `apiKey:${created.id}`, permissions: ['customers.read'] };
    expect(answered).toEqual({ ...named, expireTime, plan: 'standard', allowedOrigins: [] });
    expect(readPrincipalToken(principalToken)).toEqual(named);
  });

  test('refuses every invalid key in the same way', async () => {
    const caller = await auth.newCaller();
    const { key } = await auth.createApiKey(caller);
    const attempts = {
      malformed: 'rpt_live_nonsense',
      'wrong checksum': `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`,
      'unknown secret': generateApiKey(caller.tenantId),
      'unknown tenant': generateApiKey(v7()),
    };

    for (const [name, attempt] of Object.entries(attempts)) {
      await expect(auth.authenticate(attempt), name).rejects.toMatchObject(invalidKey);
    }
  });

  test('refuses a revoked key after concurrent revocations', async () => {
    const caller = await auth.newCaller();
    const { id, key } = await auth.createApiKey(caller);

    const first = await auth.call('revokeApiKey', { id }, caller);
    const again = await auth.call('revokeApiKey', { id }, caller);

    expect(first.revokeTime).toBeDefined();
    expect(again).toEqual(first);
    await expect(auth.authenticate(key)).rejects.toMatchObject(invalidKey);
  });

  test('refuses an expired key', async () => {
    const caller = await auth.newCaller();
    const { id, key } = await auth.createApiKey(caller);
    await sql(`update api_key set expire_time = now() where tenant_id = $1 and id = $2`, [caller.tenantId, id]);

    await expect(auth.authenticate(key)).rejects.toMatchObject(invalidKey);
  });
});

describe('CreateApiKey', () => {
  test('returns the key once, and the database does not contain it', async () => {
    const caller = await auth.newCaller();
    const created = await auth.createApiKey(caller);

    const got = await auth.call('getApiKey', { id: created.id }, caller);

    expect(got).toEqual({ ...created, key: undefined });
    expect(created.key.startsWith(got.keyPrefix)).toBe(true);
    const rows = await sql('select t.*::text as row, encode(hash, $2) from api_key t where tenant_id = $1', [
      caller.tenantId,
      'escape',
    ]);
    expect(JSON.stringify(rows)).not.toContain(created.key.slice(9, 50));
  });

  test('refuses a permission that the caller lacks', async () => {
    const maker = await auth.newCaller();
    const { key } = await auth.createApiKey(maker, { permissions: ['apiKeys.write', 'customers.read'] });
    const weaker = callerOf(await auth.authenticate(key));

    const escalation = auth.createApiKey(weaker, { permissions: ['customers.read', 'customers.write'] });

    await expect(escalation).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'PERMISSION_NOT_HELD',
      metadata: { permission: 'customers.write' },
    });
  });

  test('reports each unknown permission, and a time in the past', async () => {
    const caller = await auth.newCaller();

    const attempt = auth.createApiKey(caller, {
      permissions: ['customers.read', 'customers.own'],
      expireTime: '2020-01-01T00:00:00.000Z',
    });

    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [
        { field: 'apiKey.permissions[1]', reason: 'PERMISSION_UNKNOWN' },
        { field: 'apiKey.expireTime', reason: 'IN_PAST' },
      ],
    });
  });
});

describe('another tenant', () => {
  test('gets the same NOT_FOUND for a key of this tenant as for an unknown one', async () => {
    const { id } = await auth.createApiKey(await auth.newCaller());
    const stranger = await auth.newCaller();
    const answerTo = (method: 'getApiKey' | 'rotateApiKey' | 'revokeApiKey', keyId: string) =>
      auth.call(method, { id: keyId }, stranger).then(
        () => 'answered',
        ({ code, reason, message, violations, metadata }: Record<string, unknown>) =>
          JSON.stringify({ code, reason, message, violations, metadata }),
      );

    for (const method of ['getApiKey', 'rotateApiKey', 'revokeApiKey'] as const) {
      const foreign = await answerTo(method, id);
      expect(foreign).toBe(await answerTo(method, v7()));
      expect(foreign).toContain('API_KEY_NOT_FOUND');
    }
  });
});

describe('ListApiKeys', () => {
  test('returns every key of the tenant once, newest first, page by page', async () => {
    const caller = await auth.newCaller();
    await auth.createApiKey(await auth.newCaller());
    const made: string[] = [];
    for (let count = 0; count < 7; count += 1) made.push((await auth.createApiKey(caller)).id);

    const listed: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await auth.call('listApiKeys', { pageSize: 3, pageToken }, caller);
      listed.push(...page.apiKeys.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);

    expect(listed.slice(0, 7)).toEqual(made.toReversed());
    expect(listed).toHaveLength(8); // and the first key of the tenant
    expect(`apiKey:${listed[7]}`).toBe(caller.principalId);
  });

  test('refuses a page token of another tenant', async () => {
    const caller = await auth.newCaller();
    await auth.createApiKey(caller);
    const { nextPageToken } = await auth.call('listApiKeys', { pageSize: 1 }, caller);

    const stolen = auth.call('listApiKeys', { pageToken: nextPageToken }, await auth.newCaller());

    await expect(stolen).rejects.toMatchObject({ violations: [{ field: 'pageToken', reason: 'PAGE_TOKEN_INVALID' }] });
  });
});
