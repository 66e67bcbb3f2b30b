import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { password, RunningAuth } from './running-auth.js';

const tooMany = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ATTEMPTS' };

let auth: RunningAuth;
let admin: Caller;
let user: User;

beforeAll(async () => {
  auth = await RunningAuth.start();
  admin = await auth.newCaller();
  ({ user } = await auth.newUser(admin));
});
afterAll(() => auth.stop());

function signIn(address: string, { email, secret = password }: { email: string; secret?: string }) {
  const { tenantId } = admin;
  return auth.signIn.verify(auth.emOf(tenantId), { tenantId, email, password: secret, address });
}

/** One wrong password from an address, then all of its limits are set to their maximum. */
async function useUp(address: string): Promise<void> {
  const guess = signIn(address, { email: 'nobody@example.com', secret: 'wrong password' });
  await expect(guess).rejects.toMatchObject({ reason: 'CREDENTIALS_WRONG' });
  await auth.rowsOf(admin, 'update attempt_window set attempts = 1000 where $1::text is not null');
}

test('an IPv4-mapped IPv6 address has its own budget', async () => {
  await useUp('::ffff:203.0.113.9');

  expect(await signIn('::ffff:198.51.100.7', user)).toMatchObject({ id: user.id });
  for (const sameAddress of ['::ffff:203.0.113.9', '203.0.113.9', '::FFFF:cb00:7109']) {
    await expect(signIn(sameAddress, user)).rejects.toMatchObject(tooMany);
  }
});
