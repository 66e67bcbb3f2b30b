import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;
let admin: Caller;
let user: User;
let caller: Caller;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});
beforeEach(async () => {
  admin = await auth.newCaller(`acme-${v7()}`);
  ({ user, caller } = await auth.newUser(admin));
});

interface Profile {
  displayName?: string;
  timeZone?: string;
  locale?: string;
}

/** Updates the given fields. A field that is undefined is cleared. */
function change(profile: Profile, etag?: string) {
  const whole = { displayName: undefined, timeZone: undefined, locale: undefined, ...profile };
  return auth.call('updateAccount', { profile: whole, updateMask: Object.keys(profile), etag }, caller);
}

test('a user without a time zone and locale uses those of the workspace', async () => {
  expect(user).toMatchObject({ timeZone: undefined, locale: undefined });

  const chosen = await change({ timeZone: 'europe/berlin', locale: 'DE-de', displayName: 'Ada L.' });

  expect(chosen).toMatchObject({ timeZone: 'Europe/Berlin', locale: 'de-DE', displayName: 'Ada L.' });
  expect(await auth.call('getAccount', {}, caller)).toEqual(chosen);
  expect(await auth.call('getUser', { id: user.id }, admin)).toEqual(chosen);
  const back = await change({ timeZone: undefined });
  expect(back).toMatchObject({ timeZone: undefined, locale: 'de-DE', displayName: 'Ada L.' });
});

test('an admin can set them too, and other changes keep them', async () => {
  const update = (fields: Partial<User>) =>
    auth.call('updateUser', { id: user.id, user: { ...user, ...fields }, updateMask: Object.keys(fields) }, admin);

  await update({ timeZone: 'Pacific/Kiritimati', locale: 'zh-Hans-CN' });

  expect(await update({ displayName: 'Eve' })).toMatchObject({
    ...{ displayName: 'Eve', timeZone: 'Pacific/Kiritimati', locale: 'zh-Hans-CN' },
  });
});

test.each<[Profile, string, string]>([
  [{ timeZone: 'Europe/Atlantis' }, 'profile.timeZone', 'TIME_ZONE_UNKNOWN'],
  [{ locale: 'xx-klingon-what' }, 'profile.locale', 'LOCALE_UNKNOWN'],
])('%o is refused with the field', async (profile, field, reason) => {
  await expect(change(profile)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field, reason }] });
  expect(await auth.call('getAccount', {}, caller)).toEqual(user);
});

test('an empty name or a stale version is refused and changes nothing', async () => {
  await expect(change({ displayName: undefined })).rejects.toMatchObject({
    violations: [{ field: 'profile.displayName', reason: 'REQUIRED' }],
  });
  await expect(change({ timeZone: 'UTC' }, '"9"')).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await expect(
    auth.call('updateAccount', { profile: { timeZone: 'UTC' }, updateMask: ['timeZone'] }, admin),
  ).rejects.toMatchObject({ reason: 'USER_NEEDED' });
});
