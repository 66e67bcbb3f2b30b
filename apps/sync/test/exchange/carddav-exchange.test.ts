import { randomUUID } from 'node:crypto';
import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startRadicale, type Radicale } from '../connectors/peers/radicale.ts';
import { contactFields, ExchangeTenant } from './exchange-tenant.ts';

let platform: SharedPlatform;
let radicale: Radicale;

beforeAll(async () => {
  [platform, radicale] = await Promise.all([sharedPlatform(inject('platformUrl')), startRadicale()]);
}, 360_000);
afterAll(() => radicale.stop());

test('an address book and customers become equal, both ways', async () => {
  const tenant = await ExchangeTenant.create(platform);
  const book = await radicale.createAddressBook(`book-${randomUUID()}`);
  const card = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    'UID:ada',
    'FN:Ada Lovelace',
    'N:Lovelace;Ada;;;',
    'EMAIL;TYPE=work:ada@example.com',
    'X-SHOE:43',
    'END:VCARD',
    '',
  ];
  await radicale.request('PUT', `${book}ada.vcf`, card.join('\r\n'), { 'content-type': 'text/vcard' });
  const grace = await tenant.api.createCustomer('Grace Hopper', { emails: [{ address: 'grace@example.com' }] });
  const { url, username, password } = { ...radicale, url: book };
  const connection = await tenant.connect('carddav', { url, username }, { password });

  const checked = await tenant.api.ok<{ recordTypes: { name: string }[] }>(
    'POST',
    `/v1/connections/${connection}:check`,
  );
  expect(checked.recordTypes.map(({ name }) => name)).toEqual(['contact']);
  const mapping = await tenant.map(connection, { recordType: 'contact', fields: contactFields });
  await tenant.untilEqual(mapping, 2);

  const ada = [...(await tenant.customers()).values()].find(({ id }) => id !== grace);
  expect(ada).toMatchObject({
    displayName: 'Ada Lovelace',
    familyName: 'Lovelace',
    emails: [{ address: 'ada@example.com', label: 'work' }],
  });
  await tenant.api.updateCustomer(ada!.id, { jobTitle: 'Analyst' });
  await expect
    .poll(async () => (await radicale.request('GET', `${book}ada.vcf`)).text())
    .toMatch(/^TITLE:Analyst\r?$/m);
  expect(await (await radicale.request('GET', `${book}ada.vcf`)).text()).toMatch(/^X-SHOE:43\r?$/m);
  await tenant.untilEqual(mapping, 2);
});
