import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { earlyTotpCode, totpCode } from './totp-code.js';
import { password, RunningAuth } from './running-auth.js';

const wrong = { code: 'UNAUTHENTICATED', reason: 'CREDENTIALS_WRONG' };
const tooMany = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ATTEMPTS' };

let auth: RunningAuth;
let admin: Caller;
let addresses = 0;

beforeAll(async () => {
  auth = await RunningAuth.start();
  admin = await auth.newCaller();
});
afterAll(() => auth.stop());

/** Signs in, each time from a new address. */
function signIn({ email }: User, code: string) {
  const { tenantId } = admin;
  const credentials = { tenantId, email, password, code, address: `10.1.${(addresses += 1)}.1` };
  return auth.signIn.verify(auth.emOf(tenantId), credentials);
}

/** A user with an authenticator app. */
async function enrolled(): Promise<{ user: User; secret: string; codes: string[] }> {
  const { user, caller } = await auth.newUser(admin);
  const { secret } = await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
  const code = await earlyTotpCode(secret);
  const { codes } = await auth.call('confirmTotp', { confirmation: { code } }, caller);
  return { user, secret, codes };
}

test('a known password allows 10 guesses at the code in an hour, from any number of addresses', async () => {
  const { user, secret, codes } = await enrolled();
  const right = totpCode(secret, 1);
  const another = right === '000000' ? '000001' : '000000';

  for (let guess = 0; guess < 5; guess += 1) await expect(signIn(user, another)).rejects.toMatchObject(wrong);
  for (let guess = 0; guess < 5; guess += 1) await expect(signIn(user, 'aaaaa-aaaaa')).rejects.toMatchObject(wrong);

  await expect(signIn(user, right)).rejects.toMatchObject(tooMany);
  await expect(signIn(user, codes[0] ?? '')).rejects.toMatchObject(tooMany);
});

test('a correct code does not count as a guess', async () => {
  const { user, codes } = await enrolled();

  for (const code of codes) expect(await signIn(user, code)).toMatchObject({ id: user.id });
  await expect(signIn(user, '000000')).rejects.toMatchObject(wrong);
});
