import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
beforeEach(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Settlers')).apiKey);
});

it('changed settings are visible to the next read of any caller, and a stale change is refused', async () => {
  const before = await api.send('GET', '/v1/settings');
  expect(before).toMatchObject({ status: 200, body: { baseCurrency: 'USD', timeZone: 'UTC', etag: '"0"' } });
  expect(before.headers.get('etag')).toBeTruthy();

  const headers = { 'if-match': '"0"' };
  const body = { baseCurrency: 'EUR', weekStart: 'SUNDAY' };
  const changed = await api.send('PATCH', '/v1/settings', { headers, body });
  expect(changed).toMatchObject({ status: 200, body: { ...body, timeZone: 'UTC', etag: '"1"' } });
  expect((await api.send('GET', '/v1/settings')).body).toEqual(changed.body);
  expect(await api.send('PATCH', '/v1/settings', { headers, body: { locale: 'fr' } })).toMatchObject({ status: 412 });
  const restored = await api.send('PATCH', '/v1/settings', { body: { baseCurrency: null } });
  expect(restored).toMatchObject({ status: 200, body: { baseCurrency: 'USD', weekStart: 'SUNDAY', etag: '"2"' } });
  expect((await api.send('GET', '/v1/settings')).body).toEqual(restored.body);
});

it('an invalid value is refused with its field', async () => {
  const body = { baseCurrency: 'XQX', timeZone: 'Europe/Atlantis', locale: 'de_DE' };
  expect(await api.send('PATCH', '/v1/settings', { body })).toMatchObject({
    status: 400,
    body: {
      errors: [
        { in: 'body', pointer: '/baseCurrency', code: 'CURRENCY_UNKNOWN' },
        { in: 'body', pointer: '/timeZone', code: 'TIME_ZONE_UNKNOWN' },
        { in: 'body', pointer: '/locale', code: 'LOCALE_UNKNOWN' },
      ],
    },
  });
});
