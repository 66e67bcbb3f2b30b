import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomObject } from '@rapport/contracts/rapport/objects/v1/custom_object';
import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { ObjectTenant, objectRecord } from './object-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
let tenant: ObjectTenant;

beforeEach(async () => {
  tenant = new ObjectTenant(service);
});

test('an object has its own records, fields and unique values, separate from those of other objects', async () => {
  for (const key of ['car', 'boat']) {
    await tenant.createObject(key);
    await tenant.createField(key, 'seats', { type: Type.NUMBER });
  }
  await tenant.createField('boat', 'harbour');
  const externalIds = [{ system: 'erp', value: '4711' }];
  const car = await tenant.create('car', { name: 'Car', externalIds, customFields: { seats: 5 } });
  const boat = await tenant.create('boat', { name: 'Boat', externalIds, customFields: { seats: 12, harbour: 'Kiel' } });

  expect([car.object, boat.object]).toEqual(['car', 'boat']);
  for (const filter of ['', 'customFields.seats > 1', 'customFields.seats = 12', 'externalIds:erp/4711']) {
    expect(await tenant.names('boat', { filter }), filter).toEqual(['Boat']);
  }
  expect(await tenant.names('car', { filter: 'customFields.seats = 12' })).toEqual([]);
  expect(await tenant.names('car', { orderBy: 'customFields.seats desc' })).toEqual(['Car']);
  expect(await tenant.names('car', { filter: 'externalIds:er*' })).toEqual(['Car']);
  await expect(tenant.names('car', { filter: 'customFields.harbour = Kiel' })).rejects.toMatchObject({
    violations: [{ field: 'filter', reason: 'FILTER_FIELD_UNKNOWN' }],
  });
  await expect(tenant.create('car', { customFields: { harbour: 'Kiel' } })).rejects.toMatchObject({
    violations: [{ field: 'objectRecord.customFields.harbour', reason: 'UNKNOWN_FIELD' }],
  });
  await expect(tenant.create('boat', { externalIds })).rejects.toMatchObject({
    reason: 'EXTERNAL_ID_TAKEN',
    metadata: { objectRecordId: boat.id },
  });
});

test('orders of custom fields have their own values, in pages', async () => {
  for (const key of ['car', 'boat']) {
    await tenant.createObject(key);
    await tenant.createField(key, 'seats', { type: Type.NUMBER });
  }
  for (let number = 0; number < 9; number += 1) {
    await tenant.create('car', { name: `Car ${number}`, customFields: number % 3 > 0 ? { seats: number } : undefined });
    await tenant.create('boat', { name: `Boat ${number}`, customFields: { seats: number } });
  }
  const walked: string[] = [];
  let pageToken: string | undefined;
  do {
    const request = { object: 'car', orderBy: 'customFields.seats desc,name', pageSize: 2, pageToken };
    const page = await service.call('listObjectRecords', request, tenant.caller);
    walked.push(...page.objectRecords.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);

  expect(walked).toEqual(['Car 8', 'Car 7', 'Car 5', 'Car 4', 'Car 2', 'Car 1', 'Car 0', 'Car 3', 'Car 6']);
  const request = { object: 'car', sum: ['customFields.seats'], groupBy: [] };
  const { total } = await service.call('aggregateObjectRecords', request, tenant.caller);
  expect(total).toMatchObject({ count: 9, sums: [{ value: '27' }] });
});

test('every method finds a record under its own object only', async () => {
  await tenant.createObject('car');
  await tenant.createObject('boat');
  const { id, createTime } = await tenant.create('car');
  const as = { object: 'boat', id };
  const missing = { code: 'NOT_FOUND', reason: 'OBJECT_RECORD_NOT_FOUND' };

  const change = { ...as, objectRecord: objectRecord(), updateMask: ['name'] };
  await expect(service.call('getObjectRecord', as, tenant.caller)).rejects.toMatchObject(missing);
  await expect(service.call('getObjectRecord', { ...as, asOf: createTime }, tenant.caller)).rejects.toMatchObject(
    missing,
  );
  await expect(service.call('listObjectRecordHistory', as, tenant.caller)).rejects.toMatchObject(missing);
  await expect(service.call('updateObjectRecord', change, tenant.caller)).rejects.toMatchObject(missing);
  await expect(service.call('deleteObjectRecord', as, tenant.caller)).rejects.toMatchObject(missing);
  const batch = { mode: 1, items: [{ id, etag: undefined }] };
  await expect(service.call('batchDeleteObjectRecords', { ...as, batch }, tenant.caller)).rejects.toMatchObject(
    missing,
  );
  const found = await service.call('batchGetObjectRecords', { object: 'boat', ids: [id] }, tenant.caller);
  expect(found).toMatchObject({ objectRecords: [], missingIds: [id] });
  const filtered = { object: 'boat', ids: [id], filter: 'name:*' };
  expect(await service.call('batchGetObjectRecords', filtered, tenant.caller)).toMatchObject({ missingIds: [id] });
  await service.call('deleteObjectRecord', { object: 'car', id }, tenant.caller);
  await expect(service.call('undeleteObjectRecord', as, tenant.caller)).rejects.toMatchObject(missing);
});

test('a permission covers one object or all', async () => {
  await tenant.createObject('car');
  await tenant.createObject('boat');
  const reader: Caller = { ...tenant.caller, permissions: ['objects.car.read'] };
  const list = (object: string, caller: Caller) => service.call('listObjectRecords', { object }, caller);
  const create = { object: 'car', objectRecord: objectRecord() };
  const lacking = (permission: string) => ({ reason: 'PERMISSION_MISSING', metadata: { permission } });

  expect(await list('car', reader)).toMatchObject({ objectRecords: [] });
  await expect(list('boat', reader)).rejects.toMatchObject(lacking('objects.boat.read'));
  await expect(list('none', reader)).rejects.toMatchObject(lacking('objects.none.read'));
  await expect(service.call('createObjectRecord', create, reader)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  const writer: Caller = { ...tenant.caller, permissions: ['objects.car.write'] };
  expect(await service.call('createObjectRecord', create, writer)).toMatchObject({ object: 'car' });
  await expect(list('car', writer)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  const customObject = CustomObject.fromPartial({ key: 'plane', displayName: 'Plane' });
  await expect(service.call('createCustomObject', { customObject }, reader)).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
  });
});

test('the records of a deleted object are hidden until it is restored, and its key stays reserved', async () => {
  const { id } = await tenant.createObject('car');
  await tenant.createField('car', 'seats', { type: Type.NUMBER });
  const record = await tenant.create('car', { customFields: { seats: 5 } });
  await service.call('deleteCustomObject', { id }, tenant.caller);
  const gone = { code: 'NOT_FOUND', reason: 'OBJECT_NOT_FOUND' };

  await expect(tenant.names('car')).rejects.toMatchObject(gone);
  await expect(tenant.create('car')).rejects.toMatchObject(gone);
  await expect(tenant.createField('car', 'doors')).rejects.toMatchObject(gone);
  await expect(tenant.createObject('car')).rejects.toMatchObject({ reason: 'OBJECT_KEY_KEPT' });

  await service.call('undeleteCustomObject', { id }, tenant.caller);
  expect(await service.call('getObjectRecord', { object: 'car', id: record.id }, tenant.caller)).toEqual(record);
  await expect(tenant.createObject('car')).rejects.toMatchObject({ reason: 'KEY_TAKEN' });
});

test('values of a deleted field are retained, and restored with it', async () => {
  await tenant.createObject('car');
  await tenant.createField('car', 'seats', { type: Type.NUMBER });
  const { id } = await tenant.create('car', { name: 'Car', customFields: { seats: 5 } });
  const field = { key: 'objects.car.seats' };
  await service.call('deleteCustomField', field, tenant.caller);
  await expect(tenant.create('car', { customFields: { seats: 4 } })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  const rename = { object: 'car', id, objectRecord: objectRecord({ name: 'Old car' }), updateMask: ['name'] };
  await service.call('updateObjectRecord', rename, tenant.caller);

  expect(await service.call('undeleteCustomField', field, tenant.caller)).toMatchObject({
    key: 'seats',
    recordType: 'objects.car',
  });
  expect(await tenant.names('car', { filter: 'customFields.seats = 5' })).toEqual(['Old car']);
});

test('a request without an object, or with a wrong one, is refused', async () => {
  await expect(service.call('listObjectRecords', {}, tenant.caller)).rejects.toMatchObject({
    violations: [{ field: 'object', reason: 'REQUIRED' }],
  });
  await expect(tenant.names('none')).rejects.toMatchObject({ reason: 'OBJECT_NOT_FOUND' });
  await expect(tenant.names('No Key')).rejects.toMatchObject({ violations: [{ field: 'object' }] });
  await expect(tenant.createObject('No Key')).rejects.toMatchObject({ violations: [{ field: 'customObject.key' }] });
  await expect(tenant.createField('none', 'seats')).rejects.toMatchObject({ reason: 'OBJECT_NOT_FOUND' });
  const { id } = await tenant.createObject('car');
  const customObject = CustomObject.fromPartial({ key: 'auto' });
  const change = { id, customObject, updateMask: ['key'] };
  await expect(service.call('updateCustomObject', change, tenant.caller)).rejects.toMatchObject({
    violations: [{ field: 'customObject.key', reason: 'IMMUTABLE' }],
  });
});

test('a workspace has at most 100 objects', async () => {
  const items = Array.from({ length: 100 }, (_, number) => ({
    customObject: CustomObject.fromPartial({ key: `object_${number}`, displayName: `Object ${number}` }),
  }));
  await service.call('batchCreateCustomObjects', { batch: { mode: 1, items } }, tenant.caller);

  await expect(tenant.createObject('one_more')).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_OBJECTS',
  });
});

test('the search finds records of live objects that the caller can read', async () => {
  const { id: objectId } = await tenant.createObject('car');
  await tenant.createObject('boat');
  await tenant.createField('car', 'plate', { searchable: true });
  const car = await tenant.create('car', { name: 'Zephyr one', customFields: { plate: 'KI-AB 123' } });
  const boat = await tenant.create('boat', { name: 'Zephyr two' });
  const search = async (q: string, types: string[] = [], caller = tenant.caller) => {
    const { results } = await service.call('search', { q, types }, caller);
    return results.map(({ type, id }) => [type, id]);
  };
  const [ofCar, ofBoat] = [
    ['objects.car', car.id],
    ['objects.boat', boat.id],
  ];
  const reader: Caller = { ...tenant.caller, permissions: ['objects.car.read', 'customers.read'] };

  expect(await search('zephyr')).toEqual([ofBoat, ofCar]);
  expect(await search('zephyr', ['objects'])).toEqual([ofBoat, ofCar]);
  expect(await search('zephyr', ['objects.car', 'customer'])).toEqual([ofCar]);
  expect(await search('ki-ab')).toEqual([ofCar]);
  expect(await search('zephyr', [], reader)).toEqual([ofCar]);
  await expect(search('zephyr', ['objects.boat'], reader)).rejects.toMatchObject({ reason: 'PERMISSION_MISSING' });
  await expect(search('zephyr', ['objects.none'])).rejects.toMatchObject({ reason: 'OBJECT_NOT_FOUND' });
  await service.call('deleteCustomObject', { id: objectId }, tenant.caller);
  expect(await search('zephyr')).toEqual([ofBoat]);
});

test('associations lead to records of objects, and filters on them to one object', async () => {
  for (const key of ['my_car', 'boat']) {
    await tenant.createObject(key);
    await tenant.createField(key, 'seats', { type: Type.NUMBER });
  }
  const car = await tenant.create('my_car', { customFields: { seats: 5 } });
  const boat = await tenant.create('boat', { customFields: { seats: 12 } });
  const [ada, bob] = [await service.create(tenant.caller, person()), await service.create(tenant.caller, person())];
  for (const [{ id: owner }, { id: owned }] of [[ada, car] as const, [bob, boat] as const]) {
    const association = Association.fromPartial({
      from: `customers/${owner}`,
      type: 'owns',
      to: `objectRecords/${owned}`,
    });
    await service.call('createAssociation', { association }, tenant.caller);
  }
  const owners = async (filter: string, caller = tenant.caller) => {
    const { customers } = await service.call('listCustomers', { filter }, caller);
    return customers.map(({ id }) => id);
  };

  expect(await owners('associations.owns.objects.my_car.customFields.seats = 5')).toEqual([ada.id]);
  expect(await owners('associations.owns.objects.boat.customFields.seats < 20')).toEqual([bob.id]);
  expect(await owners('associations.owns.objects.boat.customFields.seats = 5')).toEqual([]);
  expect(await owners('NOT associations.owns.objects.my_car:*')).toEqual([bob.id]);
  const reader: Caller = { ...tenant.caller, permissions: ['customers.read', 'objects.boat.read'] };
  expect(await owners('associations.owns.objects.boat:*', reader)).toEqual([bob.id]);
  await expect(owners('associations.owns.objects.my_car:*', reader)).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
  });
  await expect(owners('associations.owns.objectRecords.name = x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
