import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
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
  test('takes the old password, and ends every session', async () => {
    await open();
    await change(password, newPassword);

    expect(await verify(newPassword)).toMatchObject({ id: user.id, sessionEpoch: 1 });
    await expect(verify(password)).rejects.toMatchObject({ reason: 'CREDENTIALS_WRONG' });
    expect(await sessionsOf(caller)).toEqual([]);
  });

  test('refuses a wrong old password, ten times and then without looking', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await expect(change('wrong password', newPassword)).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
        reason: 'PASSWORD_WRONG',
      });
    }

    await expect(change(password, newPassword)).rejects.toMatchObject({ reason: 'TOO_MANY_ATTEMPTS' });
  });

  test('refuses a new password that is guessed first', async () => {
    await expect(change(password, 'iloveyou')).rejects.toMatchObject({
      violations: [{ field: 'change.newPassword', reason: 'PASSWORD_COMMON' }],
    });
  });

  test('is for users, not for programs', async () => {
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

  /** The first mail was the invitation. */
  async function mailedReset(): Promise<string> {
    await expect.poll(() => auth.mails.to(user.email)).toHaveLength(2);
    return auth.mails.tokenTo(user.email);
  }

  test('gives a new password to whoever has the mail, once, and ends every session', async () => {
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

  test('answers the same when there is no such account or workspace', async () => {
    const answers = [
      await request(user.email),
      await request('nobody@example.com'),
      await request(user.email, 'nowhere'),
    ];

    expect(answers).toEqual([{}, {}, {}]);
    expect(await auth.mails.to('nobody@example.com')).toEqual([]);
  });

  test('is sent three times an hour at most, whether there is an account or not', async () => {
    for (const email of [user.email, 'nobody@example.com']) {
      for (let time = 0; time < 3; time += 1) await request(email);
      await expect(request(email)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ATTEMPTS' });
    }
  });

  test('takes no token of an invitation', async () => {
    const { email } = await auth.invite(admin);

    await expect(complete(await auth.mails.tokenTo(email))).rejects.toMatchObject(wrongToken);
  });
});

describe('sessions', () => {
  test('are listed, newest first, without those that are over', async () => {
    await open(new Date(Date.now() - 1));
    const [first, second] = [await open(), await open()];

    const { sessions } = await auth.call('listSessions', {}, caller);

    expect(sessions.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(sessions[0]).toMatchObject({ userId: user.id, address: '192.0.2.1', userAgent: 'Firefox' });
  });

  test('are ended one by one, by their user and by whoever may change the user', async () => {
    const [first, second, third] = [await open(), await open(), await open()];
    await auth.call('endSession', { id: first.id }, caller);
    await auth.call('endSession', { id: second.id }, admin);

    expect(await sessionsOf(admin, user.id)).toEqual([third.id]);
    await expect(auth.call('endSession', { id: first.id }, caller)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SESSION_NOT_FOUND',
    });
  });

  test('of others are not there for somebody who may not see or change users', async () => {
    const { id } = await open();
    const { caller: member } = await auth.newUser(admin, { roleIds: ['read-only'] });

    await expect(sessionsOf(member, user.id)).rejects.toMatchObject({ metadata: { permission: 'users.read' } });
    await expect(auth.call('endSession', { id }, member)).rejects.toMatchObject({ reason: 'SESSION_NOT_FOUND' });
    expect(await sessionsOf(caller)).toEqual([id]);
  });
});
