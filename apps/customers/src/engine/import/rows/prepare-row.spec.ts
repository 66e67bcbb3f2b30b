import { CustomerKind, LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { describe, expect, test } from 'vitest';
import { oneOfEach } from '../../../../test/custom-field-definition.js';
import { Columns } from '../columns/columns.js';
import { customerImport } from '../../../domain/customers/import/customer-import.js';
import { prepareRow, type PreparedRow } from './prepare-row.js';
import type { RowIssue } from './row-issue.js';

const customFields = oneOfEach();

function prepare(cells: Record<string, unknown>, map: string[] = [], kind = CustomerKind.PERSON, language?: string) {
  const columns = new Columns(customerImport, map, true, customFields);
  const targeted = columns.targeted({ line: 1, cells: Object.entries(cells), size: 0 });
  const mapped = customerImport.readRow(targeted, { kind, externalIdSystem: 'import', language }, customFields);
  return prepareRow(customerImport, mapped, customFields, {});
}

function taken(result: ReturnType<typeof prepare>): PreparedRow<Customer> {
  if ('refused' in result) return expect.fail(`refused: ${JSON.stringify(result.refused)}`);
  return result;
}

function reasons(result: ReturnType<typeof prepare>): [string, string | undefined][] {
  const issues = 'refused' in result ? result.refused : result.issues;
  return issues.map(({ reason, field }: RowIssue) => [reason, field]);
}

describe('values', () => {
  test("imports a customer in the contract's own JSON as it is", () => {
    const own = {
      kind: 'COMPANY',
      displayName: 'Acme',
      emails: [{ address: 'info@acme.example', label: 'office' }],
      phones: [{ number: '+493012345678', label: 'fax' }],
      addresses: [{ street: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE', label: 'billing' }],
      domains: ['acme.example'],
      tags: ['vip', 'a;b'],
      externalIds: [{ system: 'erp', value: '4711' }],
      lifecycleStage: 'FORMER_CUSTOMER',
      source: 'fair',
      customFields: { number: 25, boolean: false, multi_select: ['red'], money: { amount: '1', currencyCode: 'EUR' } },
    };

    const { record: customer, issues } = taken(prepare(own));

    expect(issues).toEqual([]);
    expect(JSON.parse(JSON.stringify(customer))).toMatchObject({
      ...own,
      kind: CustomerKind.COMPANY,
      lifecycleStage: LifecycleStage.FORMER_CUSTOMER,
    });
  });

  test('accepts several values in one cell, and several columns for one list', () => {
    const { record: customer } = taken(
      prepare({ Name: 'Ada', 'E-mail': 'a@x.example; B@Y.example', 'Other Email': 'c@z.example', Tags: 'x, y;x' }),
    );
    expect(customer.emails.map(({ address }) => address)).toEqual(['a@x.example', 'B@y.example', 'c@z.example']);
    expect(customer.tags).toEqual(['x', 'y']);
  });

  test('groups the columns of an address by its label', () => {
    const { record: customer } = taken(
      prepare({ Name: 'Ada', 'Home Street': 'Ring 1', 'Home Country': 'Turkiye', 'Billing City': 'Rom' }),
    );
    expect(customer.addresses).toEqual([
      expect.objectContaining({ street: 'Ring 1', countryCode: 'TR', label: 'home' }),
      expect.objectContaining({ city: 'Rom', label: 'billing' }),
    ]);
  });

  test('takes the host of a web page, except shared sites', () => {
    const company = (website: string) => prepare({ Company: 'Acme', Website: website }, [], CustomerKind.COMPANY);
    expect(taken(company('https://www.Acme.example:8080/en?x=1')).record.domains).toEqual(['acme.example']);
    expect(taken(company('acme.example/shop')).record.domains).toEqual(['acme.example']);
    expect(reasons(company('https://www.facebook.com/acme'))).toEqual([['DOMAIN_SHARED', 'domain']]);
  });

  test('parses local phone numbers by the country of the row', () => {
    const { record: customer, issues } = taken(prepare({ Name: 'Ada', Country: 'Germany', Phone: '030 901820' }));
    expect([customer.phones[0]?.number, issues]).toEqual(['+4930901820', []]);
  });

  test('assigns an external id to the system that the map or the request names', () => {
    const { record: customer } = taken(
      prepare({ n: 'Ada', a: 1, b: 'x/1' }, ['n=display_name', 'a=external_id', 'b=external_id.erp']),
    );
    expect(customer.externalIds).toEqual([
      { system: 'import', value: '1' },
      { system: 'erp', value: 'x/1' },
    ]);
  });
});

describe('names of countries', () => {
  const countryOf = (country: string, language?: string) =>
    taken(prepare({ Name: 'Ada', Country: country }, [], CustomerKind.PERSON, language)).record.addresses[0]
      ?.countryCode;

  test.each([
    ['Deutschland', 'de', 'DE'],
    ['Österreich', 'de-AT', 'AT'],
    ['中国', 'zh-CN', 'CN'],
    ['Germany', 'de', 'DE'],
    ['Deutschland', undefined, undefined],
  ])('%s in a file in %s is %s', (country, language, code) => {
    expect(countryOf(country, language)).toBe(code);
  });
});

describe('wrong values', () => {
  test('quotes money as a cell has it', () => {
    const result = prepare({ n: 'Ada', Price: '100 XXQ' }, ['n=display_name', 'Price=custom_fields.money']);
    expect(taken(result).issues.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^"100 XXQ" was omitted/),
    ]);
  });

  test('stores an invalid phone number as typed, with a warning', () => {
    const result = prepare({ Name: 'Ada', Phone: 'call me' });
    expect(taken(result).record.phones).toEqual([{ number: 'call me', label: undefined }]);
    expect(reasons(result)).toEqual([['PHONE_INVALID', 'phones[0].number']]);
  });

  test('omits each invalid value with a warning and imports the rest', () => {
    const result = prepare({
      Name: 'Ada',
      Email: 'ada@x.example, nobody, b@y.example',
      Country: 'Atlantis',
      City: 'x'.repeat(151),
      Title: 'nul \0 inside',
      'Lifecycle Stage': 'constructor',
      Tags: Array.from({ length: 60 }, (_, index) => `t${index}`),
      'First Name': { given: 'Ada' },
      Website: 'ada.example',
      'Owner Id': 'me',
    });
    const { record: customer, issues } = taken(result);
    expect(customer.emails.map(({ address }) => address)).toEqual(['ada@x.example', 'b@y.example']);
    expect(customer.tags).toHaveLength(50);
    expect(customer).toMatchObject({ domains: [], addresses: [], jobTitle: undefined, givenName: undefined });
    expect(reasons(result)).toEqual(
      expect.arrayContaining([
        ['BAD_FORMAT', 'emails[1].address'],
        ['COUNTRY_UNKNOWN', 'country'],
        ['TOO_LONG', 'addresses[0].city'],
        ['BAD_CHARACTERS', 'jobTitle'],
        ['VALUE_UNKNOWN', 'lifecycleStage'],
        ['TOO_MANY_ITEMS', 'tags'],
        ['VALUE_INVALID', 'givenName'],
        ['NOT_ALLOWED', 'domains'],
        ['BAD_FORMAT', 'ownerId'],
      ]),
    );
    expect(issues.every(({ severity }) => severity === Severity.WARNING)).toBe(true);
  });

  test.each([
    ['an invalid e-mail address is its only unique value', { Name: 'Ada', Email: 'nobody' }, 'BAD_FORMAT'],
    ['no customer is named', { City: 'Berlin' }, 'NAME_MISSING'],
    ['the kind is unknown', { Name: 'Ada', Kind: 'robot' }, 'VALUE_UNKNOWN'],
  ])('refuses the row when %s', (_why, cells, reason) => {
    const result = prepare(cells);
    expect('refused' in result && result.refused).toContainEqual(
      expect.objectContaining({ severity: Severity.ERROR, reason }),
    );
  });

  test('accepts a row with an invalid e-mail address that has an external id', () => {
    const result = prepare({ Id: 7, Name: 'Ada', Email: 'nobody' });
    expect(taken(result).record.emails).toEqual([]);
    expect(reasons(result)).toEqual([['BAD_FORMAT', 'emails[0].address']]);
  });
});

describe('custom fields', () => {
  test('parse the texts of cells as values of their types', () => {
    const { record: customer, issues } = taken(
      prepare({ n: 'Ada', Seats: '25', Mix: 'RED; blue', Price: 'EUR 12.50', Active: 'yes', Since: '20260131' }, [
        'n=display_name',
        'Seats=custom_fields.number',
        'Mix=custom_fields.multi_select',
        'Price=custom_fields.money',
        'Active=custom_fields.boolean',
        'Since=custom_fields.date',
      ]),
    );
    expect(issues).toEqual([]);
    expect(customer.customFields).toEqual({
      number: 25,
      multi_select: ['red', 'blue'],
      money: { amount: '12.50', currencyCode: 'EUR' },
      boolean: true,
      date: '2026-01-31',
    });
  });

  test('omit only invalid values, each with a warning that names it', () => {
    const values = { number: 'many', select: 'pink', text: 'nul \0', date: '2026-01-31', nothing: 1, url: '' };
    const result = prepare({ Name: 'Ada', customFields: values });
    expect(taken(result).record.customFields).toEqual({ date: '2026-01-31' });
    expect(reasons(result)).toEqual([
      ['BAD_CHARACTERS', 'customFields.text'],
      ['UNKNOWN_FIELD', 'customFields.nothing'],
      ['UNKNOWN_VALUE', 'customFields.select'],
      ['WRONG_TYPE', 'customFields.number'],
    ]);
    expect(reasons(prepare({ Name: 'Ada', customFields: 'x' }))).toEqual([['VALUE_INVALID', 'customFields']]);
  });

  test('keep numbers of many digits beside each other', () => {
    const { record: customer } = taken(
      prepare({ Name: 'Ada', customFields: { number: '12.5', text: '12345678901234567890' } }),
    );
    expect(customer.customFields).toEqual({ number: 12.5, text: '12345678901234567890' });
  });
});

test('accepts birth dates with the year first', () => {
  const day = (text: string) => prepare({ Name: 'Ada', Birthday: text });
  expect(taken(day('18151210')).record.birthDate).toBe('1815-12-10');
  expect(reasons(day('10.12.1815'))).toEqual([['BAD_FORMAT', 'birthDate']]);
  expect(reasons(day('1815-02-30'))).toEqual([['BAD_FORMAT', 'birthDate']]);
});

describe('map', () => {
  test.each([
    ['an unknown field', ['a=colour'], 'UNKNOWN_FIELD'],
    ['an output-only field', ['a=etag'], 'UNKNOWN_FIELD'],
    ['a column twice', ['a=email', 'a=phone'], 'DUPLICATE'],
    ['an unknown custom field', ['a=custom_fields.colour'], 'UNKNOWN_FIELD'],
    ['a custom field twice', ['a=custom_fields.text', 'b=custom_fields.text'], 'DUPLICATE'],
    ['a single-column field twice', ['a=display_name', 'b=display_name'], 'DUPLICATE'],
  ])('refuses %s', (_what, map, reason) => {
    expect(() => new Columns(customerImport, map, false, customFields)).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ reason })] }),
    );
  });

  test('refuses a column that the file lacks, after reading the file', () => {
    const columns = new Columns(customerImport, ['a=email', 'b=phone'], false, customFields);
    columns.placeHeader(['a', 'c']);
    expect(() => columns.report()).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ field: 'map', reason: 'COLUMN_MISSING' })] }),
    );
  });

  test('refuses a CSV file without a known column', () => {
    expect(() => new Columns(customerImport, [], false, customFields).placeHeader(['1', 'Ada'])).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ field: 'map', reason: 'COLUMNS_UNKNOWN' })] }),
    );
  });
});
