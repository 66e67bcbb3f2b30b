import { randomBytes } from 'node:crypto';
import { readPrincipalToken } from '@rapport/contracts';
import { User_State, type UserStateChange } from '@rapport/contracts/rapport/auth/v1/users_service';
import { runMigrations } from '@rapport/persistence';
import { metrics, type Caller } from '@rapport/platform';
import { provisionDatabase, queryDatabase } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { entities, migrations } from '../src/storage/database.js';
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

/** The URL by which a superuser opens the database of another URL. */
function superuserUrl(url: string): string {
  return Object.assign(new URL(inject('superuserUrl')), { pathname: new URL(url).pathname }).href;
}

describe('the changed state of a user', () => {
  const claimed = async ({ tenantId }: Caller) =>
    (await auth.call('claimUserStates', {})).changes.filter((each) => each.tenantId === tenantId);
  const confirm = (...changes: UserStateChange[]) => auth.call('confirmUserStates', { changes });

  /** Ends the claims of a tenant, as if their time had passed. */
  const endClaims = ({ tenantId }: Caller) => {
    const sql = `update user_state_change set due_time = now() where tenant_id = $1 and due_time is not null`;
    return queryDatabase(auth.urls.ownerUrl, sql, [tenantId]);
  };

  test('is claimed until it is confirmed, and again after each change of it', async () => {
    const admin = await auth.newCaller();
    const { user } = await auth.newUser(admin);
    const { user: other } = await auth.newUser(admin);
    await auth.updateUser(admin, user.id, { displayName: 'Bea' });
    expect(await claimed(admin)).toEqual([]);

    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
    const [disabled, ...others] = await claimed(admin);
    expect([disabled, ...others]).toMatchObject([{ userId: user.id, isInactive: true }]);
    expect(await claimed(admin)).toEqual([]);
    await endClaims(admin);
    expect(await claimed(admin)).toEqual([disabled]);

    await auth.updateUser(admin, user.id, { state: User_State.ACTIVE });
    await confirm(disabled!);
    const [enabled] = await claimed(admin);
    expect(enabled).toMatchObject({ userId: user.id, isInactive: false });
    expect(BigInt(enabled!.position)).toBeGreaterThan(BigInt(disabled!.position));
    await confirm(enabled!);
    await endClaims(admin);
    expect(await claimed(admin)).toEqual([]);

    await auth.call('deleteUser', { id: other.id }, admin);
    expect(await claimed(admin)).toMatchObject([{ userId: other.id, isInactive: true }]);
  });

  test('is measured by its age until it is confirmed, however often it is claimed', async () => {
    const oldest = async () =>
      (await metrics.getSingleMetric('rapport_user_state_oldest_seconds')?.get())?.values[0]?.value;
    const admin = await auth.newCaller();
    const { user } = await auth.newUser(admin);
    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
    const anHourAgo = (Date.now() - 3_600_000) * 1_000;
    const sql = 'update user_state_change set position = $2 where tenant_id = $1';
    await queryDatabase(auth.urls.ownerUrl, sql, [admin.tenantId, anHourAgo]);
    const [change] = await claimed(admin);

    expect(await oldest()).toBeGreaterThanOrEqual(3_600);
    await confirm(change!);
    // States of other tests may be due: they are younger.
    expect(await oldest()).toBeLessThan(3_600);
  });

  test('is not noted by the removal of a closed workspace, which would be reported after its rows in customers are gone', async () => {
    const admin = await auth.newCaller();
    await auth.newUser(admin);
    await close(admin, admin);

    expect(await auth.rowsOf(admin, 'delete from user_account where tenant_id = $1 returning 1')).toHaveLength(1);
    expect(await claimed(admin)).toEqual([]);
  });

  test('is claimed for all users, those deleted too, when a superuser asks for it after a restore', async () => {
    const admin = await auth.newCaller();
    const { user } = await auth.newUser(admin);
    const { user: gone } = await auth.newUser(admin);
    await auth.call('deleteUser', { id: gone.id }, admin);
    const [deleted] = await claimed(admin);
    await confirm(deleted!);

    await queryDatabase(superuserUrl(auth.urls.ownerUrl), 'select report_user_states()');

    const changes: UserStateChange[] = [];
    // The other tests' users are claimed too, as many at a time as a claim has.
    for (let own = await claimed(admin); changes.length < 2; own = await claimed(admin)) changes.push(...own);
    const stateOf = (id: string) => changes.find(({ userId }) => userId === id);
    expect(stateOf(user.id)).toMatchObject({ isInactive: false });
    expect(stateOf(gone.id)).toMatchObject({ isInactive: true });
    expect(BigInt(stateOf(gone.id)!.position)).toBeGreaterThan(BigInt(deleted!.position));
  });

  test('is claimed for users that were disabled or deleted before the release that notes it', async () => {
    const { ownerUrl } = await provisionDatabase(inject('superuserUrl'), `auth_${randomBytes(6).toString('hex')}`);
    const before = migrations.slice(
      0,
      migrations.findIndex(({ name }) => name === 'CreateUserStateChange'),
    );
    await runMigrations({ databaseUrl: ownerUrl, entities, migrations: before });
    const [tenantId, active, disabled, deleted] = [v7(), v7(), v7(), v7()];
    const asSuperuser = (sql: string, ...values: unknown[]) => queryDatabase(superuserUrl(ownerUrl), sql, values);
    await asSuperuser(`insert into tenant (tenant_id, display_name, create_time) values ($1, 'Acme', now())`, tenantId);
    await asSuperuser(
      `insert into user_account (tenant_id, id, email, display_name, state, create_time, update_time)
       select $1, id, id || '@example.com', 'Ada', state, now(), now() from unnest($2::uuid[], $3::text[]) users (id, state)`,
      ...[tenantId, [active, disabled], ['ACTIVE', 'DISABLED']],
    );
    await asSuperuser(
      `insert into audit_entry (tenant_id, number, time, kind, actor, origin, records, operations, versions, detail, previous_hash, hash)
       values ($1, 1, now(), 'USER_DELETED', 'test', 'test', array['user/' || $2::text], '{}', '{}', '{}', '', '')`,
      ...[tenantId, deleted],
    );

    await runMigrations({ databaseUrl: ownerUrl, entities, migrations });

    const noted = await asSuperuser('select user_id, is_inactive from user_state_change where due_time <= now()');
    expect(noted).toHaveLength(2);
    expect(noted).toEqual(
      expect.arrayContaining([disabled, deleted].map((id) => ({ user_id: id, is_inactive: true }))),
    );
  });
});
