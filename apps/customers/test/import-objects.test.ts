import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyName } from '../src/engine/fields/filter-fields.js';
import { recordTypes } from '../src/engine/fields/record-type.js';
import '../src/record-types.js';
import { ObjectTenant } from './object-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let operations: OperationTenant;
let objects: ObjectTenant;

beforeEach(async () => {
  operations = await OperationTenant.create(customers);
  objects = new ObjectTenant(customers, operations.caller);
});
afterEach(() => operations.close());

test('an operation imports records of one object, and its dry run ignores those of other objects', async () => {
  for (const key of ['car', 'boat']) {
    await objects.createObject(key);
    await objects.createField(key, 'seats', { type: Type.NUMBER });
    await objects.create(key, { name: 'First', externalIds: [{ system: 'erp', value: '1' }] });
  }
  const file = 'name,external_id.erp,seats\nOne,1,4\nTwo,2,5\nTwo again,2,\nThree,3,6\n';

  for (const dryRun of [true, false]) {
    const operation = await operations.run(file, { recordType: 'objects.car', dryRun });

    expect(operation).toMatchObject({ counts: { rows: 4, created: 2, updated: 1, joined: 1, failed: 0 } });
  }
  expect(await objects.names('car', { filter: 'customFields.seats >= 4', orderBy: 'name' })).toEqual([
    'One',
    'Three',
    'Two',
  ]);
  expect(await objects.names('boat')).toEqual(['First']);
  await expect(operations.createImport({ recordType: 'objects.none' })).rejects.toMatchObject({
    reason: 'OBJECT_NOT_FOUND',
  });
});

test('dry runs can draft the unique values of every type of records', async () => {
  const { database, caller } = operations;
  const unique = [...recordTypes()].flatMap(({ namedFields }) => namedFields.filter(({ field }) => field.index.unique));
  const keys = [...new Set(unique.map(({ name }) => keyName(name)))];

  expect(keys).toEqual(expect.arrayContaining(['EMAIL', 'EXTERNAL_ID', 'KEY']));
  await database.query(
    `insert into import_draft_key (tenant_id, operation_id, type, value, customer_id)
     select $1, $2, type, 'a value', $2 from unnest($3::text[]) as type`,
    [caller.tenantId, v7(), keys],
  );
});
