import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/connectors/peer-record.js';
import { issues, sampleRecords } from './sample-records.js';

describe('vCards of version 3.0 as they were written by', () => {
  test('Evolution with folded lines, parameters in quotes, escaped commas', async () => {
    const [john, ...others] = await sampleRecords('John_Doe_EVOLUTION.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john).toMatchObject({
      id: '477343c8e6bf375a9bac1f96a5000837',
      fields: {
        displayName: 'Mr. John Richter, James Doe Sr.',
        familyName: 'Doe',
        givenName: 'John',
        middleName: 'Richter, James',
        namePrefix: 'Mr.',
        nameSuffix: 'Sr.',
        nickname: 'Johny',
        organization: 'IBM',
        department: 'Accounting / Dungeon',
        jobTitle: 'Money Counter',
        emails: [{ address: 'john.doe@ibm.com', types: ['work'] }],
        phones: [
          { number: '905-666-1234', types: ['cell'] },
          { number: '905-555-1234', types: ['work', 'voice'] },
        ],
        addresses: [
          {
            ...{ poBox: 'ASB-123', street: '15 Crescent moon drive', city: 'Albaney', state: 'New York' },
            ...{ postalCode: '12345', country: 'United States of America', types: ['home'] },
          },
        ],
        urls: [{ url: 'http://www.ibm.com' }],
        birthDate: '1980-03-22',
        categories: ['VIP'],
      },
    });
  });

  test('Gmail with escaped colons, everything of an address in one part', async () => {
    const [john, ...others] = await sampleRecords('John_Doe_GMAIL.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john?.fields).toMatchObject({
      displayName: 'Mr. John Richter, James Doe Sr.',
      familyName: 'Doe',
      givenName: 'John',
      emails: [{ address: 'john.doe@ibm.com', types: ['home'] }],
      phones: [
        { number: '905-555-1234', types: ['cell'] },
        { number: '905-666-1234', types: ['home'] },
      ],
      addresses: [
        {
          extended: 'Crescent moon drive\n555-asd\nNice Area, Albaney, New York 12345\nUnited States of America',
          types: ['home'],
        },
      ],
      urls: [{ url: 'http://www.ibm.com', types: ['work'] }],
      birthDate: '1980-03-22',
    });
    expect(john?.fields['note']).toMatch(/^THIS SOFTWARE.*"AS IS" AND.*\nFavotire Color: Blue$/s);
  });

  test('an iPhone with lines that end with CR CR LF, groups with labels', async () => {
    const [john, ...others] = await sampleRecords('John_Doe_IPHONE.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john?.fields).toEqual({
      displayName: 'Mr. John Richter James Doe Sr.',
      familyName: 'Doe',
      givenName: 'John',
      middleName: 'Richter James',
      namePrefix: 'Mr.',
      nameSuffix: 'Sr.',
      nickname: 'Johny',
      organization: 'IBM',
      department: 'Accounting',
      jobTitle: 'Money Counter',
      emails: [{ address: 'john.doe@ibm.com', primary: true }],
      phones: [
        { number: '905-555-1234', types: ['cell', 'voice'], primary: true },
        { number: '905-666-1234', types: ['home', 'voice'] },
        { number: '905-777-1234', types: ['work', 'voice'] },
        { number: '905-888-1234', types: ['home', 'fax'] },
        { number: '905-999-1234', types: ['work', 'fax'] },
        { number: '905-111-1234', types: ['pager'] },
        { number: '905-222-1234', label: 'AssistantPhone' },
      ],
      addresses: [
        {
          ...{ street: 'Silicon Alley 5', city: 'New York', state: 'New York', postalCode: '12345' },
          ...{ country: 'United States of America', types: ['home'], primary: true },
        },
        {
          street: 'Street4\nBuilding 6\nFloor 8',
          city: 'New York',
          postalCode: '12345',
          country: 'USA',
          types: ['work'],
        },
      ],
      urls: [{ url: 'http://www.ibm.com', label: 'HomePage', primary: true }],
      birthDate: '2012-06-06',
    });
  });

  test('the authors of RFC 2426: lists of types, cards without N, a folded address', async () => {
    const [frank, tim, ...others] = await sampleRecords('rfc2426-example.vcf');
    expect(others).toEqual([]);
    expect([issues(frank), issues(tim)]).toEqual([[], []]);
    expect(frank?.fields).toEqual({
      displayName: 'Frank Dawson',
      organization: 'Lotus Development Corporation',
      emails: [{ address: 'Frank_Dawson@Lotus.com', primary: true }, { address: 'fdawson@earthlink.net' }],
      phones: [
        { number: '+1-919-676-9515', types: ['voice', 'msg', 'work'] },
        { number: '+1-919-676-9564', types: ['fax', 'work'] },
      ],
      addresses: [
        {
          ...{ street: '6544 Battleford Drive', city: 'Raleigh', state: 'NC', postalCode: '27613-3502' },
          ...{ country: 'U.S.A.', types: ['work', 'postal', 'parcel'] },
        },
      ],
      urls: [{ url: 'http://home.earthlink.net/~fdawson' }],
    });
    expect(tim?.fields).toMatchObject({
      displayName: 'Tim Howes',
      emails: [{ address: 'howes@netscape.com' }],
      phones: [{ number: '+1-415-937-3419' }, { number: '+1-415-528-4164' }],
      addresses: [{ street: '501 E. Middlefield Rd.', city: 'Mountain View', state: 'CA', postalCode: '94043' }],
    });
  });

  test('Gmail: several cards in a file whose last line has no end', async () => {
    expect((await sampleRecords('gmail-list.vcf')).map(({ fields }) => fields)).toEqual([
      contact('Arnold Smith', 'Smith', 'Arnold', 'asmithk@gmail.com'),
      contact('Chris Beatle', 'Beatle', 'Chris', 'chrisy55d@yahoo.com'),
      contact('Doug White', 'White', 'Doug', 'dwhite@gmail.com'),
    ]);
  });

  test('an extension of Thunderbird: folded lines that end otherwise than the others', async () => {
    const [john, ...others] = await sampleRecords('thunderbird-MoreFunctionsForAddressBook-extension.vcf');
    expect(others).toEqual([]);
    expect(issues(john)).toEqual([]);
    expect(john?.fields).toMatchObject({
      displayName: 'John Doe',
      familyName: 'Doe',
      givenName: 'John',
      organization: 'TheOrganization',
      department: 'TheDepartment',
      emails: [
        { address: 'doe.john@hotmail.com', primary: true },
        ...['', '1', '2', '3'].map((number) => ({ address: `additional-email${number}@company.com` })),
      ],
      phones: [
        { number: '555-555-1111', types: ['work', 'voice'] },
        { number: '555-555-2222', types: ['home', 'voice'] },
        { number: '555-555-5555', types: ['cell', 'voice'] },
        { number: '555-555-3333', types: ['fax'] },
        { number: '555-555-4444', types: ['pager'] },
      ],
      categories: ['category1', 'category2', 'category3'],
      birthDate: '1970-09-21',
      note: 'This is the notes field.\nSecond Line\n\nFourth Line\nYou can put anything in the "note" field; even curse words.',
    });
  });
});

function contact(displayName: string, familyName: string, givenName: string, address: string): JsonObject {
  return { displayName, familyName, givenName, emails: [{ address }] };
}
