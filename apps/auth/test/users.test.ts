import { User_State } from '@rapport/contracts/rapport/auth/v1/users_service';
import { Team } from '@rapport/contracts/rapport/auth/v1/teams_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { password, RunningAuth } from './running-auth.js';

let auth: RunningAuth;
let admin: Caller;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});
beforeEach(async () => {
  admin = await auth.newCaller();
});

const team = (displayName: string) =>
  auth.call('createTeam', { team: { ...Team.decode(new Uint8Array()), displayName } }, admin);
const accept = (token: string, chosen = password) =>
  auth.call('acceptInvitation', { acceptance: { token, password: chosen, displayName: undefined } });
const wrongToken = { code: 'INVALID_ARGUMENT', violations: [{ field: 'acceptance.token', reason: 'TOKEN_INVALID' }] };

describe('an invitation', () => {
  test('arrives by mail and makes an account of which the password is stored as a hash only', async () => {
    const invited = await auth.invite(admin, { email: 'Ada@Example.com', displayName: 'Ada Lovelace' });
    const accepted = await accept(await auth.mails.tokenTo('ada@example.com'));

    expect(invited).toMatchObject({ email: 'ada@example.com', state: User_State.INVITED, etag: '"1"' });
    expect(accepted).toMatchObject({ id: invited.id, state: User_State.ACTIVE, etag: '"2"' });
    const [mail] = await auth.mails.to('ada@example.com');
    expect(mail).toContain('https://crm.example.com/oauth/invitation?token');
    const [row] = await auth.rowsOf(admin, 'select password_hash from user_account where tenant_id = $1');
    expect(row).toMatchObject({ password_hash: expect.stringMatching(/^\$argon2id\$/) as string });
  });

  test('is good once', async () => {
    const { email } = await auth.invite(admin);
    const token = await auth.mails.tokenTo(email);
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => accept(token)));

    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(accept(token)).rejects.toMatchObject(wrongToken);
  });

  test('is no longer good when a newer one was sent, or after a week', async () => {
    const { id, email } = await auth.invite(admin);
    const first = await auth.mails.tokenTo(email);
    await auth.call('resendInvitation', { id }, admin);
    const second = await auth.mails.tokenTo(email);

    await expect(accept(first)).rejects.toMatchObject(wrongToken);
    await auth.rowsOf(admin, 'update one_time_token set expire_time = now() where tenant_id = $1');
    await expect(accept(second)).rejects.toMatchObject(wrongToken);
  });

  test('is no longer good after its user was disabled, also if they are invited again', async () => {
    const { id, email } = await auth.invite(admin);
    const token = await auth.mails.tokenTo(email);
    await auth.updateUser(admin, id, { state: User_State.DISABLED });
    await auth.updateUser(admin, id, { state: User_State.INVITED });

    await expect(accept(token)).rejects.toMatchObject(wrongToken);
    await auth.call('resendInvitation', { id }, admin);
    expect(await accept(await auth.mails.tokenTo(email))).toMatchObject({ id, state: User_State.ACTIVE });
  });

  test('is known to nobody who reads the database', async () => {
    const { email } = await auth.invite(admin);
    const token = await auth.mails.tokenTo(email);

    const rows = await auth.rowsOf(admin, 'select t.*::text as row, hash from one_time_token t where tenant_id = $1');

    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token.slice(22));
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(token, 'base64url').subarray(16).toString('hex'));
  });

  test('is refused for a token that never was', async () => {
    await expect(accept('A'.repeat(64))).rejects.toMatchObject(wrongToken);
  });

  test('refuses a common password, and stays valid', async () => {
    const { email } = await auth.invite(admin);
    const token = await auth.mails.tokenTo(email);

    await expect(accept(token, 'qwertyuiop')).rejects.toMatchObject({
      violations: [{ field: 'acceptance.password', reason: 'PASSWORD_COMMON' }],
    });
    await expect(accept(token, email)).rejects.toMatchObject({ violations: [{ reason: 'PASSWORD_GUESSABLE' }] });
    await expect(accept(token, 'seven77')).rejects.toMatchObject({ violations: [{ reason: 'TOO_SHORT' }] });
    await accept(token);
  });

  test('goes to an address once, whatever its case', async () => {
    await auth.invite(admin, { email: 'ada@example.com' });

    await expect(auth.invite(admin, { email: 'ADA@example.com' })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      violations: [{ field: 'user.email', reason: 'TAKEN' }],
    });
    await auth.invite(await auth.newCaller(), { email: 'ada@example.com' });
  });

  test('names roles and a team that do not exist', async () => {
    await expect(auth.invite(admin, { roleIds: ['member', v7()], teamId: v7() })).rejects.toMatchObject({
      violations: [
        { field: 'user.roleIds[1]', reason: 'ROLE_UNKNOWN' },
        { field: 'user.teamId', reason: 'TEAM_UNKNOWN' },
      ],
    });
  });
});

describe('the rights of a user', () => {
  test('are those of the roles, and change with them at once', async () => {
    const { id: teamId } = await team('North');
    const { user, caller } = await auth.newUser(admin, { roleIds: ['member'], teamId });
    await auth.updateUser(admin, user.id, { roleIds: ['read-only'] });
    const after = await auth.callerOfUser(admin, user.id);

    expect(caller).toMatchObject({ recordScope: 'TEAM', teamIds: [teamId], hidesPii: false });
    expect(caller.permissions).toEqual(expect.arrayContaining(['account.write', 'customers.write']));
    expect(after.permissions).not.toContain('customers.write');
  });

  test('are none while the user is invited or disabled', async () => {
    const invited = await auth.invite(admin);
    const { user } = await auth.newUser(admin);
    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });

    for (const { id } of [invited, user]) {
      await expect(auth.callerOfUser(admin, id)).rejects.toThrow('not active');
    }
  });
});

describe('UpdateUser', () => {
  test('disables a user and enables it again', async () => {
    const { user } = await auth.newUser(admin);
    const disabled = await auth.updateUser(admin, user.id, { state: User_State.DISABLED }, user.etag);
    const enabled = await auth.updateUser(admin, user.id, { state: User_State.ACTIVE });

    expect([disabled.state, enabled.state]).toEqual([User_State.DISABLED, User_State.ACTIVE]);
    const [row] = await auth.rowsOf(admin, 'select session_epoch from user_account where tenant_id = $1');
    expect(row).toEqual({ session_epoch: 1 });
  });

  test('does not activate a user without a password', async () => {
    const { id } = await auth.invite(admin);

    await expect(auth.updateUser(admin, id, { state: User_State.ACTIVE })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'INVITATION_OPEN',
    });
  });

  test('cannot change an e-mail address, or a user of another tenant', async () => {
    const { id } = await auth.invite(admin);
    const stranger = await auth.newCaller();

    await expect(auth.updateUser(admin, id, { email: 'new@example.com' })).rejects.toMatchObject({
      violations: [{ field: 'user.email', reason: 'IMMUTABLE' }],
    });
    await expect(auth.updateUser(stranger, id, { displayName: 'Eve' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'USER_NOT_FOUND',
    });
  });
});

describe('the last admin', () => {
  test('cannot be disabled or deleted, or lose the role', async () => {
    const { user } = await auth.newUser(admin, { roleIds: ['admin'] });
    const refusal = { code: 'FAILED_PRECONDITION', reason: 'LAST_ADMIN' };

    await expect(auth.updateUser(admin, user.id, { state: User_State.DISABLED })).rejects.toMatchObject(refusal);
    await expect(auth.updateUser(admin, user.id, { roleIds: ['member'] })).rejects.toMatchObject(refusal);
    await expect(auth.call('deleteUser', { id: user.id }, admin)).rejects.toMatchObject(refusal);
  });

  test('remains when all admins are removed concurrently', async () => {
    const admins = [];
    for (let count = 0; count < 4; count += 1) admins.push(await auth.newUser(admin, { roleIds: ['admin'] }));

    const going = await Promise.allSettled(admins.map(({ user }) => auth.call('deleteUser', { id: user.id }, admin)));

    expect(going.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  });
});

describe('a caller with fewer rights', () => {
  test('cannot grant a role with more rights, or change users who have one', async () => {
    const { user: manager } = await auth.newUser(admin, { roleIds: ['manager'] });
    const weak = { ...admin, permissions: ['users.read', 'users.write', 'customers.read', 'tenant.read'] };

    await expect(auth.invite(weak, { roleIds: ['admin'] })).rejects.toMatchObject({ reason: 'PERMISSION_NOT_HELD' });
    for (const attempt of [
      () => auth.updateUser(weak, manager.id, { displayName: 'Eve' }),
      () => auth.updateUser(weak, manager.id, { roleIds: ['read-only'] }),
      () => auth.call('deleteUser', { id: manager.id }, weak),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'PERMISSION_NOT_HELD' });
    }
  });
});

describe('users and teams', () => {
  test('are listed page by page, newest first', async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.push((await auth.invite(admin)).id);

    const first = await auth.call('listUsers', { pageSize: 3 }, admin);
    const second = await auth.call('listUsers', { pageSize: 3, pageToken: first.nextPageToken }, admin);

    expect([...first.users, ...second.users].map(({ id }) => id)).toEqual(made.toReversed());
    expect(second.nextPageToken).toBeUndefined();
  });

  test('are deleted permanently', async () => {
    const { user } = await auth.newUser(admin);
    await auth.call('deleteUser', { id: user.id }, admin);

    await expect(auth.call('getUser', { id: user.id }, admin)).rejects.toMatchObject({ reason: 'USER_NOT_FOUND' });
    await auth.invite(admin, { email: user.email });
  });

  test('are not deleted with a stale etag', async () => {
    const [{ user }, { id }] = [await auth.newUser(admin), await team('North')];
    const renamed = { ...Team.decode(new Uint8Array()), displayName: 'South' };
    const stale = { reason: 'ETAG_MISMATCH' };
    const { etag } = await auth.updateUser(admin, user.id, { displayName: 'Ada' });
    await auth.call('updateTeam', { id, team: renamed, updateMask: ['displayName'] }, admin);

    await expect(auth.call('deleteUser', { id: user.id, etag: user.etag }, admin)).rejects.toMatchObject(stale);
    await expect(auth.call('deleteTeam', { id, etag: '"1"' }, admin)).rejects.toMatchObject(stale);
    await auth.call('deleteUser', { id: user.id, etag }, admin);
    await auth.call('deleteTeam', { id, etag: '"2"' }, admin);
  });

  test('cannot delete a team that has users', async () => {
    const { id: teamId, etag } = await team('North');
    const { id } = await auth.invite(admin, { teamId });
    const renamed = { ...Team.decode(new Uint8Array()), displayName: 'South' };
    await auth.call('updateTeam', { id: teamId, team: renamed, updateMask: ['displayName'], etag }, admin);

    await expect(auth.call('deleteTeam', { id: teamId }, admin)).rejects.toMatchObject({ reason: 'TEAM_IN_USE' });
    await auth.updateUser(admin, id, { teamId: undefined });
    await auth.call('deleteTeam', { id: teamId }, admin);
    expect((await auth.call('listTeams', {}, admin)).teams).toEqual([]);
  });
});
