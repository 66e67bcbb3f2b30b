import { Settings, Weekday } from '@rapport/contracts/rapport/work/v1/settings_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
const blank = Settings.decode(new Uint8Array());
const defaults = {
  ...{ baseCurrency: 'USD', timeZone: 'UTC', locale: 'en-US', weekStart: Weekday.MONDAY, fiscalYearStartMonth: 1 },
};

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const get = (by = caller) => service.call('getSettings', {}, by);

/** Changes exactly the fields that `changes` names; undefined restores the default. */
function update(changes: Partial<Settings>, more: { etag?: string; requestId?: string; validateOnly?: boolean } = {}) {
  const request = { settings: { ...blank, ...changes }, updateMask: Object.keys(changes), ...more };
  return service.call('updateSettings', request, caller);
}

test('a workspace has the defaults until it changes them, and retains its settings', async () => {
  expect(await get()).toEqual({ ...blank, ...defaults, etag: '"0"' });

  const berlin = { baseCurrency: 'EUR', timeZone: 'Europe/Berlin', locale: 'de-DE' };
  const first = await update({ ...berlin, weekStart: Weekday.SUNDAY, fiscalYearStartMonth: 4 });
  expect(first).toMatchObject({ ...berlin, weekStart: Weekday.SUNDAY, fiscalYearStartMonth: 4, etag: '"1"' });
  expect(first.updatedBy).toBe(caller.principalId);
  const second = await update({ weekStart: Weekday.MONDAY }, { etag: first.etag });

  expect(second).toEqual({ ...first, weekStart: Weekday.MONDAY, etag: '"2"', updateTime: second.updateTime });
  expect(await get()).toEqual(second);
  expect(await update({ baseCurrency: 'EUR' })).toEqual(second);
  expect(await update({ baseCurrency: undefined, weekStart: Weekday.UNSPECIFIED })).toMatchObject({
    ...{ baseCurrency: 'USD', timeZone: 'Europe/Berlin', weekStart: Weekday.MONDAY, etag: '"3"' },
  });
  expect(await get({ ...caller, tenantId: newCaller().tenantId })).toEqual({ ...blank, ...defaults, etag: '"0"' });
});

test('a stale version is refused, before the first change too', async () => {
  await update({ locale: 'fr' }, { etag: '"0"' });

  await expect(update({ locale: 'it' }, { etag: '"0"' })).rejects.toMatchObject({ code: 'ABORTED' });
  expect((await get()).locale).toBe('fr');
});

test('no concurrent first change is lost', async () => {
  const changes: Partial<Settings>[] = [{ locale: 'fr' }, { baseCurrency: 'EUR' }, { timeZone: 'Asia/Tokyo' }];
  await Promise.all(
    [...changes, { fiscalYearStartMonth: 7 }, { weekStart: Weekday.SATURDAY }].map((each) => update(each)),
  );

  expect(await get()).toMatchObject({
    ...{ locale: 'fr', baseCurrency: 'EUR', timeZone: 'Asia/Tokyo', fiscalYearStartMonth: 7 },
    ...{ weekStart: Weekday.SATURDAY, etag: '"5"' },
  });
});

test('a change is applied once per idempotency key, and not at all with validateOnly', async () => {
  await update({ locale: 'fr' }, { validateOnly: true });
  const first = await update({ locale: 'it' }, { requestId: 'a key' });
  await update({ locale: 'es' });

  expect(first.etag).toBe('"1"');
  expect(await update({ locale: 'it' }, { requestId: 'a key' })).toEqual(first);
  expect(await get()).toMatchObject({ locale: 'es', etag: '"2"' });
});

test.each<[Partial<Settings>, string, string]>([
  [{ baseCurrency: 'euro' }, 'baseCurrency', 'BAD_FORMAT'],
  [{ baseCurrency: 'XQX' }, 'baseCurrency', 'CURRENCY_UNKNOWN'],
  [{ timeZone: 'Europe/Atlantis' }, 'timeZone', 'TIME_ZONE_UNKNOWN'],
  [{ timeZone: '+01:00' }, 'timeZone', 'BAD_FORMAT'],
  [{ locale: 'de_DE' }, 'locale', 'LOCALE_UNKNOWN'],
  [{ locale: 'xx-XX' }, 'locale', 'LOCALE_UNKNOWN'],
  [{ fiscalYearStartMonth: 13 }, 'fiscalYearStartMonth', 'TOO_LARGE'],
  [{ fiscalYearStartMonth: 0 }, 'fiscalYearStartMonth', 'TOO_SMALL'],
  [{ etag: '"7"' }, 'etag', 'OUTPUT_ONLY'],
])('%j is refused: %s %s', async (changes, field, reason) => {
  await expect(update(changes)).rejects.toMatchObject({
    ...{ code: 'INVALID_ARGUMENT', violations: [{ field: `settings.${field}`, reason }] },
  });
});

test.each([
  [{ locale: 'DE-de' }, { locale: 'de-DE' }],
  [{ timeZone: 'europe/berlin' }, { timeZone: 'Europe/Berlin' }],
  [{ timeZone: 'US/Eastern' }, { timeZone: 'US/Eastern' }],
])('%j is stored as %j', async (given, stored) => {
  expect(await update(given)).toMatchObject(stored);
});

test('changes appear in the audit, and in the feed of readers with workspace.read', async () => {
  await update({ locale: 'fr' });
  await update({ locale: 'it' });

  const changes = await changesOf(service, caller, 2);
  expect(changes).toMatchObject([
    { type: 'settings', recordId: caller.tenantId, after: { locale: 'fr', weekStart: 'MONDAY' } },
    { type: 'settings', recordId: caller.tenantId, changedFields: ['locale'], before: { locale: 'fr' } },
  ]);
  const { entries } = await service.call('listAuditEntries', {}, caller);
  const record = { name: `settings/${caller.tenantId}` };
  expect(entries).toMatchObject([
    { actor: caller.principalId, records: [record] },
    { actor: caller.principalId, records: [record] },
  ]);
  const limited = { ...caller, permissions: ['customers.read'] };
  await expect(service.call('listChanges', { types: ['settings'] }, limited)).rejects.toMatchObject({
    metadata: { permission: 'workspace.read' },
  });
});
