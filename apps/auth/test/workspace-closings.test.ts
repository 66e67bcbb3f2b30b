import { readPrincipalToken } from '@rapport/contracts';
import type { Caller } from '@rapport/platform';
import { queryDatabase } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;

beforeAll(async () => {
  // A service of its own, because the caller is a different process than in other tests.
  auth = await RunningAuth.start({}, 'sync');
});
afterAll(() => auth.stop());

function close({ tenantId }: Caller, caller: Caller) {
  return auth.call('closeWorkspace', { closing: { tenantId, requestTime: undefined } }, caller);
}

function report({ tenantId }: Caller, rows = 0, isComplete = true) {
  return auth.call('reportClosingPass', { tenantId, customersRows: rows, syncRows: 0, isComplete });
}

async function receiptOf({ tenantId }: Caller): Promise<Record<string, unknown> | undefined> {
  const sql = `select complete_time is not null as is_complete, customers_rows::int, auth_rows::int from closed_tenant where id = $1`;
  return (await queryDatabase(auth.urls.ownerUrl, sql, [tenantId]))[0];
}

/** Moves the time of the last found rows back, as if the settle time had passed. */
function settle({ tenantId }: Caller): Promise<unknown> {
  const sql = `update closed_tenant set found_time = found_time - interval '1 hour' where id = $1`;
  return queryDatabase(auth.urls.ownerUrl, sql, [tenantId]);
}

describe('a closed workspace', () => {
  test('has no valid credentials, sign-ins or principals', async () => {
    const admin = await auth.newCaller('closing-soon');
    const { key, id } = await auth.createApiKey(admin);
    const { user } = await auth.newUser(admin);

    await close(admin, admin);

    await expect(auth.authenticate(key)).rejects.toMatchObject({ reason: 'API_KEY_INVALID' });
    for (const principalId of [`apiKey:${id}`, `user:${user.id}`]) {
      const vouching = auth.call('vouchForPrincipal', { tenantId: admin.tenantId, principalId });
      await expect(vouching).rejects.toMatchObject({ reason: 'PRINCIPAL_ENDED' });
    }
    const names = await queryDatabase(auth.urls.ownerUrl, `select from workspace where name = 'closing-soon'`);
    expect(names).toEqual([]);
    await expect(close(admin, admin)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('is listed with a token without permissions, until it is complete', async () => {
    const admin = await auth.newCaller();
    const listed = async () =>
      (await auth.call('listOpenClosings', {})).closings.find(({ tenantId }) => tenantId === admin.tenantId);
    expect(await listed()).toBeUndefined();

    await close(admin, admin);

    const { closingToken = '' } = (await listed()) ?? {};
    expect(readPrincipalToken(closingToken)).toEqual({
      ...{ tenantId: admin.tenantId, principalId: 'service:closing', permissions: [] },
    });
    await settle(admin);
    await report(admin);
    await report(admin);
    expect(await listed()).toBeUndefined();
    await expect(report(admin)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('keeps its rows in auth until passes have found no rows for the settle time', async () => {
    const admin = await auth.newCaller();
    await close(admin, admin);

    await report(admin);
    expect(await receiptOf(admin)).toEqual({ is_complete: false, customers_rows: 0, auth_rows: 0 });
    await settle(admin);
    await report(admin, 7);
    await report(admin);
    expect(await receiptOf(admin)).toEqual({ is_complete: false, customers_rows: 7, auth_rows: 0 });
    await settle(admin);
    await report(admin, 0, false);
    await report(admin);
    expect(await receiptOf(admin)).toMatchObject({ is_complete: false, auth_rows: 0 });
    await settle(admin);
    await report(admin);

    const removed = await receiptOf(admin);
    expect(removed).toMatchObject({ is_complete: false });
    expect(removed?.['auth_rows']).toBeGreaterThan(0);
    await report(admin);
    expect(await receiptOf(admin)).toEqual({ ...removed, is_complete: true });
  });

  test('is closed only with its own id as confirmation', async () => {
    const [admin, other] = [await auth.newCaller(), await auth.newCaller()];

    await expect(close(other, admin)).rejects.toMatchObject({ reason: 'TENANT_ID_DIFFERS' });

    expect(await receiptOf(other)).toBeUndefined();
    await expect(report({ ...other, tenantId: v7() })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
