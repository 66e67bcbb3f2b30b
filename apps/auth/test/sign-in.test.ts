import { randomBytes } from 'node:crypto';
import { User_State, type User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { Secret } from 'otpauth';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatPhcString } from '../src/sign-in/passwords/phc-string.js';
import type { Credentials } from '../src/sign-in/sign-in.js';
import { password, RunningAuth } from './running-auth.js';
import { totpCode } from './totp-code.js';

const wrong = { code: 'UNAUTHENTICATED', reason: 'CREDENTIALS_WRONG', message: 'The credentials are wrong.' };
const tooMany = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ATTEMPTS' };

let auth: RunningAuth;
let admin: Caller;
let user: User;
let caller: Caller;
let addresses = 0;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});
beforeEach(async () => {
  admin = await auth.newCaller();
  ({ user, caller } = await auth.newUser(admin));
});

/** Signs in, by default from a new address. */
function signIn(credentials: Partial<Credentials> = {}) {
  const { tenantId } = admin;
  const all = { tenantId, email: user.email, password, address: `10.0.${(addresses += 1)}.1`, ...credentials };
  return auth.signIn.verify(auth.emOf(all.tenantId), all);
}

/** A hash that no password matches. */
function hashOf(memory: number, passes: number): string {
  return formatPhcString({ memory, passes, parallelism: 1, salt: randomBytes(16), hash: randomBytes(32) });
}

const quickHash = hashOf(8, 1);
/** Verifies in the queue of the user's own tenant, which does not affect others. */
const check = (hash: string) => auth.passwordHasher.verifyPassword(password, hash, admin.tenantId);

/** Occupies the password worker for a second. Later hashes wait for it. */
function occupyHasher(): Promise<boolean> {
  return check(hashOf(19_456, 40));
}

/** Enables two-factor authentication while the clock stands still. @returns the secret in base 32, and recovery codes */
async function enroll(): Promise<{ secret: string; codes: string[] }> {
  const { secret } = await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
  // Of the step before: it leaves the current code and the next one unused.
  const { codes } = await auth.call('confirmTotp', { confirmation: { code: totpCode(secret, -1) } }, caller);
  return { secret, codes };
}

describe('signing in', () => {
  test('accepts the e-mail address in any case, and the exact password', async () => {
    expect(await signIn({ email: user.email.toUpperCase() })).toMatchObject({ id: user.id });
    await expect(signIn({ password: `${password} ` })).rejects.toMatchObject(wrong);
  });

  test('fails alike for unknown, disabled and invited users, for those of another tenant, and for a wrong password', async () => {
    const invited = await auth.invite(admin);
    const { user: disabled } = await auth.newUser(admin);
    await auth.updateUser(admin, disabled.id, { state: User_State.DISABLED });
    const { tenantId } = await auth.newCaller();

    for (const credentials of [
      { email: 'nobody@example.com' },
      { email: invited.email },
      { email: disabled.email },
      { tenantId },
      { password: 'wrong password' },
    ]) {
      await expect(signIn(credentials)).rejects.toMatchObject(wrong);
    }
  });

  test('is refused for an address and an account after 10 wrong passwords, also with the correct one', async () => {
    const address = '192.0.2.1';
    const guesses = await Promise.allSettled(
      Array.from({ length: 15 }, (_, index) => signIn({ address, password: `wrong password ${index}` })),
    );

    const reasons = guesses.map((guess) => (guess as PromiseRejectedResult).reason as { reason: string });
    expect(reasons.filter(({ reason }) => reason === wrong.reason)).toHaveLength(10);
    expect(reasons.filter(({ reason }) => reason === tooMany.reason)).toHaveLength(5);
    await expect(signIn({ address })).rejects.toMatchObject(tooMany);
    expect(await signIn()).toMatchObject({ id: user.id });
  });

  test('is refused for an account to no other network by the attempts of one', async () => {
    for (let attempt = 0; attempt < 105; attempt += 1) {
      const guess = signIn({ address: '192.0.2.5', password: 'wrong password' });
      await expect(guess).rejects.toMatchObject(attempt < 10 ? wrong : tooMany);
    }

    expect(await signIn()).toMatchObject({ id: user.id });
  });

  test('is refused for an unknown account as for an existing one', async () => {
    const nobody = { email: 'nobody@example.com', address: '192.0.2.2' };
    for (let attempt = 0; attempt < 10; attempt += 1) await expect(signIn(nobody)).rejects.toMatchObject(wrong);

    await expect(signIn(nobody)).rejects.toMatchObject(tooMany);
  });

  test('counts the addresses of one IPv6 network as one', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const guess = signIn({ address: `2001:db8::${attempt + 1}`, password: 'wrong password' });
      await expect(guess).rejects.toMatchObject(wrong);
    }

    await expect(signIn({ address: '2001:db8:0:0:ffff::1' })).rejects.toMatchObject(tooMany);
    expect(await signIn({ address: '2001:db8:0:1::1' })).toMatchObject({ id: user.id });
  });

  test('does not count correct passwords', async () => {
    const address = '192.0.2.3';
    for (let time = 0; time < 12; time += 1) expect(await signIn({ address })).toMatchObject({ id: user.id });
  });

  test('does not count attempts that were refused for lack of capacity', async () => {
    const address = '192.0.2.4';
    const others = [occupyHasher(), ...Array.from({ length: 99 }, () => check(quickHash))];
    for (let attempt = 0; attempt < 11; attempt += 1) {
      await expect(signIn({ address })).rejects.toMatchObject({ reason: 'PASSWORD_CHECKS_BUSY', retryAfterSeconds: 5 });
    }

    await Promise.all(others);
    expect(await signIn({ address })).toMatchObject({ id: user.id });
  });

  test('is not delayed for others by 99 pending attempts on one account', async () => {
    const looked = occupyHasher();
    let signedIn = 0;
    const all = Array.from({ length: 99 }, () => signIn().then(() => (signedIn += 1)));
    for (let answers = 0; answers < 10; answers += 1) await auth.call('getTenant', {}, admin);

    expect(signedIn).toBe(0);
    await Promise.all([looked, ...all]);
  });

  test('counts attempts without storing addresses', async () => {
    await expect(signIn({ address: '192.0.2.77', password: 'wrong password' })).rejects.toMatchObject(wrong);

    const rows = await auth.rowsOf(admin, 'select w.*::text as row from attempt_window w where $1::text is not null');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain('192.0.2.77');
    expect(JSON.stringify(rows)).not.toContain(user.email);
  });
});

/** Makes a call while a transaction changes the app of the user, which commits once the call waits for it. */
async function besides(change: string, call: () => Promise<unknown>): Promise<PromiseSettledResult<unknown>> {
  const client = new pg.Client({ connectionString: auth.urls.appUrl });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`select set_config('app.tenant_id', $1, false)`, [admin.tenantId]);
  await client.query('begin');
  await client.query(`update user_totp set ${change} where tenant_id = $1 and user_id = $2`, [admin.tenantId, user.id]);
  const answer = Promise.allSettled([call()]);
  const blocked = `select from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))`;
  // The clock of this test stands still.
  await vi.waitFor(async () => expect((await client.query(blocked)).rowCount).toBe(1), { timeout: 20_000 });
  await client.query('commit');
  return (await answer)[0];
}

describe('two-factor authentication', () => {
  // The clock stands still, so that the current code stays valid during the test.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  test('requires a code after the app is confirmed', async () => {
    await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    expect(await signIn()).toMatchObject({ id: user.id });
    const { secret } = await enroll();

    await expect(signIn()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', reason: 'CODE_NEEDED' });
    await expect(signIn({ password: 'wrong password' })).rejects.toMatchObject(wrong);
    expect(await signIn({ code: totpCode(secret) })).toMatchObject({ id: user.id });
    expect(await auth.call('getAccount', {}, caller)).toMatchObject({ twoFactor: true });
  });

  test('accepts no code twice, also in concurrent calls, and none of an earlier step', async () => {
    const { secret } = await enroll();
    const code = totpCode(secret, 1);

    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => signIn({ code })));

    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(signIn({ code: totpCode(secret) })).rejects.toMatchObject(wrong);
  });

  test('accepts each recovery code once, in any spelling', async () => {
    const { codes } = await enroll();
    const [first = '', second = ''] = codes;

    expect(new Set(codes).size).toBe(10);
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => signIn({ code: first })));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await signIn({ code: second.replace('-', ' ').toUpperCase() })).toMatchObject({ id: user.id });
  });

  test('has an encrypted secret and hashed codes in the database', async () => {
    const { secret, codes } = await enroll();

    const rows = await auth.rowsOf(
      admin,
      `select t.*::text as row, '' from user_totp t where tenant_id = $1
       union all select c.*::text, '' from recovery_code c where tenant_id = $1`,
    );

    expect(rows).toHaveLength(11);
    const text = JSON.stringify(rows);
    expect(text).not.toContain(Buffer.from(Secret.fromBase32(secret).buffer).toString('hex'));
    expect(text).not.toContain(secret);
    for (const code of codes) {
      expect(text).not.toContain(code);
      expect(text).not.toContain(Buffer.from(code).toString('hex'));
    }
  });

  test('requires the password for new recovery codes and to be disabled', async () => {
    const { codes } = await enroll();
    const wrongProof = { proof: { currentPassword: 'wrong password' } };
    const proof = { proof: { currentPassword: password } };

    await expect(auth.call('disableTotp', wrongProof, caller)).rejects.toMatchObject({ reason: 'PASSWORD_WRONG' });
    await expect(auth.call('renewRecoveryCodes', wrongProof, caller)).rejects.toMatchObject({
      reason: 'PASSWORD_WRONG',
    });
    const renewed = await auth.call('renewRecoveryCodes', proof, caller);
    await expect(signIn({ code: codes[0] })).rejects.toMatchObject(wrong);
    expect(await signIn({ code: renewed.codes[0] })).toMatchObject({ id: user.id });
    await auth.call('disableTotp', proof, caller);
    expect(await signIn()).toMatchObject({ id: user.id });
  });

  test('is disabled after an admin resets it', async () => {
    await enroll();
    const stale = auth.call('resetTwoFactor', { id: user.id, etag: '"99"' }, admin);
    await expect(stale).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    const after = await auth.call('resetTwoFactor', { id: user.id }, admin);

    expect(after.twoFactor).toBe(false);
    expect(await signIn()).toMatchObject({ id: user.id, sessionEpoch: 1 });
  });

  test('keeps a confirmation that a concurrent enrollment meets', async () => {
    await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    const enrolled = () => auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    expect(await besides('confirm_time = now()', enrolled)).toMatchObject({ reason: { reason: 'TWO_FACTOR_ON' } });
    expect(await auth.call('getAccount', {}, caller)).toMatchObject({ twoFactor: true });
  });

  test('is not enabled with a secret that was enrolled while the code of another was checked', async () => {
    const { secret } = await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    const confirmed = () => auth.call('confirmTotp', { confirmation: { code: totpCode(secret) } }, caller);
    const refused = await besides(`sealed_secret = '\\x00'`, confirmed);
    expect(refused).toMatchObject({ reason: { reason: 'CONCURRENT_WRITE' } });
    expect(await auth.call('getAccount', {}, caller)).toMatchObject({ twoFactor: false });
  });

  test('cannot be enabled by guessing', async () => {
    await auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    const confirm = () => auth.call('confirmTotp', { confirmation: { code: '000000' } }, caller);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await expect(confirm()).rejects.toMatchObject({ violations: [{ field: 'confirmation.code' }] });
    }

    await expect(confirm()).rejects.toMatchObject(tooMany);
  });
});
