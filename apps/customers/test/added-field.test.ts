import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import { type Contract, type RecordContract } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { AppError } from '@rapport/platform';
import { expect, test } from 'vitest';
import { recordMigration } from '../migration-text/record-migration.ts';
import { loggedRecord } from '../src/engine/changes/log/logged-record.js';
import { contractColumns } from '../src/engine/export/csv-columns.js';
import { CustomFields } from '../src/engine/fields/custom-fields.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import { recordTerms } from '../src/engine/fields/terms.js';
import { importRulesOf } from '../src/engine/import/derived/import-rules-of.js';
import { readGroups } from '../src/engine/query/aggregate/group-columns.js';
import { readSums } from '../src/engine/query/aggregate/sum-columns.js';
import { requestedOrders, readOrders } from '../src/engine/query/list/list-order.js';
import { readColumns } from '../src/engine/query/record-json.js';
import { recordColumns } from '../src/engine/records/record-content.js';
import { rowReader, shownColumns } from '../src/engine/records/record-rows.js';
import { readUpdateMask } from '../src/engine/records/update-mask.js';
import { field, trialContract } from './trial-records.js';
import { trialTypeWith, type Trial } from './trial-type.js';

const colour = field(30, 'paint_colour', Type.STRING, {
  rules: { pii: true },
  index: { term: 'pc', group: true, search: true },
});
const weight = field(31, 'net_weight', Type.INT32, { index: { order: FieldOrder.LIVE, sum: true } });

test('a field added to a record message appears in everything derived from it, and nowhere else', async () => {
  const before = await placesOf(trialContract());
  const after = await placesOf(trialContract([colour, weight]));

  const added = Object.entries(after).map(([place, names]) => {
    const known = new Set(before[place]);
    return [place, names.filter((name) => !known.has(name)).sort()];
  });
  expect(Object.fromEntries(added)).toEqual({
    migrated: ['net_weight', 'paint_colour'],
    ordered: ['net_weight'],
    grouped: ['paint_colour'],
    summed: ['net_weight'],
    filtered: ['netWeight', 'paintColour'],
    updated: ['net_weight', 'paint_colour'],
    logged: ['net_weight', 'paint_colour'],
    stored: ['net_weight', 'paint_colour'],
    read: ['netWeight', 'paintColour'],
    terms: ['pc:red'],
    searched: ['red'],
    personal: ['paint_colour'],
    imported: ['net_weight', 'paint_colour'],
    exported: ['netWeight', 'paintColour'],
    chosen: ['net_weight', 'paint_colour'],
  });
});

/** The fields of a type in each place, by names that a field of it may have. */
async function placesOf({ contract, trials }: ReturnType<typeof trialContract>): Promise<Record<string, string[]>> {
  const type = trialTypeWith({}, trials);
  const accepted = async (use: (name: string) => unknown): Promise<string[]> => {
    const names: string[] = [];
    for (const { column } of trials.fields) if (await isAccepted(() => use(column))) names.push(column);
    return names;
  };
  const record: Trial & { paintColour: string; netWeight: number } = {
    ...type.empty(),
    ...{ title: 'Trial', paintColour: 'Red', netWeight: 7 },
  };
  const stored = recordColumns(type, record, new CustomFields([]));
  return {
    migrated: migratedColumns(contract, trials),
    ordered: await accepted((name) => readOrders(type, requestedOrders(name), true, undefined)),
    grouped: await accepted((name) => readGroups(type, [name], { customFields: undefined, timeZone: 'UTC' })),
    summed: await accepted((name) => readSums(undefined as never, type, [name], undefined)),
    filtered: [...filterFields(type).keys()],
    updated: await accepted((name) => readUpdateMask(type, [name])),
    logged: [...loggedRecord(type).columns],
    stored: Object.keys(stored),
    read: Object.keys(
      rowReader(type)(
        shownColumns(type)
          .split(',')
          .map(() => null),
      ).record,
    ),
    terms: recordTerms(type, record),
    searched: String(stored['search_text']).split(/\s+/),
    personal: trials.fields.filter(({ isPersonal }) => isPersonal).map(({ column }) => column),
    imported: [...importRulesOf(type).fields.keys()],
    exported: contractColumns(type).map(({ name }) => name),
    chosen: await accepted((name) => readColumns(type, [name])),
  };
}

/** The columns of the table that the printed migration creates. */
function migratedColumns(contract: Contract, record: RecordContract): string[] {
  const { text } = recordMigration(contract, record);
  return [...text.matchAll(/^ +([a-z_]+) /gm)].map(([, name]) => name ?? '');
}

async function isAccepted(use: () => unknown): Promise<boolean> {
  try {
    await use();
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') return false;
    throw error;
  }
}
