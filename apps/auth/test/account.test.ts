import { User_State, type User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSession } from '../src/sign-in/sessions.js';
import { UserAccount } from '../src/storage/user-account.entity.js';
import { password, RunningAuth } from './running-auth.js';

const newPassword = 'plinth walrus dusk';

let auth: RunningAuth;
let workspace: string;
let admin: Caller;
let user: User;
let caller: Caller;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});
beforeEach(async () => {
  workspace = `acme-${v7()}`;
  admin = await auth.newCaller(workspace);
  ({ user, caller } = await auth.newUser(admin));
});

const verify = (chosen: string) =>
  auth.signIn.verify(auth.emOf(admin.tenantId), {
    tenantId: admin.tenantId,
    email: user.email,
    password: chosen,
    address: v7(),
  });
const change = (currentPassword: string, chosen: string, by = caller) =>
  auth.call('changePassword', { change: { currentPassword, newPassword: chosen } }, by);
const open = async (expireTime = new Date(Date.now() + 60_000)) => {
  const em = auth.emOf(admin.tenantId);
  const account = await em.findOneOrFail(UserAccount, { tenantId: admin.tenantId, id: user.id });
  return openSession(em, account, { expireTime, address: '192.0.2.1', userAgent: 'Firefox' });
};
const sessionsOf = async (by: Caller, userId?: string) =>
  (await auth.call('listSessions', { userId }, by)).sessions.map(({ id }) => id);

describe('ChangePassword', () => {
  test('requires the current password, and ends all sessions', async () => {
    await open();
    await change(password, newPassword);

    expect(await verify(newPassword)).toMatchObject({ id: user.id, sessionEpoch: 1 });
    await expect(verify(password)).rejects.toMatchObject({ reason: 'CREDENTIALS_WRONG' });
    expect(await sessionsOf(caller)).toEqual([]);
  });

  test('refuses a wrong current password ten times, then every password', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await expect(change('wrong password', newPassword)).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
        reason: 'PASSWORD_WRONG',
      });
    }

    await expect(change(password, newPassword)).rejects.toMatchObject({ reason: 'TOO_MANY_ATTEMPTS' });
  });

  test('refuses a common new password', async () => {
    await expect(change(password, 'iloveyou')).rejects.toMatchObject({
      violations: [{ field: 'change.newPassword', reason: 'PASSWORD_COMMON' }],
    });
  });

  test('requires a user as caller', async () => {
    await expect(change(password, newPassword, admin)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'USER_NEEDED',
    });
  });
});

describe('a password reset', () => {
  const request = (email: string, name = workspace) =>
    auth.call('requestPasswordReset', { account: { workspace: name, email } });
  const complete = (token: string, chosen = newPassword) =>
    auth.call('resetPassword', { reset: { token, password: chosen } });
  const wrongToken = { violations: [{ field: 'reset.token', reason: 'TOKEN_INVALID' }] };

  /** The first mail is the invitation. */
  async function mailedReset(): Promise<string> {
    await expect.poll(() => auth.mails.to(user.email)).toHaveLength(2);
    return auth.mails.tokenTo(user.email);
  }

  test('sets a new password with the token of the mail, once, and ends all sessions', async () => {
    await open();
    await request(user.email.toUpperCase(), workspace.toUpperCase());
    const token = await mailedReset();

    await expect(complete(token, 'iloveyou')).rejects.toMatchObject({ violations: [{ field: 'reset.password' }] });
    const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => complete(token)));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(complete(token)).rejects.toMatchObject(wrongToken);
    expect(await verify(newPassword)).toMatchObject({ id: user.id, sessionEpoch: 1 });
    expect(await sessionsOf(caller)).toEqual([]);
  });

  test('is void after the password was changed, or the user was disabled', async () => {
    await request(user.email);
    const token = await mailedReset();
    await change(password, newPassword);
    await expect(complete(token, 'walrus dusk plinth')).rejects.toMatchObject(wrongToken);

    await request(user.email);
    await expect.poll(() => auth.mails.to(user.email)).toHaveLength(3);
    const second = await auth.mails.tokenTo(user.email);
    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
    await auth.updateUser(admin, user.id, { state: User_State.ACTIVE });
    await expect(complete(second, 'walrus dusk plinth')).rejects.toMatchObject(wrongToken);
  });

  test('responds alike for unknown accounts and workspaces', async () => {
    const answers = [
      await request(user.email),
      await request('nobody@example.com'),
      await request(user.email, 'nowhere'),
    ];

    expect(answers).toEqual([{}, {}, {}]);
    expect(await auth.mails.to('nobody@example.com')).toEqual([]);
  });

  test('sends at most three mails an hour, for existing and unknown accounts', async () => {
    for (const email of [user.email, 'nobody@example.com']) {
      for (let time = 0; time < 3; time += 1) await request(email);
      await expect(request(email)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ATTEMPTS' });
    }
  });

  test('refuses the token of an invitation', async () => {
    const { email } = await auth.invite(admin);

    await expect(complete(await auth.mails.tokenTo(email))).rejects.toMatchObject(wrongToken);
  });
});

describe('sessions', () => {
  test('are listed, newest first, without expired ones', async () => {
    await open(new Date(Date.now() - 1));
    const [first, second] = [await open(), await open()];

    const { sessions } = await auth.call('listSessions', {}, caller);

    expect(sessions.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(sessions[0]).toMatchObject({ userId: user.id, address: '192.0.2.1', userAgent: 'Firefox' });
  });

  test('are ended individually, by their user and by callers that may change the user', async () => {
    const [first, second, third] = [await open(), await open(), await open()];
    await auth.call('endSession', { id: first.id }, caller);
    await auth.call('endSession', { id: second.id }, admin);

    expect(await sessionsOf(admin, user.id)).toEqual([third.id]);
    await expect(auth.call('endSession', { id: first.id }, caller)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SESSION_NOT_FOUND',
    });
  });

  test('of others are hidden from callers without permissions on users', async () => {
    const { id } = await open();
    const { caller: member } = await auth.newUser(admin, { roleIds: ['read-only'] });

    await expect(sessionsOf(member, user.id)).rejects.toMatchObject({ metadata: { permission: 'users.read' } });
    await expect(auth.call('endSession', { id }, member)).rejects.toMatchObject({ reason: 'SESSION_NOT_FOUND' });
    expect(await sessionsOf(caller)).toEqual([id]);
  });
});
