import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { contactFields, ExchangeTenant } from './exchange-tenant.ts';

const samples = join(import.meta.dirname, '../connectors/vcards');

const platform = await sharedPlatform(inject('platformUrl'));

type Person = Record<string, unknown>;

interface Expected {
  customers: Person[];
  /** Lines, and what is wrong there. */
  issues: [number, string][];
}

const john: Person = {
  ...{ displayName: 'Mr. John Richter James Doe Sr.', givenName: 'John', familyName: 'Doe' },
  ...{ jobTitle: 'Money Counter', companyName: 'IBM' },
};
const johnWithComma: Person = { ...john, displayName: 'Mr. John Richter, James Doe Sr.' };

/** What customers must be made of the files that programs have written: read off these by eye, not by a parser. */
const expected: Record<string, Expected> = {
  'John_Doe_ANDROID.vcf': {
    customers: [
      // Customers shows a person without a name by the e-mail address; the card gets no invented name.
      { displayName: 'john.doe@company.com', emails: [{ address: 'john.doe@company.com' }] },
      { displayName: 'jane.doe@company.com', emails: [{ address: 'jane.doe@company.com' }] },
      { displayName: 'Ñ Ñ Ñ Ñ Ñ', familyName: 'Ñ Ñ Ñ Ñ', phones: phones(['123456789', 'mobile']) },
      {
        displayName: 'Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ',
        familyName: 'Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ',
        phones: phones(['123456', 'mobile'], ['234567', 'home'], ['3456789', 'mobile'], ['45678901', 'home']),
      },
      {
        ...{ displayName: 'Ñ Ñ Ñ Ñ', familyName: 'Ñ Ñ', givenName: 'Ñ Ñ Ñ', companyName: 'ÑÑÑÑÑÑÑÑÑÑÑÑ' },
        emails: [{ address: 'bob@company.com', label: 'work' }],
        phones: phones(['123456', 'mobile']),
      },
      {
        ...{ displayName: 'ÑÑÑÑ', familyName: 'ÑÑÑÑ', companyName: 'Ñ'.repeat(44) },
        emails: [{ address: 'henry@company.com' }],
        phones: phones(['55556666', 'mobile']),
      },
    ],
    issues: [
      [1, 'NO_NAME'],
      [6, 'NO_NAME'],
      [32, 'MORE_THAN_ONE'],
      [44, 'EMAIL_INVALID'],
      [48, 'MORE_THAN_ONE'],
      [82, 'CHARSET_INVALID'],
      [87, 'MORE_THAN_ONE'],
      ...fromContent(1, 6, 11, 18, 36, 71),
    ],
  },
  'John_Doe_EVOLUTION.vcf': {
    customers: [
      {
        ...johnWithComma,
        emails: [{ address: 'john.doe@ibm.com', label: 'work' }],
        phones: phones(['905-666-1234', 'mobile'], ['905-555-1234', 'work']),
      },
    ],
    issues: [],
  },
  'John_Doe_GMAIL.vcf': {
    customers: [
      {
        ...johnWithComma,
        emails: [{ address: 'john.doe@ibm.com', label: 'home' }],
        phones: phones(['905-555-1234', 'mobile'], ['905-666-1234', 'home']),
      },
    ],
    issues: fromContent(1),
  },
  'John_Doe_IPHONE.vcf': {
    customers: [
      {
        ...john,
        emails: [{ address: 'john.doe@ibm.com' }],
        phones: phones(
          ['905-555-1234', 'mobile'],
          ['905-666-1234', 'home'],
          ['905-777-1234', 'work'],
          ['905-888-1234', 'fax'],
          ['905-999-1234', 'fax'],
          ['905-111-1234', 'pager'],
          ['905-222-1234', 'AssistantPhone'],
        ),
      },
    ],
    issues: fromContent(1),
  },
  'John_Doe_MS_OUTLOOK.vcf': {
    customers: [
      {
        ...john,
        emails: [{ address: 'john.doe@ibm.cm' }],
        phones: phones(['(905) 555-1234', 'work'], ['(905) 666-1234', 'home']),
      },
    ],
    issues: fromContent(1),
  },
  'gmail-list.vcf': {
    customers: [
      nameAndAddress('Arnold', 'Smith', 'asmithk@gmail.com'),
      nameAndAddress('Chris', 'Beatle', 'chrisy55d@yahoo.com'),
      nameAndAddress('Doug', 'White', 'dwhite@gmail.com'),
    ],
    issues: fromContent(1, 7, 13),
  },
  'outlook-2003.vcf': {
    customers: [
      {
        ...{ displayName: 'John Doe III', givenName: 'John', familyName: 'Doe' },
        ...{ jobTitle: 'The Job Title', companyName: 'Company, The' },
        emails: [{ address: 'jdoe@hotmail.com' }],
        phones: phones(
          ['BusinessPhone', 'work'],
          ['HomePhone', 'home'],
          ['MobilePhone', 'mobile'],
          ['BusinessFaxPhone', 'fax'],
        ),
      },
    ],
    issues: fromContent(1),
  },
  'rfc2426-example.vcf': {
    customers: [
      {
        ...{ displayName: 'Frank Dawson', companyName: 'Lotus Development Corporation' },
        emails: [{ address: 'Frank_Dawson@lotus.com' }, { address: 'fdawson@earthlink.net' }],
        phones: phones(['+19196769515', 'work'], ['+19196769564', 'fax']),
      },
      {
        ...{ displayName: 'Tim Howes', companyName: 'Netscape Communications Corp.' },
        emails: [{ address: 'howes@netscape.com' }],
        phones: phones(['+14159373419', 'work'], ['+14155284164', 'fax']),
      },
    ],
    issues: fromContent(1, 13),
  },
  'thunderbird-MoreFunctionsForAddressBook-extension.vcf': {
    customers: [
      {
        ...{ displayName: 'John Doe', givenName: 'John', familyName: 'Doe' },
        ...{ jobTitle: 'TheTitle', companyName: 'TheOrganization' },
        emails: [
          { address: 'doe.john@hotmail.com' },
          ...['', '1', '2', '3'].map((number) => ({ address: `additional-email${number}@company.com` })),
        ],
        phones: phones(
          ['555-555-1111', 'work'],
          ['555-555-2222', 'home'],
          ['555-555-5555', 'mobile'],
          ['555-555-3333', 'fax'],
          ['555-555-4444', 'pager'],
        ),
      },
    ],
    issues: fromContent(1),
  },
};

test('customers have what every given file says of them, and what it lacks or nobody can read is said', async () => {
  const files = (await readdir(samples)).filter((file) => file.endsWith('.vcf'));
  const imported = await Promise.all(files.map(async (file) => [file, await importFile(file)] as const));

  const wanted = Object.entries(expected).map(([file, { customers, issues }]) => [
    file,
    { customers: customers.map(withLists).sort(byName), issues: [...issues].sort() },
  ]);
  expect(Object.fromEntries(imported)).toEqual(Object.fromEntries(wanted));
});

async function importFile(file: string): Promise<Expected> {
  const tenant = await ExchangeTenant.create(platform);
  const folder = join(platform.filesDir, tenant.api.tenant.tenantId);
  await mkdir(folder, { recursive: true });
  await copyFile(join(samples, file), join(folder, file));
  const connection = await tenant.connect('file', { file, format: 'VCARD' });
  const mapping = await tenant.map(connection, {
    ...{ recordType: 'record', direction: 'TO_CUSTOMERS' },
    fields: contactFields,
  });
  const { issues } = await tenant.untilEqual(mapping, expected[file]?.customers.length);
  const names = contactFields.map(({ customerField }) => customerField);
  const customers = [...(await tenant.customers()).values()].map((customer) =>
    Object.fromEntries(names.flatMap((name) => (name in customer ? [[name, customer[name]]] : []))),
  );
  return {
    customers: customers.sort(byName),
    issues: issues.map(({ line = 0, reason }): [number, string] => [line, reason]).sort(),
  };
}

function phones(...numbers: (readonly [number: string, label: string])[]): Person[] {
  return numbers.map(([number, label]) => ({ number, label }));
}

function nameAndAddress(givenName: string, familyName: string, address: string): Person {
  return { displayName: `${givenName} ${familyName}`, givenName, familyName, emails: [{ address }] };
}

/** A card without UID is identified by its content, which is reported. */
function fromContent(...lines: number[]): [number, string][] {
  return lines.map((line) => [line, 'ID_FROM_CONTENT']);
}

/** Lists without items are there. */
function withLists(person: Person): Person {
  return { emails: [], phones: [], ...person };
}

function byName(one: Person, other: Person): number {
  return String(one['displayName']) < String(other['displayName']) ? -1 : 1;
}
