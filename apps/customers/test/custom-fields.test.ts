import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  type CustomField,
  type UpdateCustomFieldRequest,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { Caller } from '@rapport/platform';
import { beforeEach, describe, expect, test } from 'vitest';
import { defineField, fieldOf, options, refusal } from './custom-field-requests.js';
import { MergingTenant } from './merging-tenant.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

/** Defines a field of the caller's tenant. */
function define(key: string, type: Type, more: Partial<CustomField> = {}): Promise<CustomField> {
  return defineField(customers, caller, key, type, more);
}

/** Changes exactly the fields that `changes` names. */
function redefine(key: string, changes: Partial<CustomField>, more: Partial<UpdateCustomFieldRequest> = {}) {
  const updateMask = Object.keys(changes);
  return customers.call('updateCustomField', { key, customField: fieldOf(changes), updateMask, ...more }, caller);
}

describe('a definition', () => {
  test('is returned with default names, and found by its key', async () => {
    const created = await define('plan', Type.SELECT, {
      description: ' What they pay for ',
      kind: CustomerKind.COMPANY,
      searchable: true,
      options: [{ value: ' gold ' }, { value: 'silver', displayName: 'Silber' }],
    });

    expect(created).toEqual({
      key: 'plan',
      recordType: 'customer',
      type: Type.SELECT,
      kind: CustomerKind.COMPANY,
      displayName: 'plan',
      description: 'What they pay for',
      options: [
        { value: 'gold', displayName: 'gold' },
        { value: 'silver', displayName: 'Silber' },
      ],
      searchable: true,
      etag: '"1"',
      createTime: created.createTime,
      updateTime: created.createTime,
      deleteTime: undefined,
    });
    expect(await customers.call('getCustomField', { key: 'plan' }, caller)).toEqual(created);
  });

  test('of another tenant is not found and not listed, and its key is free', async () => {
    await define('plan', Type.TEXT);
    const stranger = newCaller();

    expect(await refusal(customers.call('getCustomField', { key: 'plan' }, stranger))).toEqual([
      'NOT_FOUND',
      'CUSTOM_FIELD_NOT_FOUND',
    ]);
    expect((await customers.call('listCustomFields', { showDeleted: true }, stranger)).customFields).toEqual([]);
    const same = { customField: fieldOf({ key: 'plan', type: Type.NUMBER }) };
    expect((await customers.call('createCustomField', same, stranger)).type).toBe(Type.NUMBER);
  });

  test('is created once per key, concurrently or after a deletion', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => define('plan', Type.TEXT)));
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as object] : []));

    expect(lost).toHaveLength(7);
    for (const error of lost) expect(error).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'CUSTOM_FIELD_EXISTS' });
    await customers.call('deleteCustomField', { key: 'plan' }, caller);
    expect(await refusal(define('plan', Type.TEXT))).toEqual([
      ['ALREADY_EXISTS', 'customField.key', 'CUSTOM_FIELD_EXISTS'],
    ]);
  });

  test('has one of at most 5,000 options of all fields', async () => {
    const many = options(...Array.from({ length: 200 }, (_, index) => `o${index}`));
    await new MergingTenant(customers, caller).defineFields(24, `'SELECT'`, many.options);
    await define('filled', Type.SELECT, many);

    expect(await refusal(define('last', Type.SELECT, options('one')))).toEqual([
      'RESOURCE_EXHAUSTED',
      'CUSTOM_FIELD_OPTION_LIMIT',
    ]);
  });

  test('is one of at most 200, deleted ones included', async () => {
    await new MergingTenant(customers, caller).defineFields(199, `'TEXT'`);
    await define('last', Type.TEXT);
    await customers.call('deleteCustomField', { key: 'f7' }, caller);

    expect(await refusal(define('one_more', Type.TEXT))).toEqual(['RESOURCE_EXHAUSTED', 'CUSTOM_FIELD_LIMIT']);
    const { customFields } = await customers.call('listCustomFields', { showDeleted: true }, caller);
    expect(customFields).toHaveLength(200);
  });

  test.each<[string, Partial<CustomField>, string, string]>([
    ['no type', { type: Type.UNSPECIFIED }, 'type', 'REQUIRED'],
    ['a key in capitals', { key: 'Plan' }, 'key', 'BAD_FORMAT'],
    ['SELECT without options', { type: Type.SELECT }, 'options', 'REQUIRED'],
    ['options of a TEXT', options('a'), 'options', 'NOT_ALLOWED'],
    ['the same option twice', { type: Type.SELECT, ...options('a', 'A ') }, 'options[1].value', 'DUPLICATE'],
    ['a blank option', { type: Type.MULTI_SELECT, ...options('a', ' ') }, 'options[1].value', 'REQUIRED'],
    ['a type of records without custom fields', { recordType: 'association' }, 'recordType', 'RECORD_TYPE_UNKNOWN'],
    ['an unknown record type', { recordType: 'nothing' }, 'recordType', 'RECORD_TYPE_UNKNOWN'],
    ['a resource type', { recordType: 'rapport/Customer' }, 'recordType', 'BAD_FORMAT'],
    ['searchable numbers', { type: Type.NUMBER, searchable: true }, 'searchable', 'NOT_ALLOWED'],
  ])('with %s is refused', async (_what, wrong, field, reason) => {
    expect(await refusal(define('plan', Type.TEXT, wrong))).toEqual([
      ['INVALID_ARGUMENT', `customField.${field}`, reason],
    ]);
  });

  test('is created once per idempotency key, and not at all with validateOnly', async () => {
    const request = { customField: fieldOf({ key: 'plan', type: Type.TEXT }) };
    const tried = await customers.call('createCustomField', { ...request, validateOnly: true }, caller);
    expect(tried).toMatchObject({ key: 'plan', etag: '"1"' });
    expect((await customers.call('listCustomFields', {}, caller)).customFields).toEqual([]);

    const once = await customers.call('createCustomField', { ...request, requestId: 'k' }, caller);
    expect(await customers.call('createCustomField', { ...request, requestId: 'k' }, caller)).toEqual(once);
  });
});

describe('a change of a definition', () => {
  test('changes the named fields and the version, and nothing when equal', async () => {
    const created = await define('plan', Type.SELECT, { ...options('gold', 'silver'), description: 'Old' });

    const changed = await redefine('plan', {
      displayName: 'Plan',
      options: [{ value: 'bronze' }, { value: 'silver', displayName: 'Silber' }, { value: 'gold' }],
    });

    expect(changed).toEqual({
      ...created,
      displayName: 'Plan',
      options: [
        { value: 'bronze', displayName: 'bronze' },
        { value: 'silver', displayName: 'Silber' },
        { value: 'gold', displayName: 'gold' },
      ],
      etag: '"2"',
      updateTime: changed.updateTime,
    });
    expect(await redefine('plan', { displayName: 'Plan' })).toEqual(changed);
    expect((await redefine('plan', { displayName: undefined, description: undefined })).displayName).toBe('plan');
  });

  test.each<[string, Partial<CustomField>, string, string]>([
    ['removes an option', options('gold'), 'customField.options', 'OPTION_REMOVED'],
    ['changes the case of an option', options('Gold', 'silver'), 'customField.options', 'OPTION_REMOVED'],
    ['removes all options', { options: [] }, 'customField.options', 'REQUIRED'],
    ['changes the type', { type: Type.TEXT }, 'customField.type', 'IMMUTABLE'],
    ['changes the kind', { kind: CustomerKind.PERSON }, 'customField.kind', 'IMMUTABLE'],
    ['changes the key', { key: 'other' }, 'customField.key', 'IMMUTABLE'],
    ['changes the type of records', { recordType: 'deal' }, 'customField.recordType', 'IMMUTABLE'],
    ['changes an output-only field', { etag: '"7"' }, 'customField.etag', 'OUTPUT_ONLY'],
  ])('that %s is refused', async (_what, changes, field, reason) => {
    await define('plan', Type.SELECT, options('gold', 'silver'));
    expect(await refusal(redefine('plan', changes))).toEqual([['INVALID_ARGUMENT', field, reason]]);
  });

  test('with a stale etag is refused, as is one of a deleted or unknown definition', async () => {
    await define('plan', Type.TEXT);
    await redefine('plan', { displayName: 'Plan' }, { etag: '"1"' });

    expect(await refusal(redefine('plan', { displayName: 'P' }, { etag: '"1"' }))).toEqual([
      'ABORTED',
      'ETAG_MISMATCH',
    ]);
    await customers.call('deleteCustomField', { key: 'plan', etag: '"2"' }, caller);
    for (const key of ['plan', 'none']) {
      expect(await refusal(redefine(key, { displayName: 'P' }))).toEqual(['NOT_FOUND', 'CUSTOM_FIELD_NOT_FOUND']);
      expect(await refusal(customers.call('deleteCustomField', { key }, caller))).toEqual([
        'NOT_FOUND',
        'CUSTOM_FIELD_NOT_FOUND',
      ]);
    }
  });
});

test('a deleted definition is listed on request, in the order of keys, and can be undeleted', async () => {
  for (const key of ['b', 'a_b', 'ab', 'a']) await define(key, Type.TEXT);
  const deleted = await customers.call('deleteCustomField', { key: 'ab' }, caller);
  const keys = async (showDeleted: boolean) =>
    (await customers.call('listCustomFields', { showDeleted }, caller)).customFields.map(({ key }) => key);

  expect(deleted.deleteTime).toBe(deleted.updateTime);
  expect(await keys(false)).toEqual(['a', 'a_b', 'b']);
  expect(await keys(true)).toEqual(['a', 'a_b', 'ab', 'b']);
  expect(await customers.call('getCustomField', { key: 'ab' }, caller)).toEqual(deleted);

  const back = await customers.call('undeleteCustomField', { key: 'ab' }, caller);
  expect(back).toMatchObject({ deleteTime: undefined, etag: '"3"' });
  expect(await refusal(customers.call('undeleteCustomField', { key: 'ab' }, caller))).toEqual([
    'FAILED_PRECONDITION',
    'CUSTOM_FIELD_NOT_DELETED',
  ]);
  expect(await refusal(customers.call('undeleteCustomField', { key: 'no' }, caller))).toEqual([
    'NOT_FOUND',
    'CUSTOM_FIELD_NOT_FOUND',
  ]);
});

test('a definition of another record type is found by type and key, and not among those of customers', async () => {
  const ofCustomers = await define('plan', Type.TEXT);
  await new MergingTenant(customers, caller).execute(
    `insert into custom_field (tenant_id, key, record_type, type, options, searchable, version, create_time, update_time)
     values (?, 'other.plan', 'other', 'NUMBER', '[]', false, 1, now(), now())`,
    [caller.tenantId],
  );
  const key = 'other.plan';

  expect(await customers.call('getCustomField', { key }, caller)).toMatchObject({ key: 'plan', recordType: 'other' });
  for (const request of [{}, { recordType: 'customer' }]) {
    expect((await customers.call('listCustomFields', request, caller)).customFields).toEqual([ofCustomers]);
  }
  expect(await refusal(customers.call('listCustomFields', { recordType: 'nothing' }, caller))).toEqual([
    ['INVALID_ARGUMENT', 'recordType', 'RECORD_TYPE_UNKNOWN'],
  ]);
  expect((await customers.create(caller, person({ customFields: { plan: 'gold' } }))).customFields).toEqual({
    plan: 'gold',
  });
  expect(await refusal(customers.create(caller, person({ customFields: { [key]: 7 } })))).toEqual([
    ['INVALID_ARGUMENT', 'customer.customFields.other.plan', 'UNKNOWN_FIELD'],
  ]);
  expect(await redefine(key, { displayName: 'Plan' })).toMatchObject({ displayName: 'Plan', etag: '"2"' });
  expect(await customers.call('deleteCustomField', { key }, caller)).toMatchObject({ recordType: 'other' });
  expect(await customers.call('undeleteCustomField', { key }, caller)).toMatchObject({ deleteTime: undefined });
  expect(await customers.call('getCustomField', { key: 'plan' }, caller)).toEqual(ofCustomers);
});
