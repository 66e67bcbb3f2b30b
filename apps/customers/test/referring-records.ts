import { create } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type as Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { absentValue, recordContracts, type RecordContract } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import {
  FieldOrder,
  OnErase,
  OnMerge,
  type FieldIndex,
  type RecordOptions,
} from '@rapport/contracts/rapport/api/v1/options';
import type { Method } from '../src/engine/fields/record-type.js';
import { addRecordType, RecordType } from '../src/engine/fields/record-type.js';
import type { RecordChange, RecordMessage } from '../src/engine/fields/record-definition.js';
import { contractWith, field, message, output, recordOptions, standardFields, uuid } from './trial-records.js';

const package_ = '.rapport.visits.v1';

/** A record of one of the types. */
export interface Referring extends RecordMessage {
  title: string;
  note?: string | undefined;
  customerId?: string | undefined;
  badgeId?: string | undefined;
  guests: { name: string; label?: string | undefined }[];
  start?: Stop | undefined;
  stops: Stop[];
}

interface Stop {
  place?: string | undefined;
  hour: number;
}

/** @param reference its `on_merge` and `on_erase` */
function referring(
  name: string,
  reference: Partial<FieldIndex> & { column?: string; type?: string },
  options: Partial<RecordOptions>,
) {
  const { column = 'customer_id', type = 'rapport/Customer', ...index } = reference;
  const singular = name.toLowerCase();
  return message(
    name,
    [
      field(1, 'id', Type.STRING, { rules: uuid, ...output }),
      field(2, 'title', Type.STRING, {
        behavior: [FieldBehavior.REQUIRED],
        rules: { pii: true, maxLength: 300 },
        index: { search: true, order: FieldOrder.LIVE, term: 't' },
      }),
      field(3, 'note', Type.STRING, { optional: true, rules: { pii: true }, index: { search: true } }),
      field(4, column, Type.STRING, { optional: true, rules: uuid, reference: type, index }),
      field(5, 'guests', `${package_}.Guest`, { list: true }),
      field(6, 'start', `${package_}.Stop`, {}),
      field(7, 'stops', `${package_}.Stop`, { list: true }),
      ...standardFields(),
    ],
    recordOptions(
      { type: `rapport/${name}`, singular, plural: `${singular}s` },
      { order: 'create_time', customFields: true, ...options },
    ),
  );
}

const subject = 'customer_id';
const { MOVE, KEEP } = OnMerge;

/** The platform's contract plus types that refer to customers with every option. */
export const contract = contractWith(
  create(FileDescriptorProtoSchema, {
    name: 'rapport/visits/v1/visits.proto',
    package: 'rapport.visits.v1',
    syntax: 'proto3',
    dependency: ['google/protobuf/struct.proto', 'google/protobuf/timestamp.proto'],
    messageType: [
      referring('Visit', { onMerge: MOVE, onErase: OnErase.CLEAR }, { subject }),
      referring('Badge', { onMerge: MOVE, onErase: OnErase.REMOVE }, { subject }),
      // Its own subject.
      referring('Docket', { onMerge: MOVE, onErase: OnErase.CLEAR }, {}),
      referring('Bill', { onMerge: KEEP, onErase: OnErase.KEEP }, {}),
      // Refers to another type that refers to customers.
      referring('Scan', { column: 'badge_id', type: 'rapport/Badge', onErase: OnErase.REMOVE }, {}),
      message('Guest', [
        field(1, 'name', Type.STRING, { behavior: [FieldBehavior.REQUIRED], rules: { pii: true } }),
        field(2, 'label', Type.STRING, { optional: true }),
      ]),
      message('Stop', [
        field(1, 'place', Type.STRING, { optional: true, rules: { pii: true } }),
        field(2, 'hour', Type.INT32, {}),
      ]),
    ],
  }),
);

/** By singular. */
export const referringContracts: ReadonlyMap<string, RecordContract> = new Map(
  recordContracts(contract)
    .filter(({ message: { typeName } }) => typeName.startsWith('rapport.visits.'))
    .map((each) => [each.singular, each]),
);

/** The recorded calls of the dockets' rules. */
export const docketChanges: RecordChange<Referring>[] = [];

/** Registers the types in the modules that this file has loaded. By singular. */
export function addReferringTypes(): ReadonlyMap<string, RecordType<Referring>> {
  const types = new Map<string, RecordType<Referring>>();
  for (const [singular, each] of referringContracts) {
    const type = new RecordType<Referring>(each, methodsOf(each), {
      indexVersion: 1,
      ...(singular === 'docket' && {
        also: (changes) => {
          docketChanges.push(...changes);
          return [];
        },
      }),
    });
    addRecordType(type);
    types.set(singular, type);
  }
  return types;
}

/** The parts of a generated service that the engine uses. */
function methodsOf({ singular, fields }: RecordContract): Record<string, Method> {
  const values = fields.map(({ name, desc }) => [name, desc.fieldKind === 'list' ? [] : absentValue(desc)]);
  const get = {
    responseSerialize: (record: object) => Buffer.from(JSON.stringify(record)),
    responseDeserialize: () => Object.fromEntries(values) as object,
  };
  return { [`get${singular.charAt(0).toUpperCase()}${singular.slice(1)}`]: get as unknown as Method };
}

/** Each personal value contains the mark. */
export function marked(mark: string, customerId?: string) {
  return {
    ...{ customerId, title: `${mark}title`, note: `${mark}note`, guests: [{ name: `${mark}guest`, label: 'first' }] },
    ...{
      start: { place: `${mark}start`, hour: 8 },
      stops: [{ place: `${mark}stop`, hour: 9 }, { hour: 10 }],
    },
  };
}
