import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/connectors/peer-record.js';
import { issues, sampleRecords } from './sample-records.js';

const n = (count: number) => Array.from({ length: count }, () => 'Ñ').join(' ');

describe('vCards of version 2.1 as they were written by', () => {
  test('Android with quoted-printable, cards without any name, a cut character', async () => {
    const found = await sampleRecords('John_Doe_ANDROID.vcf');
    expect(found.map(({ fields }) => fields)).toEqual([
      { emails: [{ address: 'john.doe@company.com', primary: true }], categories: ['My Contacts'] },
      { emails: [{ address: 'jane.doe@company.com', primary: true }], categories: ['My Contacts'] },
      {
        displayName: n(5),
        familyName: n(4),
        phones: [{ number: '123456789', types: ['cell'], primary: true }],
        categories: ['My Contacts'],
      },
      {
        displayName: n(11),
        familyName: n(11),
        phones: [
          { number: '123456', types: ['cell'], primary: true },
          { number: '234567', types: ['home'] },
          { number: '3456789', types: ['cell'] },
          { number: '45678901', types: ['home'] },
        ],
        note: expect.stringMatching(/^Ñ(?: ?Ñ)+$/) as string,
        categories: ['My Contacts'],
      },
      {
        displayName: n(4),
        familyName: n(2),
        givenName: n(3),
        organization: 'Ñ'.repeat(12),
        phones: [
          { number: '123456', types: ['cell'], primary: true },
          { number: '123456', types: ['work'] },
          { number: '123456', types: ['work', 'fax'] },
        ],
        emails: [{ address: 'bob@company.com', types: ['work'], primary: true }],
        urls: [{ url: 'www.company.com' }, { url: 'http://www.company.com' }],
      },
      {
        displayName: 'ÑÑÑÑ',
        familyName: 'ÑÑÑÑ',
        organization: 'Ñ'.repeat(44),
        phones: [{ number: '55556666', types: ['cell'], primary: true }],
        emails: [{ address: 'henry@company.com', primary: true }],
        categories: ['My Contacts'],
      },
    ] satisfies JsonObject[]);
    expect(found.map(issues)).toEqual([
      [[1, 'NO_NAME']],
      [[6, 'NO_NAME']],
      [],
      [[32, 'MORE_THAN_ONE']],
      [
        [48, 'MORE_THAN_ONE'],
        [44, 'EMAIL_INVALID'],
      ],
      [
        [82, 'CHARSET_INVALID'],
        [87, 'MORE_THAN_ONE'],
      ],
    ]);
  });

  test('Outlook with a photo on lines of its own, quoted-printable labels', async () => {
    const [john, ...others] = await sampleRecords('John_Doe_MS_OUTLOOK.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john?.fields).toMatchObject({
      displayName: 'Mr. John Richter James Doe Sr.',
      familyName: 'Doe',
      givenName: 'John',
      middleName: 'Richter,James',
      organization: 'IBM',
      department: 'Accounting',
      jobTitle: 'Money Counter',
      role: 'Counting Money',
      emails: [{ address: 'john.doe@ibm.cm', primary: true }],
      phones: [
        { number: '(905) 555-1234', types: ['work', 'voice'] },
        { number: '(905) 666-1234', types: ['home', 'voice'] },
      ],
      addresses: [
        { street: 'Cresent moon drive', city: 'Albaney', types: ['work'], primary: true },
        { street: 'Silicon Alley 5,', city: 'New York', types: ['home'] },
      ],
      urls: [{ url: 'http://www.ibm.com', types: ['work'] }],
      birthDate: '1980-03-22',
    });
  });

  test('Outlook 2003 with a comma in a name, a certificate, soft line breaks', async () => {
    const [john, ...others] = await sampleRecords('outlook-2003.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john?.fields).toEqual({
      displayName: 'John Doe III',
      familyName: 'Doe',
      givenName: 'John',
      namePrefix: 'Mr.',
      nameSuffix: 'III',
      nickname: 'Joey',
      organization: 'Company, The',
      department: 'TheDepartment',
      jobTitle: 'The Job Title',
      role: 'TheProfession',
      note: 'This is the note field!!\r\nSecond line\r\n\r\nThird line is empty',
      emails: [{ address: 'jdoe@hotmail.com', primary: true }],
      phones: [
        { number: 'BusinessPhone', types: ['work', 'voice'] },
        { number: 'HomePhone', types: ['home', 'voice'] },
        { number: 'MobilePhone', types: ['cell', 'voice'] },
        { number: 'BusinessFaxPhone', types: ['work', 'fax'] },
      ],
      addresses: [
        {
          ...{ extended: 'TheOffice', street: '123 Main St', city: 'Austin', state: 'TX', postalCode: '12345' },
          ...{ country: 'United States of America', types: ['work'] },
        },
      ],
      urls: [{ url: 'http://web-page-address.com', types: ['work'] }],
      birthDate: '1980-03-21',
    });
  });
});
