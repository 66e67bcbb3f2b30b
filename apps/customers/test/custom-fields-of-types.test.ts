import { absentValue, contractWithSiteVisits, recordContracts, type Contract } from '@rapport/contracts';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  type CustomField,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { EntityManager } from '@mikro-orm/postgresql';
import { writeStatementsOnce, type StatementTransaction } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { listCustomFields } from '../src/domain/custom-fields/find-custom-fields.js';
import { createCustomField, updateCustomField } from '../src/domain/custom-fields/write-custom-field.js';
import { customers } from '../src/domain/customers/customers.js';
import { changeColumns, entryOf, type ChangeRow } from '../src/engine/changes/log/change-entry.js';
import { fullChange } from '../src/engine/changes/feed/change-message.js';
import { CustomFields, type CustomValues } from '../src/engine/fields/custom-fields.js';
import type { RecordMessage } from '../src/engine/fields/record-definition.js';
import { RecordType, type Method } from '../src/engine/fields/record-type.js';
import { aggregateRecords } from '../src/engine/query/aggregate-records.js';
import { countRecords } from '../src/engine/query/list/count-records.js';
import { conditionsOf, type ListRequest } from '../src/engine/query/list/list-conditions.js';
import { BatchRecords } from '../src/engine/write/batch-records.js';
import { reindexTenant } from '../src/engine/write/reindex-records.js';
import { createRecord, updateRecord } from '../src/engine/write/write-record.js';
import { fieldOf, options, refusal } from './custom-field-requests.js';
import { newCaller } from './running-customers.js';
import {
  insertCustomer,
  newTrial,
  trials,
  trialType,
  TrialTable,
  typesWithTrials,
  type Message,
} from './trial-table.js';

/** Number of EXACT among the modes of counting. */
const exact = 3;

const types = [customers as RecordType, trialType, visitType(contractWithSiteVisits())];
let table: TrialTable;
let caller: Caller;

beforeAll(async () => {
  table = await TrialTable.create();
});
afterAll(() => table.stop());
beforeEach(() => {
  caller = newCaller();
});

/** A type without custom fields. */
function visitType(contract: Contract): RecordType {
  const visits = recordContracts(contract).find(({ singular }) => singular === 'siteVisit');
  return visits ? new RecordType(visits, {}, { indexVersion: 1 }) : expect.fail('The contract lacks visits.');
}

function inCall<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result> {
  return table.withEntityManager(caller, (em) => em.transactional(work));
}

function define(key: string, type: Type, more: Partial<CustomField> = {}): Promise<CustomField> {
  const request = { customField: fieldOf({ key, type, ...more }) };
  return inCall((em) => createCustomField(em, request, types));
}

function defineOfTrials(key: string, type: Type, more: Partial<CustomField> = {}): Promise<CustomField> {
  return define(key, type, { recordType: 'trial', ...more });
}

/** Number of trials that match a filter. */
function countTrials(request: ListRequest): Promise<number | undefined> {
  return inCall(async (em) => {
    const { conditions } = await conditionsOf(em, trialType, request);
    return countRecords(em, { type: trialType, tenantId: caller.tenantId, live: true, conditions }, exact);
  });
}

/** The search data of a record with custom field values. */
function indexOf(customFields: CustomValues, type: RecordType): Promise<Message> {
  return inCall(async (em) => {
    const { terms, orderValues } = (await CustomFields.load(em, type)).index(customFields);
    return { terms, order_values: orderValues };
  });
}

async function makeTrial(customFields: CustomValues, given: Message = {}): Promise<void> {
  await table.insert(caller, newTrial({ customFields, ...given }), await indexOf(customFields, trialType));
}

test('a record type has its own definitions: a key used for customers is free, and each type lists its own', async () => {
  const ofCustomers = await define('plan', Type.NUMBER);
  const ofTrials = await defineOfTrials('plan', Type.SELECT, options('gold', 'silver'));
  const listed = async (recordType?: string) =>
    (await inCall((em) => listCustomFields(em, { recordType }, types))).customFields;

  expect(ofCustomers).toMatchObject({ key: 'plan', recordType: 'customer', displayName: 'plan' });
  expect(ofTrials).toMatchObject({ key: 'plan', recordType: 'trial', displayName: 'plan' });
  expect(await listed()).toEqual([ofCustomers]);
  expect(await listed('customer')).toEqual([ofCustomers]);
  expect(await listed('trial')).toEqual([ofTrials]);
  expect(await refusal(defineOfTrials('plan', Type.TEXT))).toEqual([
    ['ALREADY_EXISTS', 'customField.key', 'CUSTOM_FIELD_EXISTS'],
  ]);
});

test('a type without custom fields, and a kind for a type other than customers, are refused', async () => {
  expect(await refusal(define('plan', Type.TEXT, { recordType: 'siteVisit' }))).toEqual([
    ['INVALID_ARGUMENT', 'customField.recordType', 'RECORD_TYPE_UNKNOWN'],
  ]);
  expect(await refusal(inCall((em) => listCustomFields(em, { recordType: 'siteVisit' }, types)))).toEqual([
    ['INVALID_ARGUMENT', 'recordType', 'RECORD_TYPE_UNKNOWN'],
  ]);
  expect(await refusal(defineOfTrials('plan', Type.TEXT, { kind: CustomerKind.PERSON }))).toEqual([
    ['INVALID_ARGUMENT', 'customField.kind', 'NOT_ALLOWED'],
  ]);
});

test('definitions and options are counted per type', async () => {
  const many = Array.from({ length: 200 }, (_, index) => ({ value: `o${index}` }));
  await table.inSession(caller, async () => {
    await table.app.query(
      `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
       select $1, 'f' || n, 'SELECT', case when n < 25 then $2::jsonb else '[]' end, false, 1, now(), now()
       from generate_series(0, 199) n`,
      [caller.tenantId, JSON.stringify(many)],
    );
  });

  expect(await refusal(define('one_more', Type.TEXT))).toEqual(['RESOURCE_EXHAUSTED', 'CUSTOM_FIELD_LIMIT']);
  expect(await defineOfTrials('plan', Type.SELECT, { options: many })).toMatchObject({ key: 'plan' });
});

test('only the definitions of the type are loaded, and none for a type without custom fields', async () => {
  await define('plan', Type.NUMBER);
  await defineOfTrials('plan', Type.SELECT, options('gold', 'silver'));
  await defineOfTrials('seats', Type.NUMBER);
  const [, , visits] = types;
  const loaded = (type: RecordType | undefined) =>
    inCall(async (em) =>
      (await CustomFields.load(em, type!)).live.map(({ key, type: of }) => `${key} ${of}`).toSorted(),
    );

  expect(await loaded(customers as RecordType)).toEqual(['plan NUMBER']);
  expect(await loaded(trialType)).toEqual(['plan SELECT', 'seats NUMBER']);
  expect(await loaded(visits)).toEqual([]);
  expect(CustomFields.statements(visits!, caller.tenantId)).toEqual([]);
});

test('filters compare custom fields by the definitions of the record’s own type', async () => {
  await define('plan', Type.NUMBER);
  await defineOfTrials('plan', Type.SELECT, options('gold', 'silver'));
  await defineOfTrials('seats', Type.NUMBER);
  const customerId = v7();
  const { terms, order_values: orderValues } = await indexOf({ plan: 7 }, customers);
  await table.inSession(caller, async () => {
    await insertCustomer(table, caller, customerId);
    await table.app.query('update customer set terms = $1, order_values = $2', [terms, orderValues]);
  });
  await makeTrial({ plan: 'gold', seats: 3 }, { customerId });

  expect(await countTrials({ filter: 'custom_fields.plan = gold AND custom_fields.seats > 2' })).toBe(1);
  expect(await countTrials({ filter: 'custom_fields.plan = silver' })).toBe(0);
  expect(await countTrials({ filter: 'customer.custom_fields.plan > 6' })).toBe(1);
  expect(await countTrials({ filter: 'customer.custom_fields.plan > 7 OR custom_fields.plan = silver' })).toBe(0);
  expect(await countTrials({ filter: 'customer.custom_fields.plan:* AND custom_fields.plan = gold' })).toBe(1);
  for (const [filter, reason] of [
    ['custom_fields.plan > 6', 'FILTER_NOT_INDEXED'],
    ['customer.custom_fields.plan = gold', 'FILTER_VALUE_INVALID'],
    ['customer.custom_fields.seats = 3', 'FILTER_FIELD_UNKNOWN'],
    ['custom_fields.trial.plan = gold', 'FILTER_FIELD_UNKNOWN'],
  ] as const) {
    expect(await refusal(countTrials({ filter })), filter).toEqual([['INVALID_ARGUMENT', 'filter', reason]]);
  }
});

test('writes and reindexing read custom fields by the definitions of the record’s own type', async () => {
  await define('plan', Type.NUMBER);
  await defineOfTrials('plan', Type.SELECT, options('gold', 'silver'));
  await defineOfTrials('seats', Type.NUMBER);

  const trial = {
    ...writtenType.empty(),
    title: 'First',
    source: 'form',
    customFields: { plan: 'GOLD' },
  } as RecordMessage;
  const { id, customFields } = await write((transaction) =>
    createRecord(transaction, writtenType, { trial } as object),
  );
  expect(customFields).toEqual({ plan: 'gold' });
  expect(await countTrials({ filter: 'custom_fields.plan = gold' })).toBe(1);

  const change = (values: CustomValues) => {
    const changed = { ...writtenType.empty(), customFields: values };
    const request = { id, trial: changed, updateMask: ['customFields'] };
    return write((transaction) => updateRecord(transaction, writtenType, request));
  };
  expect((await change({ plan: 'silver', seats: 3 })).customFields).toEqual({ plan: 'silver', seats: 3 });
  expect(await countTrials({ filter: 'custom_fields.plan = silver AND custom_fields.seats > 2' })).toBe(1);
  expect(await refusal(change({ plan: 7, 'trial.plan': 'gold' }))).toEqual([
    ['INVALID_ARGUMENT', 'trial.customFields.plan', 'UNKNOWN_VALUE'],
    ['INVALID_ARGUMENT', 'trial.customFields.trial.plan', 'UNKNOWN_FIELD'],
  ]);
  await table.rows(caller, `update trial set terms = '{}', order_values = '{}', index_version = 0`);
  await table.withEntityManager(caller, (em) => reindexTenant(em, writtenType, caller.tenantId));
  expect(await countTrials({ filter: 'custom_fields.plan = silver AND custom_fields.seats > 2' })).toBe(1);
  const known = await write(
    async (transaction) => (await BatchRecords.load(transaction, writtenType, [{ id }])).customFields,
  );
  expect(known.live.map(({ key, type }) => `${key} ${type}`).toSorted()).toEqual(['plan SELECT', 'seats NUMBER']);
});

/** Trials in stored form, with the parts of a service that this takes. */
const writtenType = new RecordType<RecordMessage>(
  trials,
  {
    getTrial: {
      responseSerialize: (trial: object) => Buffer.from(JSON.stringify(trial)),
      responseDeserialize: () =>
        Object.fromEntries(
          trials.fields.map(({ name, desc }) => [name, desc.fieldKind === 'list' ? [] : absentValue(desc)]),
        ),
    } as unknown as Method,
  },
  { indexVersion: 1 },
);

function write<Response>(work: (transaction: StatementTransaction) => Promise<Response>): Promise<Response> {
  const call = {
    ...{ method: 'trials', requestId: undefined, validateOnly: false, request: Buffer.alloc(0) },
    encode: () => Buffer.alloc(0),
    decode: () => expect.fail('A call without a key stores no response.'),
  };
  return table.withEntityManager(caller, (em) => writeStatementsOnce(em, call, work));
}

test('records are grouped by and summed over the custom fields of their type', async () => {
  await define('price', Type.TEXT);
  await defineOfTrials('plan', Type.SELECT, options('gold', 'silver'));
  await defineOfTrials('price', Type.MONEY);
  for (const [plan, currencyCode, amount] of [
    ['gold', 'EUR', '1.50'],
    ['gold', 'USD', '2'],
    ['silver', 'EUR', '4'],
  ] as const) {
    await makeTrial({ plan, price: { currencyCode, amount } });
  }

  const request = { groupBy: ['custom_fields.plan'], sum: ['custom_fields.price'] };
  const { total, groups } = await inCall((em) => aggregateRecords(em, trialType, request));

  const sums = (of: typeof total) => of?.sums.map(({ value, currencyCode }) => `${currencyCode} ${value}`);
  expect(sums(total)).toEqual(['EUR 5.50', 'USD 2.00']);
  expect(groups.map((group) => [group.values[0]?.value, ...(sums(group) ?? [])])).toEqual([
    ['gold', 'EUR 1.50', 'USD 2.00'],
    ['silver', 'EUR 4.00'],
  ]);
});

test('the change log has record type and key of a definition, and finds it by both', async () => {
  const ofCustomers = await define('plan', Type.TEXT);
  const ofTrials = await defineOfTrials('plan', Type.TEXT);
  const change = { key: 'trial.plan', customField: fieldOf({ displayName: 'Plan' }), updateMask: ['displayName'] };
  const changed = await inCall((em) => updateCustomField(em, change));

  expect(changed).toEqual({ ...ofTrials, displayName: 'Plan', etag: '"2"', updateTime: changed.updateTime });
  await table.app.query('select sequence_changes(null, null, 0, 10000)');
  const sql = `select ${changeColumns} from change_log where type = 'custom_field' order by position`;
  const changes = (await table.rows<ChangeRow>(caller, sql)).map((row) => fullChange(typesWithTrials, entryOf(row)));
  expect(changes).toMatchObject([
    { recordId: 'plan', after: { key: 'plan', recordType: 'customer', etag: ofCustomers.etag } },
    { recordId: 'trial.plan', after: { key: 'plan', recordType: 'trial', displayName: 'plan' } },
    { recordId: 'trial.plan', changedFields: ['displayName'], after: { displayName: 'Plan' } },
  ]);
});

test('a caller without access to personal data finds no record by that of another, of any types', async () => {
  const request = { filter: 'customer.display_name = Ada' };
  expect(await countTrials(request)).toBe(0);
  caller = { ...caller, hidesPii: true };

  // Trials have no field of this name.
  expect(await refusal(countTrials(request))).toEqual([['PERMISSION_DENIED', 'filter', 'FIELD_HIDDEN']]);
});
