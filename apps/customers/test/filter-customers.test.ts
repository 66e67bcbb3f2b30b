import type { AppError } from '@rapport/platform';
import { expect, test } from 'vitest';
import { associate, makeFilteredCustomers } from './filtered-tenant.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

const caller = newCaller();
const { ada, acme } = await makeFilteredCustomers(customers, caller);

const all = ['Acme', 'Ada "The" O\'Byron\\', 'Zoë'];
const [acmeName = '', adaName = '', zoe = ''] = all;

test.each<[string, string[]]>([
  ['', all],
  ['  ', all],
  ['kind = PERSON', [adaName, zoe]],
  ['kind != PERSON', [acmeName]],
  ['NOT kind = PERSON', [acmeName]],
  ['-(kind = PERSON)', [acmeName]],
  ['display_name = "Acme"', [acmeName]],
  ['displayName = Acme', [acmeName]],
  ['display_name = acme', [acmeName]],
  ['display_name = ÁCMÉ', [acmeName]],
  ['display_name = Acm', []],
  ['display_name = A*', [acmeName, adaName]],
  ['display_name = "A\\*"', []],
  [`display_name = "Ada \\"The\\" O'Byron\\\\"`, [adaName]],
  ['display_name >= "b"', [zoe]],
  ['display_name < "ADB"', [acmeName, adaName]],
  ['display_name > ZOE', []],
  ['given_name = Ada', [adaName]],
  ['given_name != Ada', [acmeName, zoe]],
  ['NOT given_name = Ada', [acmeName, zoe]],
  ['NOT (given_name = Ada AND kind = PERSON)', [acmeName, zoe]],
  ['given_name:*', [adaName]],
  ['NOT company_id:*', [acmeName, zoe]],
  ['given_name = ÀDA', [adaName]],
  ['family_name = lov*', [adaName]],
  ['family_name >= Lovelace AND family_name <= "lovelace"', [adaName]],
  ['family_name != Lovelace', [acmeName, zoe]],
  ['NOT family_name:*', [acmeName, zoe]],
  ['company_name < b', [adaName]],
  ['birth_date = 1815-12-10', [adaName]],
  ['source = "100%_\\*"', [adaName]],
  ['source = "1%"', []],
  ['lifecycle_stage = LEAD', [adaName]],
  ['lifecycle_stage > LEAD', [acmeName]],
  ['lifecycleStage <= customer', [acmeName, adaName]],
  ['lifecycle_stage > FORMER_CUSTOMER', []],
  ['lifecycle_stage != LEAD', [acmeName, zoe]],
  ['NOT lifecycle_stage >= SUBSCRIBER', [zoe]],
  ['emails:ada@example.COM', [adaName]],
  ['emails:"ada@h*"', [adaName]],
  ['emails:"ADA@*" AND NOT emails:"ada@g*"', [adaName]],
  ['emails:ada@example.com OR domains:acme.test', [acmeName, adaName]],
  ['emails:example.com', []],
  ['NOT emails:*', [acmeName, zoe]],
  ['phones:"+49 (30) 90-1820"', [adaName]],
  ['domains:ACME.test', [acmeName]],
  ['domains:acme.*', [acmeName]],
  ['tags:vip', [adaName]],
  ['tags:"New York"', [adaName]],
  ['tags != vip', [acmeName, zoe]],
  ['external_ids:erp', [acmeName]],
  ['external_ids:"erp/4711"', [acmeName]],
  ['external_ids:erp/47*', [acmeName]],
  ['external_ids:erp/47', []],
  ['external_ids:er', []],
  ['city:"são paulo"', [acmeName]],
  ['city:rio AND state:rj', [acmeName]],
  ['country_code:br', [acmeName]],
  ['postal_code:"01310-100"', [acmeName]],
  ['-state:*', [adaName, zoe]],
  ['create_time > 2020-01-01', all],
  ['create_time > "2020-01-01T00:00:00.123456789+02:00"', all],
  ['update_time < 2020-01-01T00:00:00Z', []],
  ['kind = COMPANY OR tags:vip', [acmeName, adaName]],
  // OR binds closer than AND (AIP-160).
  ['kind = PERSON AND tags:vip OR given_name:*', [adaName]],
  ['tags:vip OR kind = COMPANY AND kind = COMPANY', [acmeName]],
  ['(tags:vip) OR (kind = COMPANY AND kind = COMPANY)', [acmeName, adaName]],
  ['kind = PERSON tags:vip', [adaName]],
  ['kind = PERSON AND NOT (tags:vip OR domains:*)', [zoe]],
  ['custom_fields.note = "CALLS on mondays"', [adaName]],
  ['custom_fields.note = "calls*"', [adaName]],
  ['custom_fields.note > b AND custom_fields.note < d', [adaName]],
  ['customFields.seats >= -2.5', [acmeName, adaName]],
  ['custom_fields.seats > 10', [acmeName]],
  ['custom_fields.seats = 1e2', [acmeName]],
  ['custom_fields.seats != 100', [adaName, zoe]],
  ['NOT custom_fields.seats < 0', [acmeName, zoe]],
  ['custom_fields.score = 12.50', [acmeName]],
  ['custom_fields.score < 0', [adaName]],
  ['custom_fields.revenue = "eur 12.5"', [acmeName]],
  ['custom_fields.revenue = EUR*', [acmeName]],
  ['custom_fields.revenue >= "EUR 13"', [adaName]],
  ['custom_fields.day <= 2026-01-31', [acmeName]],
  ['custom_fields.called > 2026-01-31', [acmeName]],
  ['custom_fields.called = "2026-01-31T10:30:00+01:00"', [acmeName]],
  ['custom_fields.news = TRUE', [adaName]],
  ['custom_fields.plan = GOLD', [acmeName]],
  ['custom_fields.plan:gold', [acmeName]],
  ['custom_fields.plan != gold', [adaName, zoe]],
  ['custom_fields.plan:*', [acmeName, adaName]],
  ['custom_fields.hobbies:Chess AND custom_fields.hobbies:go', [adaName]],
  ['custom_fields.site = "https://ACME.example"', [acmeName]],
  ['company.country_code:br', [adaName]],
  ['company.displayName = "AC*"', [adaName]],
  ['company.domains:acme.t*', [adaName]],
  ['company.custom_fields.seats > 10', [adaName]],
  ['company.city != "São Paulo"', [acmeName, zoe]],
  ['company.state:*', [adaName]],
  ['associations.partner_of:*', [zoe]],
  ['associations.partner_of.kind = PERSON', [zoe]],
  ['associations.partner_of.tags:vip AND associations.partner_of.emails:ada@*', [zoe]],
  ['associations.partner_of.kind = COMPANY', []],
  ['associations.employee_of:*', []],
  ['kind IN (PERSON)', [adaName, zoe]],
  ['displayName IN (acme, ZOË, "nobody")', [acmeName, zoe]],
  ['NOT displayName IN (acme, ZOE)', [adaName]],
  ['tags IN (x, vip) OR domains IN (acme.test, b.test)', [acmeName, adaName]],
  ['emails IN (nobody@example.com, ada@home.test, ada@example.com)', [adaName]],
  ['externalIds IN ("erp/4711", crm)', [acmeName]],
  ['lifecycleStage IN (LEAD, CUSTOMER)', [acmeName, adaName]],
  ['customFields.seats IN (100, -2.5, 7)', [acmeName, adaName]],
  ['customFields.plan IN (gold, silver)', [acmeName, adaName]],
  ['customFields.revenue IN ("EUR 12.5", USD*)', [acmeName, adaName]],
  ['company.tags IN (x) OR company.countryCode IN (br, de)', [adaName]],
  ['displayName BETWEEN acme AND ada', [acmeName]],
  ['displayName BETWEEN acme AND "adb" AND kind = PERSON', [adaName]],
  ['NOT displayName BETWEEN acme AND adb', [zoe]],
  ['customFields.seats BETWEEN -5 AND 5', [adaName]],
  ['customFields.day BETWEEN 2026-01-01 AND 2026-12-31', [acmeName]],
  ['customFields.revenue BETWEEN "EUR 10" AND "EUR 20"', [acmeName]],
  ['displayName:"*the*"', [adaName]],
  ['displayName:"*Byron\\\\"', [adaName]],
  ['displayName:"*cme"', [acmeName]],
  ['displayName:"*acm"', []],
  ['displayName:"*byr%*"', []],
  ['familyName = "*ÉLA*"', [adaName]],
  ['familyName != "*vela*"', [acmeName, zoe]],
  ['givenName:*ada', [adaName]],
  ['givenName:"*lovelace*"', []],
  ['emails:"*@home.test"', [adaName]],
  ['emails:*EXAMPLE*', [adaName]],
  ['emails:*example', []],
  ['domains:"*.example"', [acmeName]],
  ['phones:"*1820"', [adaName]],
  ['phones:"*49 30-90*"', [adaName]],
  ['phones:"*030 90*"', [adaName]],
  ['company.displayName:"*cme*"', [adaName]],
  ['associations.partner_of.emails:"*@home.test"', [zoe]],
  ['createTime > now-1h AND createTime <= now+1h', all],
  ['createTime < now-30d', []],
  ['createTime BETWEEN today-1d AND today+1d', all],
  ['customFields.called < now', [acmeName]],
  ['customFields.day < today+36500d', [acmeName]],
  ['customFields.day = today', []],
  ['NOT associations.partner_of.tags:vip', [acmeName, adaName]],
])('%s', async (filter, expected) => {
  expect(await customers.names(caller, { filter, orderBy: 'display_name' })).toEqual(expected);
});

test('compares ids', async () => {
  expect(await customers.names(caller, { filter: `company_id = ${acme.id}` })).toEqual([adaName]);
  expect(await customers.names(caller, { filter: `id = "${ada.id.toUpperCase()}"` })).toEqual([adaName]);
  expect(await customers.names(caller, { filter: `custom_fields.knows = ${acme.id}` })).toEqual([adaName]);
  expect(await customers.names(caller, { filter: `associations.partner_of:${ada.id}` })).toEqual([zoe]);
  expect(await customers.names(caller, { filter: `associations.partner_of != ${ada.id}` })).toHaveLength(2);
});

test('ignores deleted companies and associations with deleted customers', async () => {
  const caller = newCaller();
  const firm = await customers.create(caller, company({ displayName: 'Gone', tags: ['x'] }));
  const one = await customers.create(caller, person({ displayName: 'Left', companyId: firm.id }));
  await associate(customers, caller, one.id, firm.id);
  const filters = ['company.tags:x', 'associations.partner_of:*', 'associations.partner_of.tags:x'];
  for (const filter of filters) expect(await customers.names(caller, { filter }), filter).toEqual(['Left']);

  await customers.delete(caller, firm.id);

  for (const filter of filters) expect(await customers.names(caller, { filter }), filter).toEqual([]);
});

test('finds deleted customers by their unique values too', async () => {
  const caller = newCaller();
  const { id } = await customers.create(
    caller,
    company({ emails: [{ address: 'a@b.test' }], domains: ['b.test'], externalIds: [{ system: 'erp', value: '1' }] }),
  );
  await customers.delete(caller, id);

  for (const filter of ['emails:a@b.test', 'domains:b.test', 'external_ids:erp/1']) {
    const { customers: found } = await customers.call('listCustomers', { filter, showDeleted: true }, caller);
    expect(
      found.map((row) => row.id),
      filter,
    ).toEqual([id]);
    expect(await customers.names(caller, { filter }), filter).toEqual([]);
  }
});

test('finds deleted customers by parts and lists too', async () => {
  const caller = newCaller();
  const { id } = await customers.create(
    caller,
    company({ displayName: 'Gone Ltd', emails: [{ address: 'a@gone.test' }], domains: ['gone.test'], tags: ['old'] }),
  );
  await customers.delete(caller, id);

  const filters = ['displayName:"*one*"', 'emails:*@gone.test', 'domains:"*one*"', 'tags IN (old, new)'];
  for (const filter of [...filters, 'emails IN (a@gone.test, b@gone.test)']) {
    const { customers: found } = await customers.call('listCustomers', { filter, showDeleted: true }, caller);
    expect(
      found.map((row) => row.id),
      filter,
    ).toEqual([id]);
  }
});

test('problems name fields in lowerCamelCase and list the supported operators', async () => {
  const describe = async (filter: string) => {
    const error = await customers.names(caller, { filter }).catch((thrown: unknown) => thrown as AppError);
    return (error as AppError).violations[0]?.description;
  };

  expect(await describe('job_title > a')).toBe(
    'at character 11: jobTitle can be compared by =, !=, IN and ":*"; it has no order',
  );
  expect(await describe('company.postal_code:"*1234*"')).toBe(
    'at character 21: company.postalCode can be compared by =, !=, IN and ":*"; no index answers by a part of it',
  );
  expect(await describe('given_name:"*a"')).toBe(
    'at character 12: givenName can be compared by =, !=, IN and ":*", by three or more letters or digits in a row that it has, ' +
      'as in "*abc*", or ends in, as in "*abc"; this part is shorter',
  );
  expect(await describe('nick_name = x')).toMatch(
    /nickName is no field; fields are id, kind, displayName, .*customFields/,
  );
});

test.each([
  ['kind', 'FILTER_SYNTAX', 5],
  ['kind = ', 'FILTER_SYNTAX', 8],
  ['(kind = PERSON', 'FILTER_SYNTAX', 1],
  ['kind = PERSON)', 'FILTER_SYNTAX', 14],
  ['kind = PERSON AND', 'FILTER_SYNTAX', 15],
  ['display_name = "😀" AND "', 'FILTER_SYNTAX', 24],
  ['-'.repeat(21), 'FILTER_SYNTAX', 22],
  ['company.kind=COMPANY '.repeat(6), 'FILTER_SYNTAX', 106],
  ['nick_name = "x"', 'FILTER_FIELD_UNKNOWN', 1],
  ['kind = PERSON AND constructor:1', 'FILTER_FIELD_UNKNOWN', 19],
  ['custom_fields.nothing = 1', 'FILTER_FIELD_UNKNOWN', 1],
  ['custom_fields = 1', 'FILTER_FIELD_UNKNOWN', 1],
  ['emails.address = x', 'FILTER_FIELD_UNKNOWN', 1],
  ['company:*', 'FILTER_FIELD_UNKNOWN', 1],
  ['company.company.company.kind = COMPANY', 'FILTER_FIELD_UNKNOWN', 1],
  ['associations.Bad:*', 'FILTER_FIELD_UNKNOWN', 1],
  ['associations.partner_of.company.kind = COMPANY', 'FILTER_FIELD_UNKNOWN', 1],
  ['kind = ROBOT', 'FILTER_VALUE_INVALID', 8],
  ['id = 4711', 'FILTER_VALUE_INVALID', 6],
  ['create_time > yesterday', 'FILTER_VALUE_INVALID', 15],
  ['create_time > 0000-01-01', 'FILTER_VALUE_INVALID', 15],
  ['create_time > "9999-12-31T23:59:59-14:00"', 'FILTER_VALUE_INVALID', 15],
  ['create_time > 2026-02-3*', 'FILTER_VALUE_INVALID', 15],
  ['display_name > a*', 'FILTER_VALUE_INVALID', 16],
  ['phones:abc', 'FILTER_VALUE_INVALID', 8],
  ['custom_fields.seats > many', 'FILTER_VALUE_INVALID', 23],
  ['custom_fields.revenue = 12', 'FILTER_VALUE_INVALID', 25],
  ['custom_fields.revenue = EU*', 'FILTER_VALUE_INVALID', 25],
  ['custom_fields.plan = Lead', 'FILTER_VALUE_INVALID', 22],
  ['tags > a', 'FILTER_NOT_INDEXED', 6],
  ['id > 019ab2f4-0000-7000-8000-000000000001', 'FILTER_NOT_INDEXED', 4],
  ['kind < COMPANY', 'FILTER_NOT_INDEXED', 6],
  ['kind = PER*', 'FILTER_NOT_INDEXED', 8],
  ['given_name >= A', 'FILTER_NOT_INDEXED', 12],
  ['given_name = A*', 'FILTER_NOT_INDEXED', 14],
  ['emails:"*@x"', 'FILTER_NOT_INDEXED', 8],
  ['-external_ids:*4711', 'FILTER_NOT_INDEXED', 15],
  ['display_name IN (Ada, "*b*")', 'FILTER_NOT_INDEXED', 23],
  ['tags BETWEEN a AND b', 'FILTER_NOT_INDEXED', 6],
  ['create_time BETWEEN now-1d AND tomorrow', 'FILTER_VALUE_INVALID', 32],
  ['kind IN (PERSON, ROBOT)', 'FILTER_VALUE_INVALID', 18],
  ['kind IN PERSON', 'FILTER_SYNTAX', 9],
  ['display_name = "a*e*"', 'FILTER_NOT_INDEXED', 16],
  ['tags:"*vip"', 'FILTER_NOT_INDEXED', 6],
  ['custom_fields.note = "*calls"', 'FILTER_NOT_INDEXED', 22],
  ['emails > a', 'FILTER_NOT_INDEXED', 8],
  ['phones:+49*', 'FILTER_NOT_INDEXED', 8],
  ['company.tags > a', 'FILTER_NOT_INDEXED', 14],
  ['custom_fields.plan > Gold', 'FILTER_NOT_INDEXED', 20],
  ['custom_fields.site = "https:*"', 'FILTER_NOT_INDEXED', 22],
  ['custom_fields.seats = 1*', 'FILTER_NOT_INDEXED', 23],
])('refuses %s with the position of the error', async (filter, reason, position) => {
  const error = await customers.names(caller, { filter }).catch((thrown: unknown) => thrown as AppError);

  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field: 'filter', reason }] });
  expect((error as AppError).violations[0]?.description).toMatch(new RegExp(`^at character ${position}: `));
});
