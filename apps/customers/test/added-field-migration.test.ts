import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import { platformContract, recordContracts } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { runMigrations } from '@rapport/persistence';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addedFieldMigration } from '../migration-text/added-field.ts';
import { loggedTable } from '../migration-text/record-migration.ts';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import { newCaller } from './running-customers.js';
import { field, trialContract, uuid } from './trial-records.js';
import { importPrinted, newTrial, nextOf, TrialTable } from './trial-table.js';

const colour = field(30, 'paint_colour', Type.STRING, { optional: true, index: { term: 'pc', group: true } });
let table: TrialTable;

beforeAll(async () => {
  table = await TrialTable.create();
});
afterAll(() => table.stop());

test('a printed field is a column of the records that there are, and its changes are logged', async () => {
  const caller = newCaller();
  const before = newTrial();
  await table.insert(caller, before);
  const { contract, trials } = trialContract([colour]);
  const printed = await importPrinted(addedFieldMigration(contract, trials, 'paint_colour'));

  await runMigrations({
    databaseUrl: table.urls.ownerUrl,
    entities,
    migrations: [...migrations, ...table.printed, printed],
  });
  // As the previous release writes, which does not know the field.
  await table.update(caller, nextOf({ ...before, title: 'Second' }));
  await table.update(caller, nextOf(nextOf(before)), `paint_colour = 'red', version = 3`);

  const entries = await table.entriesOf(caller);
  expect(entries.map(({ changed_fields }) => changed_fields)).toEqual([null, ['title'], ['paint_colour']]);
  expect(entries[2]?.after).toBe('{"paint_colour":"red","version":3}');
});

test.each(recordContracts(platformContract()))(
  'a field that $plural get is logged beside those that are',
  async (record) => {
    const { table: name, content, bookkeeping, counters = [] } = loggedTable(record);
    const { rows } = await table.app.query<{ prosrc: string }>('select prosrc from pg_proc where proname = $1', [
      `log_${name}_update`,
    ]);

    const logged = [...(rows[0]?.prosrc ?? '').matchAll(/case when (?:case )?o\.(\w+) (?:is distinct|when)/g)].map(
      ([, column]) => column,
    );
    expect([...new Set(logged)].sort()).toEqual([...content, ...bookkeeping].sort());
    for (const counter of counters) expect(rows[0]?.prosrc).toContain(`n.${counter}`);
  },
);

test.each([
  ['must be optional', field(30, 'paint', Type.STRING, {})],
  [
    'refers to records',
    field(30, 'paint', Type.STRING, { optional: true, rules: uuid, reference: 'rapport/Customer' }),
  ],
  ['is an order', field(30, 'paint', Type.STRING, { optional: true, index: { order: FieldOrder.LIVE } })],
  ['is unique', field(30, 'paint', Type.STRING, { optional: true, index: { unique: true } })],
])('refuses to print a field that %s', (reason, added) => {
  const { contract, trials } = trialContract([added]);

  expect(() => addedFieldMigration(contract, trials, 'paint')).toThrow(`paint ${reason}`);
});

test('refuses to print a field that there is not', () => {
  const { contract, trials } = trialContract();
  expect(() => addedFieldMigration(contract, trials, 'paint')).toThrow('rapport/Trial has no field paint.');
});
