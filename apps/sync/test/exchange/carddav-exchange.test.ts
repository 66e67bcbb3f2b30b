import { randomUUID } from 'node:crypto';
import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
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

describe('a card', () => {
  let tenant: ExchangeTenant;
  let book: string;
  let connection: string;

  beforeEach(async () => {
    tenant = await ExchangeTenant.create(platform);
    book = await radicale.createAddressBook(`book-${randomUUID()}`);
    const { url, username, password } = { ...radicale, url: book };
    connection = await tenant.connect('carddav', { url, username }, { password });
  });

  const put = (...lines: string[]) => {
    const card = [
      'BEGIN:VCARD',
      'VERSION:3.0',
      'UID:ada',
      'FN:Ada Lovelace',
      'N:Lovelace;Ada;;;',
      ...lines,
      'END:VCARD',
      '',
    ];
    return radicale.request('PUT', `${book}ada.vcf`, card.join('\r\n'), { 'content-type': 'text/vcard' });
  };
  const lines = async () => (await (await radicale.request('GET', `${book}ada.vcf`)).text()).split(/\r?\n/);
  const map = () =>
    tenant.map(connection, {
      recordType: 'contact',
      fields: [
        ...contactFields,
        { customerField: 'addresses', peerField: 'addresses', transform: 'CONTACT_LIST' },
        { customerField: 'tags', peerField: 'categories' },
      ],
    });
  const customer = async () => [...(await tenant.customers()).values()][0]!;

  test('exchanges addresses, tags, labels and extensions, and loses nothing that is written beside them', async () => {
    const kept = ['X-SHOE:43', 'item2.X-ABADR:at', 'item1.X-ABLABEL:Lab', 'item3.IMPP:xmpp:ada'];
    await put(
      'item1.EMAIL;X-KEEP=1:ada@example.com',
      'TEL;TYPE=work:+43-316-873;ext=12',
      'item2.ADR;TYPE=work;X-KEEP=2:7;;Hauptplatz 1;Graz;;8010;Österreich',
      ...['CATEGORIES:vip', ...kept],
    );
    const mapping = await map();
    await tenant.untilEqual(mapping, 1);
    const { id, ...content } = await customer();
    const address = { street: '7\nHauptplatz 1', city: 'Graz', postalCode: '8010', countryCode: 'AT', label: 'work' };
    expect(content).toMatchObject({
      emails: [{ address: 'ada@example.com', label: 'Lab' }],
      phones: [{ number: '+43-316-873;ext=12', label: 'work' }],
      ...{ addresses: [address], tags: ['vip'] },
    });

    const home = { city: 'Paris', countryCode: 'FR', label: 'home' };
    await tenant.api.updateCustomer(id, {
      jobTitle: 'Analyst',
      phones: [{ number: '+43-316-873;ext=12', label: 'home' }, { number: '+43-316-873;ext=13' }],
      addresses: [{ ...address, postalCode: '8020' }, home],
      tags: ['vip', 'new'],
    });
    await tenant.run(mapping);
    await tenant.untilEqual(mapping, 1);
    expect(await lines()).toEqual(
      expect.arrayContaining([
        ...kept,
        'item1.EMAIL;X-KEEP=1:ada@example.com',
        expect.stringMatching(/^TEL;TYPE=home:\+43-316-873\\?;ext=12$/),
        expect.stringMatching(/^TEL:\+43-316-873\\?;ext=13$/),
        'item2.ADR;TYPE=work;X-KEEP=2:7;;Hauptplatz 1;Graz;;8020;Österreich',
        'ADR;TYPE=home:;;;Paris;;;France',
        'CATEGORIES:vip,new',
      ]),
    );
  });

  test('with one e-mail address that does not fit costs that one only, and it stays in the card', async () => {
    await put('EMAIL:ada@example.com', 'EMAIL:not valid@example.com');
    const mapping = await map();
    const run = await tenant.run(mapping);
    expect(run).toMatchObject({ state: 'SUCCEEDED', counts: { conflicts: 0 } });
    const runs = await Promise.all((await tenant.runs(mapping)).map(({ id }) => tenant.ended(id)));
    expect(runs.flatMap(({ issues }) => issues)).toContainEqual(
      expect.objectContaining({ reason: 'VALUE_UNFIT', field: 'emails[1]' }),
    );
    const { id, emails } = await customer();
    expect(emails).toEqual([{ address: 'ada@example.com' }]);

    await tenant.api.updateCustomer(id, { emails: [{ address: 'ada@work.example' }] });
    await tenant.run(mapping);
    expect((await lines()).filter((line) => line.startsWith('EMAIL'))).toEqual([
      'EMAIL:ada@work.example',
      'EMAIL:not valid@example.com',
    ]);
    expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
      counts: { customersUpdated: 0, recordsUpdated: 0 },
      comparison: { differing: 0 },
    });
  });

  test('that cannot have one tag of a customer has the others, and the customer keeps it', async () => {
    await put('CATEGORIES:vip');
    const mapping = await map();
    await tenant.untilEqual(mapping, 1);
    const { id } = await customer();
    await tenant.api.updateCustomer(id, { tags: ['vip', 'a, b', 'new'] });
    await tenant.run(mapping);
    await expect.poll(lines).toContain('CATEGORIES:vip,new');

    await put('CATEGORIES:vip,new,other');
    await tenant.run(mapping);
    await expect.poll(async () => (await customer())['tags']).toEqual(['vip', 'new', 'other', 'a, b']);
    expect(await lines()).toContain('CATEGORIES:vip,new,other');
  });
});
