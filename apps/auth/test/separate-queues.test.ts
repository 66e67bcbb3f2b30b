import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError, type Caller } from '@rapport/platform';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { password, RunningAuth } from './running-auth.js';

/** More than the queue of one kind holds. */
const flood = 205;

let auth: RunningAuth;
let admin: Caller;
let user: User;

beforeAll(async () => {
  auth = await RunningAuth.start();
  admin = await auth.newCaller('acme');
  ({ user } = await auth.newUser(admin));
});
afterAll(() => auth.stop());

test('a flood of password resets does not refuse sign-ins', async () => {
  const release = await holdAttempts();
  let refused = 0;
  const reset = async (email: string): Promise<unknown> => {
    const account = { workspace: 'acme', email };
    const failure = await auth.call('requestPasswordReset', { account }).then(
      () => undefined,
      (error: unknown) => error,
    );
    // On a busy machine some find no connection for the lookup of the workspace, which comes first.
    if (failure instanceof AppError && failure.reason === 'TOO_MANY_CONCURRENT') return reset(email);
    if (failure) refused += 1;
    return failure;
  };
  const resets = Array.from({ length: flood }, (_, index) => reset(`nobody-${index}@example.com`));
  await vi.waitUntil(() => refused >= 5, { timeout: 20_000 });

  const { tenantId } = admin;
  const credentials = { tenantId, email: user.email, password, address: '192.0.2.1' };
  const signedIn = auth.signIn.verify(auth.emOf(tenantId), credentials).catch((error: unknown) => error);
  await release();

  expect(await signedIn).toMatchObject({ id: user.id });
  for (const failure of await Promise.all(resets))
    // On a busy server a waiting attempt may time out for lack of a connection.
    if (failure) expect(['TOO_MANY_ATTEMPTS', 'DATABASE_UNAVAILABLE']).toContain((failure as AppError).reason);
});

/** Locks the table of attempts. @returns releases the lock */
async function holdAttempts(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: auth.urls.appUrl });
  await client.connect();
  await client.query('begin');
  await client.query('lock table attempt_window in share row exclusive mode');
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}
