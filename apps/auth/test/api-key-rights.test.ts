import { ApiKey_Mode } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

const invalidKey = { code: 'UNAUTHENTICATED', reason: 'API_KEY_INVALID' };

let auth: RunningAuth;
let admin: Caller;

beforeAll(async () => {
  auth = await RunningAuth.shared();
  admin = await auth.newCaller();
});

describe('RotateApiKey', () => {
  test('returns a new secret, and the previous one works for the grace period', async () => {
    const { id, key } = await auth.createApiKey(admin);
    const rotated = await auth.call('rotateApiKey', { id, graceSeconds: 60 }, admin);

    const [before, after] = [await auth.authenticate(key), await auth.authenticate(rotated.key ?? '')];
    expect(before.principalId).toBe(after.principalId);
    expect(before.expireTime).toBe(rotated.previousKeyExpireTime);
    expect(after.expireTime).toBeUndefined();
    await auth.rowsOf(admin, 'update api_key set previous_expire_time = now() where tenant_id = $1 and id = $2', id);
    await expect(auth.authenticate(key)).rejects.toMatchObject(invalidKey);
    expect(await auth.call('getApiKey', { id }, admin)).toMatchObject({ previousKeyExpireTime: undefined });
  });

  test('ends the previous secret at once without a grace period', async () => {
    const { id, key } = await auth.createApiKey(admin);
    await auth.call('rotateApiKey', { id, graceSeconds: 0 }, admin);

    await expect(auth.authenticate(key)).rejects.toMatchObject(invalidKey);
  });

  test('keeps at most two valid secrets', async () => {
    const { id, key } = await auth.createApiKey(admin);
    const second = await auth.call('rotateApiKey', { id }, admin);
    await auth.call('rotateApiKey', { id }, admin);

    await expect(auth.authenticate(key)).rejects.toMatchObject(invalidKey);
    await auth.authenticate(second.key ?? '');
  });

  test('refuses revoked and expired keys, whose secrets both end', async () => {
    const { id, key } = await auth.createApiKey(admin);
    const rotated = await auth.call('rotateApiKey', { id }, admin);
    await auth.call('revokeApiKey', { id }, admin);

    for (const text of [key, rotated.key ?? ''])
      await expect(auth.authenticate(text)).rejects.toMatchObject(invalidKey);
    await expect(auth.call('rotateApiKey', { id }, admin)).rejects.toMatchObject({ reason: 'API_KEY_ENDED' });
  });

  test('refuses callers whose rights the key exceeds', async () => {
    const { id } = await auth.createApiKey(admin, { permissions: ['customers.write'] });
    const weak = { ...admin, permissions: ['apiKeys.write'] };

    await expect(auth.call('rotateApiKey', { id }, weak)).rejects.toMatchObject({ reason: 'PERMISSION_NOT_HELD' });
  });
});

describe('an API key', () => {
  test('keeps its mode, live or test, in a rotation', async () => {
    const made = await auth.createApiKey(admin, { mode: ApiKey_Mode.TEST });
    const rotated = await auth.call('rotateApiKey', { id: made.id }, admin);

    for (const { key, keyPrefix, mode } of [made, rotated]) {
      expect(key).toMatch(/^rpt_test_/);
      expect(keyPrefix).toMatch(/^rpt_test_/);
      expect(mode).toBe(ApiKey_Mode.TEST);
    }
    expect(await auth.authenticate(rotated.key ?? '')).toMatchObject({ tenantId: admin.tenantId });
  });

  test('has the given record scope and access to personal data, by default those of its creator', async () => {
    const plain = await auth.createApiKey(admin);
    const narrow = await auth.createApiKey(admin, { recordScope: RecordScope.OWN, hidesPii: true });

    expect(plain).toMatchObject({ recordScope: RecordScope.ALL, hidesPii: false, mode: ApiKey_Mode.LIVE });
    expect(narrow).toMatchObject({ recordScope: RecordScope.OWN, hidesPii: true });
  });

  test('reports an unknown team', async () => {
    await expect(auth.createApiKey(admin, { teamId: v7() })).rejects.toMatchObject({
      violations: [{ field: 'apiKey.teamId', reason: 'TEAM_UNKNOWN' }],
    });
  });

  test('has a last use time, which is written at most once a minute', async () => {
    const { id, key } = await auth.createApiKey(admin);
    const versions = async () => {
      const rows = await auth.rowsOf(admin, 'select xmin::text from api_key where tenant_id = $1 and id = $2', id);
      return rows[0]?.['xmin'];
    };
    expect((await auth.call('getApiKey', { id }, admin)).lastUseTime).toBeUndefined();

    await auth.authenticate(key);
    await expect.poll(async () => (await auth.call('getApiKey', { id }, admin)).lastUseTime).toBeDefined();
    const written = await versions();
    for (let use = 0; use < 20; use += 1) await auth.authenticate(key);

    expect(await versions()).toBe(written);
    await auth.rowsOf(
      admin,
      `update api_key set last_use_time = now() - interval '1 hour' where tenant_id = $1 and id = $2`,
      id,
    );
    await auth.authenticate(key);
    const lastUseAge = async () => {
      const { lastUseTime } = await auth.call('getApiKey', { id }, admin);
      return Date.now() - Date.parse(lastUseTime ?? '');
    };
    await expect.poll(lastUseAge).toBeLessThan(60_000);
  });
});
