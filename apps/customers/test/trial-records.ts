import { create, createFileRegistry, toBinary, type DescFile } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { camelCase, Contract, platformContract, recordContracts, type RecordContract } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { ResourceDescriptor, ResourceReference } from '@rapport/contracts/google/api/resource';
import { FieldIndex, FieldOrder, FieldRules, Format, RecordOptions } from '@rapport/contracts/rapport/api/v1/options';

/** Numbers of the options. */
const options = { behavior: 1052, resource: 1053, reference: 1055, rules: 50_002, record: 50_004, index: 50_005 };

interface FieldOptions {
  list?: boolean;
  optional?: boolean;
  behavior?: FieldBehavior[];
  rules?: Partial<FieldRules>;
  index?: Partial<FieldIndex>;
  reference?: string;
}

export const uuid = { format: Format.UUID };
export const output = { behavior: [FieldBehavior.OUTPUT_ONLY] };
const package_ = '.rapport.trials.v1';
const time = '.google.protobuf.Timestamp';

/** The contract's standard fields, from custom fields on. */
export function standardFields(): FieldDescriptorProto[] {
  return [
    field(53, 'custom_fields', '.google.protobuf.Struct', { optional: true }),
    field(54, 'etag', Type.STRING, output),
    field(55, 'create_time', time, { ...output, index: { order: FieldOrder.ALL } }),
    field(56, 'update_time', time, output),
    field(57, 'delete_time', time, output),
    field(58, 'created_by', Type.STRING, output),
    field(59, 'updated_by', Type.STRING, output),
  ];
}

/** A record type for tests, with a field of every supported kind. */
const trial = message(
  'Trial',
  [
    field(1, 'id', Type.STRING, { rules: uuid, ...output }),
    field(2, 'title', Type.STRING, {
      behavior: [FieldBehavior.REQUIRED],
      rules: { pii: true },
      index: { search: true, order: FieldOrder.LIVE },
    }),
    field(3, 'customer_id', Type.STRING, { optional: true, rules: uuid, reference: 'rapport/Customer' }),
    field(4, 'status', `${package_}.TrialStatus`, { index: { term: 'u', group: true } }),
    field(5, 'amount', `${package_}.Money`, { index: { order: FieldOrder.LIVE } }),
    field(6, 'end_date', Type.STRING, {
      optional: true,
      rules: { format: Format.DATE },
      index: { order: FieldOrder.LIVE },
    }),
    field(7, 'stage_time', time, { ...output, index: { order: FieldOrder.ALL } }),
    field(8, 'labels', Type.STRING, { list: true, rules: { maxItems: 5 }, index: { term: 'l' } }),
    field(9, 'steps', `${package_}.Step`, { list: true, rules: { maxItems: 5 } }),
    field(10, 'next_step', `${package_}.Step`, {}),
    field(11, 'seats', Type.INT32, { optional: true }),
    field(12, 'size_bytes', Type.INT64, {}),
    field(13, 'score', Type.DOUBLE, { optional: true }),
    field(14, 'accepted', Type.BOOL, {}),
    field(15, 'source', Type.STRING, {}),
    field(50, 'owner_id', Type.STRING, { optional: true, rules: uuid, index: { term: 'o' } }),
    field(51, 'owner_team_id', Type.STRING, { optional: true, rules: uuid, index: { term: 'w' } }),
    field(52, 'external_ids', '.rapport.customers.v1.ExternalId', { list: true, rules: { maxItems: 5 } }),
    ...standardFields(),
  ],
  recordOptions(
    { type: 'rapport/Trial', singular: 'trial', plural: 'trials' },
    { order: 'create_time', owned: true, customFields: true },
  ),
);

/**
 * The platform's contract plus the trials.
 *
 * @param more further fields of trials
 */
export function trialContract(more: FieldDescriptorProto[] = []): { contract: Contract; trials: RecordContract } {
  const file = create(FileDescriptorProtoSchema, {
    name: 'rapport/trials/v1/trial.proto',
    package: 'rapport.trials.v1',
    syntax: 'proto3',
    dependency: [
      ...['google/protobuf/struct.proto', 'google/protobuf/timestamp.proto', 'rapport/customers/v1/customer.proto'],
    ],
    messageType: [
      { ...trial, field: [...trial.field, ...more] },
      message('Money', [field(1, 'currency_code', Type.STRING, {}), field(2, 'amount', Type.STRING, {})]),
      message('Step', [
        field(1, 'key', Type.STRING, {}),
        field(2, 'status', `${package_}.TrialStatus`, {}),
        field(3, 'note', Type.STRING, { optional: true }),
      ]),
    ],
    enumType: [
      create(EnumDescriptorProtoSchema, {
        name: 'TrialStatus',
        value: ['UNSPECIFIED', 'OPEN', 'WON'].map((name, number) => ({ name: `TRIAL_STATUS_${name}`, number })),
      }),
    ],
  });
  const contract = contractWith(file);
  const trials = recordContracts(contract).find(({ type }) => type === 'rapport/Trial');
  if (!trials) throw new Error('The contract lacks the trials.');
  return { contract, trials };
}

/** The platform's contract plus a file. */
export function contractWith(file: FileDescriptorProto): Contract {
  const files = new Map<string, FileDescriptorProto>();
  for (const { service } of platformContract().methods) addFile(files, service.file);
  const set = create(FileDescriptorSetSchema, { file: [...files.values(), file] });
  // Reports the error if the file is invalid.
  createFileRegistry(set);
  return new Contract(toBinary(FileDescriptorSetSchema, set));
}

/** The options of a record message. */
export function recordOptions(resource: Partial<ResourceDescriptor>, record: Partial<RecordOptions>): Option[] {
  return [
    [options.resource, ResourceDescriptor.encode(ResourceDescriptor.fromPartial(resource)).finish()],
    [options.record, RecordOptions.encode(RecordOptions.fromPartial(record)).finish()],
  ];
}

/** The imports of a file come before it. */
function addFile(files: Map<string, FileDescriptorProto>, { name, proto, dependencies }: DescFile): void {
  if (files.has(name)) return;
  for (const dependency of dependencies) addFile(files, dependency);
  files.set(name, proto);
}

export function message(name: string, fields: FieldDescriptorProto[], given: Option[] = []): DescriptorProto {
  const optional = fields.filter(({ proto3Optional }) => proto3Optional);
  for (const [index, each] of optional.entries()) each.oneofIndex = index;
  return create(DescriptorProtoSchema, {
    name,
    field: fields,
    // What proto3 has for fields with presence.
    oneofDecl: optional.map((each) => ({ name: `_${each.name}` })),
    options: { ...create(MessageOptionsSchema), $unknown: given.map(unknownField) },
  });
}

/** @param type a scalar type, or the full name of a message or enum */
export function field(
  number: number,
  name: string,
  type: Type | string,
  { list = false, optional = false, behavior = [], rules, index, reference }: FieldOptions,
): FieldDescriptorProto {
  const given: Option[] = [];
  if (behavior.length > 0) given.push([options.behavior, new Uint8Array(behavior)]);
  if (rules) given.push([options.rules, FieldRules.encode(FieldRules.fromPartial(rules)).finish()]);
  if (index) given.push([options.index, FieldIndex.encode(FieldIndex.fromPartial(index)).finish()]);
  if (reference !== undefined) {
    given.push([
      options.reference,
      ResourceReference.encode(ResourceReference.fromPartial({ type: reference })).finish(),
    ]);
  }
  const isEnum = type === `${package_}.TrialStatus`;
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    jsonName: camelCase(name),
    label: list ? Label.REPEATED : Label.OPTIONAL,
    ...(typeof type === 'string' ? { type: isEnum ? Type.ENUM : Type.MESSAGE, typeName: type } : { type }),
    proto3Optional: optional,
    options: { ...create(FieldOptionsSchema), $unknown: given.map(unknownField) },
  });
}

/** The number of an option and the bytes of its value: a message, or packed enums. */
type Option = [no: number, bytes: Uint8Array];

function unknownField([no, bytes]: Option) {
  return { no, wireType: WireType.LengthDelimited, data: new BinaryWriter().bytes(bytes).finish() };
}
