import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { AuditHead, AuditVerification } from '@rapport/contracts/rapport/api/v1/audit';
import {
  SecurityEventsServiceService as Methods,
  type ListSecurityEventHeadsResponse,
  type ListSecurityEventsRequest,
  type ListSecurityEventsResponse,
} from '@rapport/contracts/rapport/auth/v1/security_events_service';
import { Role } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { AuditKeys, createOrm, tenantSession } from '@rapport/persistence';
import type { Caller, CallClient } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { generateApiKey } from '../src/api-keys/api-key-text.js';
import { entities } from '../src/storage/database.js';
import { recordSecurityEvent } from '../src/security-events/security-event.js';
import { openSession } from '../src/sign-in/sessions.js';
import { password, RunningAuth } from './running-auth.js';

const client: CallClient = { address: '203.0.113.9', userAgent: 'curl/8.5' };

let auth: RunningAuth;
let superuser: pg.Client;

beforeAll(async () => {
  auth = await RunningAuth.shared();
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(auth.urls.ownerUrl).pathname;
  superuser = new pg.Client(url.href);
  await superuser.connect();
});
afterAll(async () => {
  await superuser.end();
});

function options(caller: Caller | undefined) {
  return {
    context: { requestId: v7(), principalToken: caller && auth.principalToken(caller), client },
    deadlineMs: 20_000,
  };
}

async function call<Answer>(path: string, request: object, caller?: Caller): Promise<Answer> {
  return (await auth.contract.unary(path, request, options(caller))) as Answer;
}

function eventsOf(caller: Caller, filter: Partial<ListSecurityEventsRequest> = {}) {
  return call<ListSecurityEventsResponse>(Methods.listSecurityEvents.path, filter, caller);
}

function verify(caller: Caller, range = {}): Promise<AuditVerification> {
  return call(Methods.verifySecurityEvents.path, { range }, caller);
}

/** Refusals are recorded in the background. */
async function eventuallyEventsOf(caller: Caller, kind: string, count: number) {
  return expect
    .poll(async () => (await eventsOf(caller, { kind, pageSize: 200 })).entries, { timeout: 10_000 })
    .toHaveLength(count);
}

describe('a security event has actor, kind and client', () => {
  test('of a created and of a revoked key, once each', async () => {
    const caller = await auth.newCaller();
    const { id } = await auth.createApiKey(caller);
    await call('/rapport.auth.v1.AuthService/RevokeApiKey', { id }, caller);
    await call('/rapport.auth.v1.AuthService/RevokeApiKey', { id }, caller);

    const { entries } = await eventsOf(caller, { record: `apiKey/${id}` });

    expect(entries).toMatchObject([
      {
        kind: 'API_KEY_REVOKED',
        actor: caller.principalId,
        detail: { outcome: 'SUCCESS', address: client.address, userAgent: client.userAgent },
      },
      { kind: 'API_KEY_CREATED', actor: caller.principalId, detail: { permissions: ['customers.read'] } },
    ]);
    expect((await eventsOf(caller, { actor: 'operator:test' })).entries).toMatchObject([
      { number: 1, kind: 'API_KEY_CREATED' },
    ]);
  });

  test('of a refused key', async () => {
    const caller = await auth.newCaller();
    const wrong = call('/rapport.auth.v1.AuthService/AuthenticateApiKey', { key: generateApiKey(caller.tenantId) });

    await expect(wrong).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });

    await eventuallyEventsOf(caller, 'AUTHENTICATION_FAILED', 1);
    expect((await eventsOf(caller)).entries[0]).toMatchObject({
      actor: 'anonymous',
      detail: { outcome: 'DENIED', reason: 'API_KEY_INVALID', address: client.address },
    });
  });

  test('of a call that the edge refused', async () => {
    const caller = await auth.newCaller();
    const denial = {
      tenantId: caller.tenantId,
      principalId: 'apiKey:1',
      permission: 'customers.write',
      method: '/rapport.customers.v1.CustomersService/CreateCustomer',
      requestId: 'r-1',
      ...client,
    };

    await call(Methods.recordDenials.path, { denials: [denial] });

    expect((await eventsOf(caller)).entries[0]).toMatchObject({
      kind: 'PERMISSION_DENIED',
      actor: 'apiKey:1',
      requestId: 'r-1',
      detail: { outcome: 'DENIED', permission: 'customers.write', address: client.address },
    });
    await expect(call(Methods.recordDenials.path, { denials: [denial] }, caller)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
  });

  test('of sign-ins and failed sign-ins', async () => {
    const admin = await auth.newCaller();
    const { user } = await auth.newUser(admin);
    const em = auth.emOf(admin.tenantId);
    const credentials = { tenantId: admin.tenantId, email: user.email, address: client.address };
    await expect(auth.signIn.verify(em, { ...credentials, password: 'wrong password' })).rejects.toThrow();
    const expireTime = new Date(Date.now() + 60_000);
    const session = await openSession(em, await auth.signIn.verify(em, { ...credentials, password }), {
      expireTime,
      ...client,
    });

    await eventuallyEventsOf(admin, 'SIGN_IN_FAILED', 1);
    expect((await eventsOf(admin, { kind: 'SIGN_IN_FAILED' })).entries).toMatchObject([
      { actor: 'anonymous', records: [{ name: `user/${user.id}` }], detail: { reason: 'PASSWORD_WRONG' } },
    ]);
    expect((await eventsOf(admin, { record: `session/${session.id}` })).entries).toMatchObject([
      { kind: 'SIGN_IN', actor: `user:${user.id}`, detail: { outcome: 'SUCCESS', ...client } },
    ]);
  });

  test('of changed rights, and of changes to the own account', async () => {
    const admin = await auth.newCaller();
    const { user, caller } = await auth.acceptedUser(admin);
    const change = { currentPassword: password, newPassword: 'plinth walrus dusk' };
    await auth.call('changePassword', { change }, caller);
    await auth.updateUser(admin, user.id, { roleIds: ['manager'] });
    await auth.call('deleteUser', { id: user.id }, admin);

    const { entries } = await eventsOf(admin, { record: `user/${user.id}` });

    expect(entries.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['USER_DELETED', admin.principalId],
      ['USER_CHANGED', admin.principalId],
      ['PASSWORD_CHANGED', caller.principalId],
      ['INVITATION_ACCEPTED', caller.principalId],
      ['USER_INVITED', admin.principalId],
    ]);
    expect(entries[1]?.detail).toMatchObject({ roleIds: ['manager'], state: 'ACTIVE' });
    expect(JSON.stringify(entries)).not.toContain(user.email);
  });

  test('of a created, changed and deleted role', async () => {
    const admin = await auth.newCaller();
    const wanted = { ...Role.decode(new Uint8Array()), displayName: 'Readers', permissions: ['customers.read'] };
    const { id } = await auth.call('createRole', { role: wanted }, admin);
    const role = { ...wanted, permissions: ['customers.read', 'tenant.read'] };
    await auth.call('updateRole', { id, role, updateMask: ['permissions'] }, admin);
    await auth.call('deleteRole', { id }, admin);

    const { entries } = await eventsOf(admin, { record: `role/${id}` });

    expect(entries.map(({ kind }) => kind)).toEqual(['ROLE_DELETED', 'ROLE_CHANGED', 'ROLE_CREATED']);
    expect(entries[1]?.detail).toMatchObject({ permissions: ['customers.read', 'tenant.read'] });
  });

  test('and is visible only in its tenant, with permission to read the audit', async () => {
    const [ours, theirs] = [await auth.newCaller(), await auth.newCaller()];

    expect((await eventsOf(ours)).entries).toHaveLength(1);
    expect((await eventsOf({ ...ours, tenantId: theirs.tenantId })).entries[0]?.hash).not.toBe(
      (await eventsOf(ours)).entries[0]?.hash,
    );
    await expect(eventsOf({ ...ours, permissions: ['customers.read'] })).rejects.toMatchObject({
      reason: 'PERMISSION_MISSING',
    });
  });
});

describe('refusals', () => {
  test('of one tenant are recorded 60 times an hour, so that they do not fill the disk', async () => {
    const caller = await auth.newCaller();
    const key = generateApiKey(caller.tenantId);
    for (let attempt = 0; attempt < 100; attempt += 1) await auth.authenticate(key).catch(() => undefined);

    await eventuallyEventsOf(caller, 'AUTHENTICATION_FAILED', 60);
  });

  test('of an unknown tenant are not recorded', async () => {
    const tenantId = v7();
    const known = await auth.newCaller();
    await auth.authenticate(generateApiKey(tenantId)).catch(() => undefined);
    await auth.authenticate(generateApiKey(known.tenantId)).catch(() => undefined);
    await eventuallyEventsOf(known, 'AUTHENTICATION_FAILED', 1);

    const { rowCount } = await superuser.query('select from audit_chain where tenant_id = $1', [tenantId]);
    expect(rowCount).toBe(0);
  });
});

describe('the chain of security events', () => {
  test('has no forks after 8 parallel writers', async () => {
    const caller = await auth.newCaller();
    const orm = createOrm({ databaseUrl: auth.urls.appUrl, entities });
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let done = 0; done < 25; done += 1) {
          await orm.em.fork({ session: tenantSession(caller.tenantId) }).transactional(async (em) => {
            await recordSecurityEvent(em, { kind: 'EXPORT', outcome: 'SUCCESS', principalId: `writer:${writer}` });
          });
        }
      }),
    );
    await orm.close();

    expect(await verify(caller)).toMatchObject({ isComplete: true, fault: undefined, end: { number: 201 } });
    const { rows } = await superuser.query<{ forks: number }>(
      `select count(*)::int - count(distinct previous_hash)::int as forks from audit_entry where tenant_id = $1`,
      [caller.tenantId],
    );
    expect(rows).toEqual([{ forks: 0 }]);
  });

  test('fails verification against a stored head after its tail is cut', async () => {
    const caller = await auth.newCaller();
    for (let made = 0; made < 4; made += 1) await auth.createApiKey(caller);
    const head = await call<AuditHead>(Methods.signSecurityEventHead.path, {}, caller);
    const { heads, keys } = await call<ListSecurityEventHeadsResponse>(Methods.listSecurityEventHeads.path, {}, caller);
    await superuser.query('delete from audit_head where tenant_id = $1', [caller.tenantId]);
    await superuser.query('delete from audit_entry where tenant_id = $1 and number > 3', [caller.tenantId]);
    await superuser.query(
      `update audit_chain c set number = 3, hash = e.hash from audit_entry e
       where c.tenant_id = $1 and e.tenant_id = $1 and e.number = 3`,
      [caller.tenantId],
    );

    expect(heads).toEqual([head]);
    expect(keys.map(({ keyId }) => keyId)).toEqual([head.keyId]);
    expect((await verify(caller)).fault).toBeUndefined();
    expect((await verify(caller, { head: { number: head.number, hash: head.hash } })).fault).toMatchObject({
      number: 4,
    });
  });

  test('is exported completely, and the export is an event itself', async () => {
    const caller = await auth.newCaller();
    await auth.createApiKey(caller);
    let text = '';
    for await (const body of auth.contract.stream(Methods.exportSecurityEvents.path, {}, options(caller))) {
      text += Buffer.from((body as HttpBody).data).toString();
    }

    const lines = text.split('\n').filter(Boolean);
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual([
      'API_KEY_CREATED',
      'API_KEY_CREATED',
      'EXPORT',
    ]);
  });

  test('is archived for a period, and the archive is verified without the database', async () => {
    const caller = await auth.newCaller();
    await call<AuditHead>(Methods.signSecurityEventHead.path, {}, caller);
    const archive = (...args: string[]) => run('archive-audit', args, { DATABASE_URL: auth.urls.appUrl });
    const { exitCode, text } = await archive('--until', '2999-01-01');
    expect(exitCode).toBe(0);
    const folder = await mkdtemp(join(tmpdir(), 'rapport-archive-'));
    const file = join(folder, 'audit.ndjson');
    const ofCaller = text.split('\n').filter((line) => line.includes(caller.tenantId));
    await writeFile(file, ofCaller.join('\n'));
    const [key] = new AuditKeys('auth', auth.auditSigningKey).publicKeys;
    const verify = () => run('verify-audit', ['--file', file], { AUDIT_RETIRED_KEYS: key?.x ?? '' });
    const line = { tenantId: caller.tenantId, isSound: true, after: 0, entries: 1 };
    expect(await verify()).toMatchObject({ exitCode: 0, lines: [line] });

    await writeFile(file, ofCaller.join('\n').replace('API_KEY_CREATED', 'OTHER'));
    expect(await verify()).toMatchObject({ exitCode: 1, lines: [{ isSound: false, number: 1, reason: 'CHANGED' }] });
    await rm(folder, { recursive: true });
    expect((await archive('--until', 'yesterday')).exitCode).toBe(2);
  });

  test('is verified for all tenants by the operator command, which prints the first invalid event', async () => {
    const [sound, broken] = [await auth.newCaller(), await auth.newCaller()];
    for (const caller of [sound, broken]) await auth.createApiKey(caller);
    const setActor = (actor: string) =>
      superuser.query(`update audit_entry set actor = $2 where tenant_id = $1 and number = 2`, [
        broken.tenantId,
        actor,
      ]);
    await setActor('nobody');
    const { exitCode, lines } = await verifyAll();
    await setActor(broken.principalId);

    expect(exitCode).toBe(1);
    expect(lines).toContainEqual({ tenantId: sound.tenantId, isSound: true, entries: 2 });
    expect(lines).toContainEqual({
      tenantId: broken.tenantId,
      isSound: false,
      entries: 1,
      number: 2,
      reason: 'CHANGED',
    });
  });
});

async function verifyAll(): Promise<{ exitCode: number; lines: unknown[] }> {
  return run('verify-audit', [], { DATABASE_URL: auth.urls.appUrl, AUDIT_SIGNING_KEY: signingKey() });
}

function signingKey(): string {
  return auth.auditSigningKey.toString('base64');
}

/** Runs a built operator's command. */
function run(
  name: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ exitCode: number; lines: unknown[]; text: string }> {
  const command = join(import.meta.dirname, `../dist/${name}.js`);
  const options = { env, maxBuffer: 64 * 1_024 ** 2 };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [command, ...args], options, (_error, text) => {
      const lines = text.split('\n').filter(Boolean);
      resolve({ exitCode: child.exitCode ?? -1, lines: lines.map((line) => JSON.parse(line) as unknown), text });
    });
  });
}
