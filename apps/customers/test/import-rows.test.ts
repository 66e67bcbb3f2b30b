import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { customerImport } from '../src/domain/customers/import/customer-import.js';
import { counts, issues, none, rowsOf, ImportTenant } from './import-tenant.js';
import { company, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: ImportTenant;

beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

describe('a row', () => {
  test('updates the matched customer: values replace, lists are united', async () => {
    const ada = await customers.create(tenant.caller, {
      ...person({ givenName: 'Ada', jobTitle: 'Analyst', tags: ['old'] }),
      emails: [{ address: 'Ada@x.example', label: undefined }],
    });

    const answer = await tenant.importFile(
      rowsOf([{ email: 'ada@X.example', job_title: 'Countess', tags: ['new'], phone: '+49 30 901820', country: '' }]),
    );

    expect(counts(answer)).toEqual({ ...none, updated: 1 });
    expect(await customers.get(tenant.caller, ada.id)).toMatchObject({
      displayName: 'Ada Lovelace',
      givenName: 'Ada',
      jobTitle: 'Countess',
      tags: ['old', 'new'],
      emails: [{ address: 'Ada@x.example' }],
      phones: [{ number: '+4930901820' }],
      etag: '"2"',
      updatedBy: tenant.caller.principalId,
    });
  });

  test('that matches the record of an earlier row only adds missing values, within a chunk and across chunks', async () => {
    const filler = Array.from({ length: 2_500 }, (_, index) => ({ name: `F${index}`, email: `f${index}@x.example` }));
    const rows = [
      { email: 'ada@x.example', job_title: 'first' },
      { email: ['ada@x.example', 'ada@home.example'], job_title: 'second', company: 'Engines' },
      ...filler,
      { email: 'ada@home.example', name: 'Countess', company: 'third', tags: ['late'] },
      { email: 'ada@home.example', name: 'never', last_name: 'Lovelace' },
    ];

    const answer = await tenant.importFile(rowsOf(rows));
    const before = await tenant.storedRows();
    const again = await tenant.importFile(rowsOf(rows));

    expect(counts(answer)).toEqual({ ...none, created: 2_501, joined: 3 });
    expect(issues(answer)).toEqual([2, 2_503, 2_504].map((line) => [line, 'JOINED_EARLIER_ROW', undefined]));
    expect(await customers.get(tenant.caller, answer.issues[0]?.customerId ?? '')).toMatchObject({
      displayName: 'Countess',
      familyName: 'Lovelace',
      jobTitle: 'first',
      companyName: 'Engines',
      emails: [{ address: 'ada@x.example' }, { address: 'ada@home.example' }],
      tags: ['late'],
    });
    expect(counts(again)).toEqual({ ...none, unchanged: 2_501, joined: 3 });
    expect(await tenant.storedRows()).toEqual(before);
  });

  test('matches by external id, then e-mail address, and never takes a key from another customer', async () => {
    const byId = await customers.create(tenant.caller, { ...person(), externalIds: [{ system: 'erp', value: '1' }] });
    const byEmail = await customers.create(tenant.caller, {
      ...person(),
      emails: [{ address: 'b@x.example', label: undefined }],
    });

    const answer = await tenant.importFile(
      rowsOf([{ id: 1, email: ['b@x.example', 'c@x.example'], name: 'One' }], { externalIdSystem: 'erp' }),
    );

    expect(counts(answer)).toEqual({ ...none, updated: 1 });
    expect(answer.issues).toMatchObject([
      {
        severity: Severity.WARNING,
        line: 1,
        reason: 'KEY_CONFLICT',
        field: 'emails[0].address',
        customerId: byEmail.id,
      },
    ]);
    expect(await customers.get(tenant.caller, byId.id)).toMatchObject({
      displayName: 'One',
      emails: [{ address: 'c@x.example' }],
    });
    expect(await customers.get(tenant.caller, byEmail.id)).toEqual(byEmail);
  });

  test('with another id of the same system is another customer, though they share an e-mail address', async () => {
    const rows = rowsOf(
      [
        { id: 1, email: 'desk@x.example', name: 'One' },
        { id: 2, email: 'desk@x.example', name: 'Two' },
        { id: 2, email: 'two@x.example' },
      ],
      { externalIdSystem: 'erp' },
    );

    const answer = await tenant.importFile(rows);
    const before = await tenant.storedRows();

    expect(counts(answer)).toEqual({ ...none, created: 2, joined: 1 });
    expect(issues(answer)).toEqual([
      [2, 'KEY_CONFLICT', 'emails[0].address'],
      [3, 'JOINED_EARLIER_ROW', undefined],
    ]);
    expect(counts(await tenant.importFile(rows))).toEqual({ ...none, unchanged: 2, joined: 1 });
    expect(await tenant.storedRows()).toEqual(before);
  });

  test('with external ids of two customers is refused', async () => {
    const rows = [1, 2].map((id) => ({ name: `N${id}`, externalIds: [{ system: `s${id}`, value: '1' }] }));
    const both = { name: 'Both', externalIds: rows.flatMap(({ externalIds }) => externalIds) };

    const answer = await tenant.importFile(rowsOf([...rows, both]));

    expect(counts(answer)).toEqual({ ...none, created: 2, failed: 1 });
    expect(answer.issues).toMatchObject([
      { severity: Severity.ERROR, line: 3, reason: 'KEY_CONFLICT', field: 'externalIds[1].value' },
    ]);
  });

  test('that matches a customer of the other kind is refused', async () => {
    const acme = await customers.create(tenant.caller, {
      ...company(),
      emails: [{ address: 'info@acme.example', label: undefined }],
    });

    const answer = await tenant.importFile(rowsOf([{ name: 'Ada', email: 'info@acme.example' }]));

    expect(answer.issues).toMatchObject([{ severity: Severity.ERROR, reason: 'KIND_MISMATCH', customerId: acme.id }]);
    expect(counts(answer)).toEqual({ ...none, failed: 1 });
  });

  test('without any key creates nothing when a customer has all its values', async () => {
    const rows = rowsOf([
      { name: 'Ada', phone: '+4930901820' },
      { name: 'Ada', phone: '+4930901821' },
      { name: 'Ada' },
    ]);

    expect(counts(await tenant.importFile(rows))).toEqual({ ...none, created: 2, joined: 1 });
    const before = await tenant.storedRows();
    expect(counts(await tenant.importFile(rows))).toMatchObject({ created: 0, updated: 0 });
    expect(await tenant.storedRows()).toEqual(before);
  });

  test('without any key or country matches a customer whose country completes its local number', async () => {
    const local = { name: 'Ada', phone: '030 90 18 20' };

    const answer = await tenant.importFile(rowsOf([{ ...local, country: 'Germany' }, local]));

    expect(counts(answer)).toEqual({ ...none, created: 1, joined: 1 });
    expect((await tenant.stored()).map(({ phones }) => phones)).toMatchObject([[{ number: '+4930901820' }]]);
  });

  test('without any key is compared with 100 customers of its name, however many the file has', async () => {
    // Numbers that are kept as typed: only a merge distinguishes them.
    const rows = Array.from({ length: 300 }, (_, index) => ({ name: 'Ada', phone: `call ${index}` }));
    const merges = vi.spyOn(customerImport, 'merge');
    try {
      expect(counts(await tenant.importFile(rowsOf(rows)))).toEqual({ ...none, created: 300 });
      expect(merges).toHaveBeenCalledTimes((100 * 99) / 2 + 200 * 100);
    } finally {
      merges.mockRestore();
    }
  });

  test('does not match a deleted customer', async () => {
    const ada = await customers.create(tenant.caller, {
      ...person(),
      emails: [{ address: 'ada@x.example', label: undefined }],
    });
    await customers.delete(tenant.caller, ada.id);

    expect(counts(await tenant.importFile(rowsOf([{ name: 'Ada', email: 'ada@x.example' }])))).toEqual({
      ...none,
      created: 1,
    });
  });

  test('is linked to the named company, if it exists', async () => {
    const acme = await customers.create(tenant.caller, company());
    const rows = [acme.id, v7()].map((company_id, index) => ({
      name: `P${index}`,
      email: `p${index}@x.example`,
      company_id,
    }));

    const answer = await tenant.importFile(rowsOf(rows));

    expect(issues(answer)).toEqual([[2, 'COMPANY_NOT_FOUND', 'companyId']]);
    const stored = new Map((await tenant.stored()).map((customer) => [customer.displayName, customer]));
    expect([stored.get('P0')?.companyId, stored.get('P1')?.companyId]).toEqual([acme.id, undefined]);
  });

  test('preserves every valid character', async () => {
    const name = `"'\\'' \\x27; -- ? :a $1 {,} \\N \t \u202e 𝒜́ \u2028 end`;

    await tenant.importFile(rowsOf([{ name, tags: [name.slice(0, 50)], street: 'a\\\nb\r\nc', email: 'a@x.example' }]));

    const [stored] = await tenant.stored();
    expect(stored).toMatchObject({
      displayName: name,
      tags: [name.slice(0, 50)],
      addresses: [{ street: 'a\\\nb\r\nc' }],
    });
  });
});
