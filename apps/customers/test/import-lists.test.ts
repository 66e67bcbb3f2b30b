import { ImportIssue_Severity as Severity, ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { counts, csv, ImportTenant, issues, none, rowsOf } from './import-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const listMode = ListMode.REPLACE;
const label = undefined;

let tenant: ImportTenant;
let operations: OperationTenant;

beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
  operations = await OperationTenant.create(customers, tenant.caller);
});
afterEach(() => Promise.all([tenant.close(), operations.close()]));

/** A customer with two items in each list that files contain. */
function ada() {
  return customers.create(
    tenant.caller,
    person({
      displayName: 'Ada',
      emails: [
        { address: 'ada@x.example', label: 'work' },
        { address: 'old@x.example', label },
      ],
      phones: [
        { number: '+43158801', label },
        { number: '+43158802', label },
      ],
      tags: ['one', 'two'],
      externalIds: [
        { system: 'erp', value: '1' },
        { system: 'crm', value: '9' },
      ],
    }),
  );
}

const lists = {
  CSV: csv('name,email,tag,erp\nAda,ada@x.example,three,1', {
    map: ['name=display_name', 'email=email', 'tag=tag', 'erp=external_id.erp'],
  }),
  NDJSON: rowsOf([
    {
      displayName: 'Ada',
      emails: [{ address: 'ada@x.example' }],
      tags: ['three'],
      externalIds: [{ system: 'erp', value: '1' }],
      phones: [],
    },
  ]),
};

describe.each(['CSV', 'NDJSON'] as const)('the lists of a customer matched by a row of %s', (format) => {
  test('are united when no mode is given', async () => {
    const { id } = await ada();

    await tenant.importFile(lists[format]);

    expect(await customers.get(tenant.caller, id)).toMatchObject({
      emails: [{ address: 'ada@x.example', label: 'work' }, { address: 'old@x.example' }],
      tags: ['one', 'two', 'three'],
      externalIds: [{ system: 'erp' }, { system: 'crm' }],
    });
  });

  test('are replaced by those of the row with REPLACE, and other lists stay', async () => {
    const { id } = await ada();
    const before = await tenant.storedRows();

    const tried = await tenant.importFile({ ...lists[format], listMode, validateOnly: true });
    expect(await tenant.storedRows()).toEqual(before);
    const done = await tenant.importFile({ ...lists[format], listMode });
    const again = await tenant.importFile({ ...lists[format], listMode });

    expect(counts(tried)).toEqual({ ...none, updated: 1 });
    expect([counts(done), issues(done)]).toEqual([counts(tried), []]);
    expect(counts(again)).toEqual({ ...none, unchanged: 1 });
    const after = await customers.get(tenant.caller, id);
    expect(after.emails).toEqual([{ address: 'ada@x.example', label: 'work' }]);
    expect(after.externalIds).toEqual([{ system: 'erp', value: '1' }]);
    expect(after).toMatchObject({
      tags: ['three'],
      phones: [{ number: '+43158801' }, { number: '+43158802' }],
    });
    await customers.create(tenant.caller, person({ emails: [{ address: 'old@x.example', label }] }));
  });
});

test('a row with the id of its customer can set another external id with REPLACE only', async () => {
  const { id } = await ada();
  const file = rowsOf([{ id, kind: 'PERSON', externalIds: [{ system: 'erp', value: '2' }] }]);

  expect(issues(await tenant.importFile(file))).toEqual([[1, 'KEY_CONFLICT', 'externalIds[0].value']]);
  expect(issues(await tenant.importFile({ ...file, listMode }))).toEqual([]);

  expect((await customers.get(tenant.caller, id)).externalIds).toEqual([{ system: 'erp', value: '2' }]);
});

test('only the first row of a customer replaces its lists, and later ones add to them', async () => {
  const { id } = await ada();
  const file = csv('name,email,tag\nAda,ada@x.example,three\nAda,ada@x.example,four', { listMode });

  expect(counts(await tenant.importFile(file))).toEqual({ ...none, updated: 1, joined: 1 });

  expect((await customers.get(tenant.caller, id)).tags).toEqual(['three', 'four']);
});

test('a row without a key matches the customer with all its values, and creates no second one', async () => {
  const { id } = await customers.create(tenant.caller, person({ displayName: 'Bob', tags: ['one', 'two'] }));

  expect(counts(await tenant.importFile(csv('name,tag\nBob,one', { listMode })))).toEqual({ ...none, updated: 1 });

  expect((await customers.get(tenant.caller, id)).tags).toEqual(['one']);
});

describe('a value removed from a customer', () => {
  const file = 'id,kind,name,email\n<ada>,PERSON,Ada,new@x.example\n,PERSON,Bob,old@x.example\n';

  test('is free for later rows, in a dry run as in the import, and is restored by undo', async () => {
    const { id } = await ada();
    const data = file.replace('<ada>', id);
    const before = await operations.dump();

    const tried = await operations.run(data, { listMode, dryRun: true });
    const done = await operations.run(data, { listMode });

    expect(done.counts).toMatchObject({ rows: 2, created: 1, updated: 1, issues: 0 });
    expect(tried.counts).toEqual(done.counts);
    const undone = await operations.undo(done.id);
    expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: 2, issues: 0 } });
    expect(await operations.dump()).toEqual(before);
  });

  test('is restored from a customer that is undone in a later step', async () => {
    const addresses = Array.from({ length: 502 }, (_, index) => `${1_000 + index}@x.example`);
    await operations.run(`name,email\n${addresses.map((address) => `A,${address}`).join('\n')}\n`);
    const before = await operations.dump();
    const { rows } = await operations.database.query<{ id: string }>('select id from customer order by id');
    const data = rows.map(({ id }, index) => `${id},PERSON,${addresses[index - 1] ?? 'free@x.example'}`);

    const done = await operations.run(`id,kind,email\n${data.join('\n')}\n`, { listMode });
    expect(done.counts).toMatchObject({ updated: 502, issues: 0 });
    expect((await operations.undo(done.id)).counts).toMatchObject({ undone: 502, issues: 0 });

    expect(await operations.dump()).toEqual(before);
  });

  test('moves to another customer and back by two rows', async () => {
    const [one, two] = await Promise.all(
      ['one@x.example', 'two@x.example'].map((address) =>
        customers.create(tenant.caller, person({ displayName: address, emails: [{ address, label }] })),
      ),
    );
    const before = await operations.dump();
    const data = `id,kind,email\n${one!.id},PERSON,free@x.example\n${two!.id},PERSON,one@x.example\n`;

    const done = await operations.run(data, { listMode });
    expect(done.counts).toMatchObject({ updated: 2, issues: 0 });
    await operations.undo(done.id);

    expect(await operations.dump()).toEqual(before);
  });

  test('is not restored from a customer that has received it since', async () => {
    const { id } = await ada();
    const done = await operations.run(`id,kind,email\n${id},PERSON,new@x.example\n`, { listMode });
    const other = await customers.create(tenant.caller, person({ emails: [{ address: 'old@x.example', label }] }));

    const undone = await operations.undo(done.id);

    expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: 0, issues: 1 } });
    const { issues: reported } = await customers.call(
      'listOperationIssues',
      { id: done.id, pageSize: 10 },
      tenant.caller,
    );
    expect(reported).toMatchObject([{ reason: 'CHANGED_SINCE', severity: Severity.WARNING, customerId: id }]);
    expect((await customers.get(tenant.caller, id)).emails).toMatchObject([{ address: 'new@x.example' }]);
    expect((await customers.get(tenant.caller, other.id)).emails).toMatchObject([{ address: 'old@x.example' }]);
  });
});

test('a saved mapping includes the mode, which must not be set together with it', async () => {
  const { id } = await ada();
  const mapping = {
    key: '',
    updateTime: undefined,
    map: ['name=display_name', 'email=email', 'tag=tag'],
    kind: 0,
    listMode,
  };
  const saved = await customers.call('saveImportMapping', { key: 'nightly', mapping }, tenant.caller);
  expect(saved.listMode).toBe(listMode);

  const data = 'name,email,tag\nAda,ada@x.example,three\n';
  const done = await operations.run(data, { mapping: 'nightly' });
  expect(done.counts).toMatchObject({ updated: 1 });
  expect((await customers.get(tenant.caller, id)).tags).toEqual(['three']);
  await expect(operations.createImport({ mapping: 'nightly', listMode })).rejects.toMatchObject({
    violations: [{ field: 'import.listMode', reason: 'NOT_ALLOWED' }],
  });
});
