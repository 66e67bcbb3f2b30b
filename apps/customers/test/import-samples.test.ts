import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { counts, csv, issues, none, sample, ImportTenant, type File } from './import-tenant.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: ImportTenant;

beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

const byName = (found: Customer[]) => new Map(found.map((customer) => [customer.displayName, customer]));

describe('the sample of universities', () => {
  test('is imported with every row counted, byte for byte', async () => {
    const file = await sample('universities.json');
    const answer = await tenant.importFile({ contentType: 'application/json', data: file, kind: CustomerKind.COMPANY });

    expect(counts(answer)).toEqual({ ...none, created: 56, joined: 4 });
    expect(answer.columns).toContainEqual(expect.objectContaining({ column: 'web_pages', field: undefined }));
    expect(
      issues(answer)
        .map(([, reason]) => reason)
        .sort(),
    ).toEqual([...Array<string>(4).fill('JOINED_EARLIER_ROW'), 'KEY_CONFLICT'].sort());
    const given = JSON.parse(file.toString()) as { name: string; domains: string[]; alpha_two_code: string }[];
    const joined = new Set(issues(answer).map(([line]) => line));
    const stored = new Map(
      (await tenant.stored()).flatMap((customer) => customer.domains.map((domain) => [domain, customer])),
    );
    expect(stored.size).toBe(new Set(given.flatMap(({ domains }) => domains)).size);
    for (const [index, { name, domains, alpha_two_code: countryCode }] of given.entries()) {
      const customer = stored.get(domains[0]!);
      expect(customer?.kind).toBe(CustomerKind.COMPANY);
      if (!joined.has(index + 2)) {
        expect(customer?.displayName).toBe(name);
        expect(customer?.addresses[0]?.countryCode).toBe(countryCode);
      }
    }
  });

  test('changes nothing when imported again', async () => {
    const file: File = {
      contentType: 'application/json',
      data: await sample('universities.json'),
      kind: CustomerKind.COMPANY,
    };
    await tenant.importFile(file);
    const before = await tenant.storedRows();

    const again = await tenant.importFile(file);

    expect(counts(again)).toEqual({ ...none, unchanged: 56, joined: 4 });
    expect(await tenant.storedRows()).toEqual(before);
  });
});

describe('the sample of people', () => {
  test('is imported with its invalid phone numbers reported by line and stored as typed', async () => {
    const answer = await tenant.importFile(csv(await sample('people.csv'), { externalIdSystem: 'shop' }));

    expect(counts(answer)).toEqual({ ...none, created: 20 });
    expect(answer.issues.map(({ line, reason, message }) => [line, reason, /"(.*)"/.exec(message)?.[1]])).toEqual([
      [10, 'PHONE_INVALID', '+353 91 123'],
      [13, 'PHONE_INVALID', '+1 217 555'],
      [17, 'PHONE_INVALID', 'call the office'],
    ]);
    const stored = byName(await tenant.stored());
    expect(stored.get('Zoë Ångström')).toMatchObject({
      companyName: 'Nordljus AB',
      phones: [{ number: '+46812345678' }, { number: '+46812345679', label: 'fax' }],
      externalIds: [{ system: 'shop', value: '1' }],
      addresses: [{ street: 'Kungsgatan 12, 3 tr', city: 'Stockholm', postalCode: '111 35', countryCode: 'SE' }],
    });
    expect(stored.get('Amélie Lefèvre')?.phones).toMatchObject([{ number: '+33472103030' }]);
    expect(stored.get('Paweł Żółć')?.addresses).toMatchObject([{ street: 'ul. Świętokrzyska 5\nlok. 2' }]);
    expect(stored.get("Siobhán O'Brien")).toMatchObject({
      companyName: 'Brien "Bros" Ltd',
      phones: [{ number: '+353 91 123' }],
    });
  });

  test('changes nothing when imported again, nor when sent in single bytes', async () => {
    const file = csv(await sample('people.csv'));
    await tenant.importFile(file);
    const before = await tenant.storedRows();

    expect(counts(await tenant.importFile(file))).toEqual({ ...none, unchanged: 20 });
    expect(counts(await tenant.importFile({ ...file, pieceSize: 1 }))).toEqual({ ...none, unchanged: 20 });
    expect(await tenant.storedRows()).toEqual(before);
  });
});
