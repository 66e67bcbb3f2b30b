import { expect, test } from 'vitest';
import { definition } from '../../../../test/custom-field-definition.js';
import { CustomFields } from '../../../engine/fields/custom-fields.js';
import { guessColumns } from '../../../engine/import/columns/guess-columns.js';
import { formatTarget } from '../../../engine/import/columns/import-target.js';
import { customerImport } from './customer-import.js';

function guess(columns: string[], takeIds = false, customFields = new CustomFields([])): Record<string, string> {
  const targets = guessColumns(customerImport, columns, { takeIds, customFields });
  return Object.fromEntries([...targets].map(([column, target]) => [column, formatTarget(customerImport, target)]));
}

test('maps the columns of Google contacts', () => {
  const columns = ['First Name', 'Last Name', 'Organization Name', 'Organization Title', 'Notes', 'Labels'];
  const values = ['E-mail 1 - Label', 'E-mail 1 - Value', 'Phone 1 - Label', 'Phone 1 - Value', 'Phone 2 - Value'];
  const address = ['Address 1 - Street', 'Address 1 - City', 'Address 1 - Postal Code', 'Address 1 - Country'];
  expect(guess([...columns, ...values, ...address])).toEqual({
    'First Name': 'givenName',
    'Last Name': 'familyName',
    'Organization Name': 'companyName',
    'Organization Title': 'jobTitle',
    Labels: 'tag',
    'E-mail 1 - Value': 'email',
    'Phone 1 - Value': 'phone',
    'Phone 2 - Value': 'phone',
    'Address 1 - Street': 'street',
    'Address 1 - City': 'city',
    'Address 1 - Postal Code': 'postalCode',
    'Address 1 - Country': 'country',
  });
});

test('maps the columns of Outlook, and prefers "Job Title" to "Title"', () => {
  const columns = ['Title', 'First Name', 'Job Title', 'E-mail Address', 'E-mail 2 Address', 'Business Phone'];
  const more = ['Home Phone', 'Mobile Phone', 'Business Fax', 'Business Street', 'Home City', 'Web Page'];
  expect(guess([...columns, ...more])).toEqual({
    'First Name': 'givenName',
    'Job Title': 'jobTitle',
    'E-mail Address': 'email',
    'E-mail 2 Address': 'email',
    'Business Phone': 'phone.work',
    'Home Phone': 'phone.home',
    'Mobile Phone': 'phone.mobile',
    'Business Fax': 'phone.work fax',
    'Business Street': 'street.work',
    'Home City': 'city.home',
    'Web Page': 'domain',
  });
});

test('maps the columns of HubSpot and Salesforce', () => {
  expect(guess(['Company name', 'Website URL', 'Phone Number', 'State/Region', 'Lifecycle Stage'])).toEqual({
    'Company name': 'companyName',
    'Website URL': 'domain',
    'Phone Number': 'phone',
    'State/Region': 'state',
    'Lifecycle Stage': 'lifecycleStage',
  });
  expect(guess(['Account Name', 'Title', 'Mailing Street', 'Billing Zip/Postal Code', 'Lead Source'])).toEqual({
    'Account Name': 'companyName',
    Title: 'jobTitle',
    'Mailing Street': 'street',
    'Billing Zip/Postal Code': 'postalCode.billing',
    'Lead Source': 'source',
  });
});

test('prefers domains to web pages, and the code of a country to its name', () => {
  expect(guess(['name', 'domains', 'web_pages', 'country', 'alpha_two_code', 'state-province'])).toEqual({
    name: 'displayName',
    domains: 'domain',
    alpha_two_code: 'countryCode',
    'state-province': 'state',
  });
});

test("maps the fields of the contract's own JSON", () => {
  const own = ['kind', 'displayName', 'givenName', 'emails', 'phones', 'addresses', 'externalIds', 'companyId'];
  expect(Object.values(guess(own))).toEqual(
    expect.arrayContaining([
      'kind',
      'displayName',
      'givenName',
      'email',
      'phone',
      'address',
      'externalId',
      'companyId',
    ]),
  );
});

test('maps a column of ids only when their system is named', () => {
  expect(guess(['CustomerId', 'FirstName'])).toEqual({ FirstName: 'givenName' });
  expect(guess(['CustomerId', 'FirstName'], true)).toEqual({ CustomerId: 'externalId', FirstName: 'givenName' });
});

test('ignores unknown columns, including names of Object.prototype', () => {
  expect(guess(['constructor', '__proto__', 'toString', '', 'SupportRepId', 'Notes'])).toEqual({});
});

test('maps custom fields by key and name, after standard fields', () => {
  const fields = new CustomFields([
    definition('plan', 'TEXT', { displayName: 'Abo-Modell' }),
    definition('seats_used', 'NUMBER'),
    definition('city', 'TEXT'),
    definition('gone', 'TEXT', { deleteTime: new Date() }),
  ]);
  expect(guess(['Abo Modell', 'Seats used', 'City', 'Gone', 'Birthday'], false, fields)).toEqual({
    'Abo Modell': 'customFields.plan',
    'Seats used': 'customFields.seats_used',
    City: 'city',
    Birthday: 'birthDate',
  });
});

test('maps a dotted name to the target that it names in full', () => {
  const fields = new CustomFields([definition('city', 'TEXT')]);
  const columns = ['custom_fields.city', 'external_id.my.erp', 'phone.fax', 'custom_fields.none', 'etag.x'];
  expect(guess(columns, false, fields)).toEqual({
    'custom_fields.city': 'customFields.city',
    'external_id.my.erp': 'externalId.my.erp',
    'phone.fax': 'phone.fax',
  });
});
