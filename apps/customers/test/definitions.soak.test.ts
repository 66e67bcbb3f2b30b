import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomObject } from '@rapport/contracts/rapport/objects/v1/custom_object';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.js';
import { fieldOf } from './custom-field-requests.js';
import { ObjectTenant, objectRecord } from './object-tenant.js';
import { company, sharedCustomers } from './running-customers.js';
import { deal, SalesTenant } from './sales-tenant.js';
import { WatchedDefinition } from './watched-definition.js';

const rounds = sizeOf('DEFINITION_ROUNDS', { short: 1, long: 100 });
const writers = sizeOf('DEFINITION_WRITERS', { short: 20, long: 50 });
const readers = sizeOf('DEFINITION_READERS', { short: 8, long: 20 });

type Values = Record<string, unknown>;

/** Records of one type, one per writer. */
interface Records {
  /** The type in definitions of fields. */
  type: string;
  ids: string[];
  update: (id: string, customFields: Values) => Promise<unknown>;
  get: (id: string) => Promise<{ customFields?: Values | undefined }>;
  /** Ids of the records that match a filter. */
  find: (filter: string) => Promise<string[]>;
}

/** A field, the definition that decides whether it can be used, and the value in each writer's record. */
interface Field {
  records: Records;
  key: string;
  isNumber: boolean;
  definition: WatchedDefinition;
  /** By writer: the last acknowledged number, and the last sent one. */
  written: number[];
  sent: number[];
}

const service = await sharedCustomers();

async function newRecords(): Promise<{ tenant: ObjectTenant; all: Records[] }> {
  const tenant = new ObjectTenant(service);
  const { caller } = tenant;
  const sales = new SalesTenant(service, caller);
  const pipeline = await sales.createPipeline();
  const ofWriters = async (make: (writer: number) => Promise<{ id: string }>) =>
    (await Promise.all(Array.from({ length: writers }, (_, writer) => make(writer)))).map(({ id }) => id);
  const ofObject = async (object: string): Promise<Records> => {
    await tenant.createObject(object, { displayName: '0' });
    return {
      type: `objects.${object}`,
      ids: await ofWriters(() => tenant.create(object)),
      update: (id, customFields) => {
        const changed = { objectRecord: objectRecord({ customFields }), updateMask: ['customFields'] };
        return service.call('updateObjectRecord', { object, id, ...changed }, caller);
      },
      get: (id) => service.call('getObjectRecord', { object, id }, caller),
      find: async (filter) => {
        const { objectRecords } = await service.call('listObjectRecords', { object, filter, pageSize: 200 }, caller);
        return objectRecords.map(({ id }) => id);
      },
    };
  };
  const ofCustomers: Records = {
    type: 'customer',
    ids: await ofWriters((writer) => service.create(caller, company({ displayName: `Company ${writer}` }))),
    update: (id, customFields) => service.update(caller, id, { customFields }),
    get: (id) => service.get(caller, id),
    find: async (filter) => {
      const { customers } = await service.call('listCustomers', { filter, pageSize: 200 }, caller);
      return customers.map(({ id }) => id);
    },
  };
  const ofDeals: Records = {
    type: 'deal',
    ids: await ofWriters(() => service.call('createDeal', { deal: deal({ pipelineId: pipeline.id }) }, caller)),
    update: (id, customFields) => sales.updateDeal(id, { customFields }),
    get: (id) => service.call('getDeal', { id }, caller),
    find: async (filter) => {
      const { deals } = await service.call('listDeals', { filter, pageSize: 200 }, caller);
      return deals.map(({ id }) => id);
    },
  };
  return { tenant, all: [ofCustomers, ofDeals, await ofObject('car'), await ofObject('boat'), await ofObject('van')] };
}

async function newField(tenant: ObjectTenant, records: Records, key: string, object?: string): Promise<Field> {
  const isNumber = key === 'seats';
  const type = isNumber ? Type.NUMBER : Type.TEXT;
  const customField = fieldOf({ key, type, recordType: records.type, displayName: '0' });
  await service.call('createCustomField', { customField }, tenant.caller);
  const name = records.type === 'customer' ? key : `${records.type}.${key}`;
  const definition = object ? await watchedObject(tenant, object) : watchedField(tenant, name, isNumber);
  const none = () => Array.from({ length: writers }, () => 0);
  return { records, key, isNumber, definition, written: none(), sent: none() };
}

function watchedField({ caller }: ObjectTenant, key: string, isNumber: boolean): WatchedDefinition {
  const update = (change: { displayName: string } | { type: Type }) => {
    const changed = { customField: fieldOf(change), updateMask: Object.keys(change) };
    return service.call('updateCustomField', { key, ...changed }, caller);
  };
  return new WatchedDefinition(
    `field ${key}`,
    {
      rename: (displayName) => update({ displayName }),
      retype: () => update({ type: isNumber ? Type.TEXT : Type.NUMBER }),
      delete: () => service.call('deleteCustomField', { key }, caller),
      undelete: () => service.call('undeleteCustomField', { key }, caller),
      read: async () => {
        const { displayName, deleteTime } = await service.call('getCustomField', { key }, caller);
        return { displayName, isLive: deleteTime === undefined };
      },
    },
    // Values of deleted fields stay visible and searchable.
    { write: 'INVALID_ARGUMENT UNKNOWN_FIELD', read: 'OK' },
  );
}

async function watchedObject({ caller }: ObjectTenant, key: string): Promise<WatchedDefinition> {
  const all = await service.call('listCustomObjects', {}, caller);
  const { id } = all.customObjects.find((each) => each.key === key)!;
  const update = (change: Partial<CustomObject>) => {
    const changed = { customObject: CustomObject.fromPartial(change), updateMask: Object.keys(change) };
    return service.call('updateCustomObject', { id, ...changed }, caller);
  };
  const missing = 'NOT_FOUND OBJECT_NOT_FOUND';
  const find = async (showDeleted: boolean) => {
    const { customObjects } = await service.call('listCustomObjects', { showDeleted }, caller);
    return customObjects.find((each) => each.id === id);
  };
  return new WatchedDefinition(
    `object ${key}`,
    {
      rename: (displayName) => update({ displayName }),
      retype: () => update({ key: 'plane' }),
      delete: () => service.call('deleteCustomObject', { id }, caller),
      undelete: () => service.call('undeleteCustomObject', { id }, caller),
      read: async () => {
        // Its state may have changed between the two lists.
        const found = (await find(false)) ?? (await find(true)) ?? (await find(false));
        return { displayName: found?.displayName, isLive: found !== undefined && found.deleteTime === undefined };
      },
    },
    { write: missing, read: missing },
  );
}

test(
  'with concurrent renames, deletions and restores of definitions, no read is stale and no value is lost',
  { timeout: soakTimeoutMs },
  async () => {
    const seed = printedSeed('definitions');
    const { tenant, all } = await newRecords();
    const fields: Field[] = [];
    for (const records of all) {
      const object = ['boat', 'van'].find((key) => records.type === `objects.${key}`);
      for (const key of object ? ['plan'] : ['plan', 'seats'])
        fields.push(await newField(tenant, records, key, object));
    }
    const tally: Record<string, number> = {};
    const faults: string[] = [];
    const count = (name: string, fault?: string) => {
      tally[name] = (tally[name] ?? 0) + 1;
      if (fault !== undefined) faults.push(fault);
    };
    let number = 0;
    let isDone = false;
    const whileChanged = async (random: SeedRandom, step: (random: SeedRandom) => Promise<void>) => {
      while (!isDone && faults.length === 0) await step(random);
    };
    const write = (writer: number) => async (random: SeedRandom) => {
      const field = random.pick(fields);
      const { records, key, definition, sent, written } = field;
      const mine = (number += 1);
      const before = sent[writer]!;
      sent[writer] = mine;
      const value = { [key]: valueOf(field, mine) };
      const { outcome, fault } = await definition.use('write', () => records.update(records.ids[writer]!, value));
      if (outcome === 'OK') written[writer] = mine;
      else sent[writer] = before;
      count(`write ${outcome}`, fault);
    };
    const read = async (random: SeedRandom) => {
      const field = random.pick(fields);
      switch (random.below(3)) {
        case 0:
          return count('definition', await field.definition.look());
        case 1:
          return count('find', await unfound(field));
        default:
          return count('get', await lostValue(field, random.below(writers)));
      }
    };

    const working = [
      ...Array.from({ length: writers }, (_, writer) => whileChanged(new SeedRandom(seed + writer), write(writer))),
      ...Array.from({ length: readers }, (_, reader) => whileChanged(new SeedRandom(seed - reader - 1), read)),
    ];
    const changing = fields.map(async ({ definition }) => {
      for (let round = 0; round < rounds; round += 1) faults.push(...(await definition.takeRound()));
    });
    await Promise.race([Promise.all(changing), Promise.all(working)]).finally(() => (isDone = true));
    await Promise.all(working);

    printTally('definitions', tally);
    expect(faults).toEqual([]);
    for (const records of all) await expectValues(records, fields);
    const random = new SeedRandom(seed);
    for (const field of fields) await expectFound(field, random.below(writers));
  },
);

function valueOf({ isNumber }: Field, number: number): unknown {
  return isNumber ? number : `value ${number}`;
}

/** The number encoded by `valueOf`; 0 for none. */
function numberOf(value: unknown): number {
  if (value === undefined) return 0;
  return typeof value === 'string' ? Number(value.replace('value ', '')) : (value as number);
}

/** Reads a record. Returns the error: a value older than the last acknowledged one, or an unsent one. */
async function lostValue(field: Field, writer: number): Promise<string | undefined> {
  const { records, key, definition, written, sent } = field;
  const least = written[writer]!;
  let shown: unknown;
  const { outcome, fault } = await definition.use('read', async () => {
    shown = (await records.get(records.ids[writer]!)).customFields?.[key];
  });
  if (outcome !== 'OK') return fault;
  const number = numberOf(shown);
  const isFresh = number >= least && number <= Math.max(sent[writer]!, least);
  return isFresh ? fault : `${definition.name} of a record is ${number}, after ${least}`;
}

/** Queries the records with a value. Returns the error: some with acknowledged values are missing. */
async function unfound({ records, key, definition, written }: Field): Promise<string | undefined> {
  const having = records.ids.filter((_, writer) => written[writer]! > 0);
  let found: string[] = [];
  const { outcome, fault } = await definition.use('read', async () => {
    found = await records.find(`customFields.${key}:*`);
  });
  const lost = having.filter((id) => !found.includes(id));
  return outcome === 'OK' && lost.length > 0 ? `${definition.name} of ${lost.length} records is not found` : fault;
}

/** Every acknowledged value is found. */
async function expectValues(records: Records, fields: Field[]): Promise<void> {
  const own = fields.filter((field) => field.records === records);
  const got = await Promise.all(records.ids.map(async (id) => (await records.get(id)).customFields ?? {}));
  const written = records.ids.map((_, writer) => {
    const having = own.filter((field) => field.written[writer]! > 0);
    return Object.fromEntries(having.map((field) => [field.key, valueOf(field, field.written[writer]!)]));
  });
  expect(got).toEqual(written);
}

/** Filters that find the presence of a value, and the record of one writer by its value. */
async function expectFound({ records, key, ...field }: Field, writer: number): Promise<void> {
  const having = records.ids.filter((_, each) => field.written[each]! > 0);
  expect((await records.find(`customFields.${key}:*`)).toSorted()).toEqual(having.toSorted());
  const number = field.written[writer]!;
  if (number === 0) return;
  const value = valueOf({ records, key, ...field }, number);
  expect(await records.find(`customFields.${key} = "${String(value)}"`)).toEqual([records.ids[writer]]);
}
