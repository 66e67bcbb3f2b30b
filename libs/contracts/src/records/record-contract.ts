import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import type { ResourceDescriptor } from '../gen/google/api/resource.js';
import {
  FieldOrder,
  Format,
  OnDelete,
  OnErase,
  OnMerge,
  type FieldIndex,
  type RecordOptions,
} from '../gen/rapport/api/v1/options.js';

/** A type of records, as its message declares it. */
export interface RecordContract {
  /** Type of the resource, such as `rapport/Customer`. */
  type: string;
  /** Such as `customer` and `customers`. */
  singular: string;
  plural: string;
  /** Path of its records, such as `deals`, or `objects/{object}/records` for those that have a parent. */
  collection: string;
  /** Column with the key of the parent: each parent has its own collection of records. */
  parent: string | undefined;
  message: DescMessage;
  options: RecordOptions;
  /** First part of the permissions that calls need, such as `customers` of `customers.read`. */
  permission: string;
  /** Permission of calls that write the records, such as `customers.write`, or `pipelines.configure`. */
  writePermission: string;
  /** In the order of the message. */
  fields: readonly RecordField[];
}

/** A field of a record, or of a message within one. */
export interface RecordField {
  /** In JSON, such as `displayName`. */
  name: string;
  /** In SQL and filters, such as `display_name`. */
  column: string;
  desc: DescField;
  index: FieldIndex;
  /** Whether callers set it: at any time, when the record is created, or never. */
  writable: 'ALWAYS' | 'ONCE' | 'NEVER';
  /** Whether it is required. The required part of an item is its key. */
  isRequired: boolean;
  isPersonal: boolean;
  /** Whether it is a counter that changes without a new version of the record. */
  isUnversioned: boolean;
  /** Whether its values are UUIDs. */
  isId: boolean;
  /** Whether its values are ids of users. */
  isUser: boolean;
  /** Whether it refers to a team. */
  isTeam: boolean;
  /** Whether its values are days of the calendar. */
  isDate: boolean;
  /** Type of the referenced record. Undefined for a reference to another resource, such as a user. */
  reference: string | undefined;
  /** For a list of references to records of several types: these types, in the singular. */
  relatedTypes: readonly string[] | undefined;
  /** The fields of its message, when it has one of this contract. */
  parts: readonly RecordField[];
}

/** A field of a record, or a part of the items of one of its lists, under its name in filters, orders and groups. */
export interface NamedField {
  /** In snake_case. The key of the items has the name of their list. */
  name: string;
  field: RecordField;
  /** The list whose items have it. */
  list: RecordField | undefined;
}

const known = new WeakMap<Contract, readonly RecordContract[]>();

/**
 * All types of records of a contract. Made once for each contract, because a service asks for them in several places when it starts.
 *
 * @throws Error naming what a message lacks or declares wrongly
 */
export function recordContracts(contract: Contract): readonly RecordContract[] {
  let contracts = known.get(contract);
  if (!contracts) known.set(contract, (contracts = readRecordContracts(contract)));
  return contracts;
}

function readRecordContracts(contract: Contract): RecordContract[] {
  const targets = new Targets(contract);
  return contract.recordMessages.map((message) => {
    const resource = contract.resource(message);
    const options = contract.record(message);
    if (!resource || !options) throw new Error(`${message.typeName}: a record needs google.api.resource.`);
    const fields = message.fields.map((field) => recordField(contract, field, targets));
    const fault = faultOf(options, fields);
    if (fault !== undefined) throw new Error(`${message.typeName}: ${fault}.`);
    const { type, singular, plural } = resource;
    const permission = options.permission || plural;
    const writePermission = `${permission}.${options.configuration ? 'configure' : 'write'}`;
    const collection = collectionOf(resource);
    const parent = parentOf(message, collection, fields);
    return { type, singular, plural, collection, parent, message, options, permission, writePermission, fields };
  });
}

/** The paths of all resources, without `/v1/`, by their types: `users` by `rapport/User`. */
export function resourceCollections(contract: Contract): ReadonlyMap<string, string> {
  const resources = contract.resourceMessages.map((message) => contract.resource(message));
  return new Map(resources.flatMap((resource) => (resource ? [[resource.type, collectionOf(resource)]] : [])));
}

function collectionOf({ pattern: [pattern], plural }: ResourceDescriptor): string {
  return pattern?.replace(/\/\{[^{}]*\}$/, '') ?? plural;
}

/** @throws Error for a path with a parent that is no field of the records */
function parentOf(message: DescMessage, collection: string, fields: readonly RecordField[]): string | undefined {
  const [, parent] = /\{([^{}]*)\}/.exec(collection) ?? [];
  if (parent === undefined || fields.some(({ column }) => column === parent)) return parent;
  throw new Error(`${message.typeName}: the pattern names ${parent}, which is no field.`);
}

/** The fields of a record and of the messages within it, depth first. */
export function allFields(fields: readonly RecordField[]): RecordField[] {
  return fields.flatMap((field) => [field, ...allFields(field.parts)]);
}

/** The fields of a record and of the items of its lists, in the order of the message. */
export function namedFields({ fields }: RecordContract): NamedField[] {
  return fields.flatMap((field) => [
    { name: field.column, field, list: undefined },
    ...field.parts.map((part) => ({ name: part.isRequired ? field.column : part.column, field: part, list: field })),
  ]);
}

function recordField(contract: Contract, desc: DescField, targets: Targets): RecordField {
  const own = desc.message?.typeName.startsWith('rapport.') ? desc.message.fields : [];
  return {
    name: desc.jsonName,
    column: desc.name,
    desc,
    index: contract.index(desc),
    writable: writableOf(contract, desc),
    isRequired: contract.is(desc, FieldBehavior.REQUIRED),
    isPersonal: contract.rules(desc).pii,
    isUnversioned: contract.rules(desc).unversioned,
    isId: contract.rules(desc).format === Format.UUID,
    isUser: contract.reference(desc) === 'rapport/User',
    isTeam: contract.reference(desc) === 'rapport/Team',
    isDate: contract.rules(desc).format === Format.DATE,
    reference: targets.record(desc),
    relatedTypes: isRelated(desc) ? targets.related : undefined,
    parts: own.map((part) => recordField(contract, part, targets)),
  };
}

/** Whether a field is a list of references to records of several types. */
function isRelated({ fieldKind, message }: DescField): boolean {
  return fieldKind === 'list' && message?.typeName === 'rapport.api.v1.RecordRef';
}

/** The resources that fields can refer to. */
class Targets {
  /** Types of records that callers write, in the singular: a list of references can name them. */
  readonly related: readonly string[];
  readonly #records: ReadonlySet<string | undefined>;
  readonly #resources: ReadonlySet<string | undefined>;

  constructor(private readonly contract: Contract) {
    const typeOf = (message: DescMessage) => contract.resource(message)?.type;
    this.#records = new Set(contract.recordMessages.map(typeOf));
    this.related = contract.recordMessages.flatMap((message) =>
      contract.record(message)?.readOnly ? [] : (contract.resource(message)?.singular ?? []),
    );
    this.#resources = new Set(contract.resourceMessages.map(typeOf));
  }

  /** The type of the records that a field refers to. @throws Error for a reference to no resource */
  record(field: DescField): string | undefined {
    const type = this.contract.reference(field);
    if (type === undefined || this.#records.has(type)) return type;
    if (this.#resources.has(type)) return undefined;
    throw new Error(`${field.parent.typeName}: ${field.name} refers to ${type}, which is no resource.`);
  }
}

function writableOf(contract: Contract, desc: DescField): RecordField['writable'] {
  if (contract.is(desc, FieldBehavior.OUTPUT_ONLY)) return 'NEVER';
  return contract.is(desc, FieldBehavior.IMMUTABLE) ? 'ONCE' : 'ALWAYS';
}

/** The contradiction in a declaration; undefined for a valid one. */
function faultOf({ order, subject }: RecordOptions, fields: readonly RecordField[]): string | undefined {
  const all = allFields(fields);
  const byTerm = Map.groupBy(
    all.filter(({ index }) => index.term !== ''),
    ({ index }) => index.term,
  );
  for (const [term, named] of byTerm) {
    if (named.length < 2) continue;
    const taken = [...byTerm.keys()].toSorted().join(' ');
    return `${named.map(({ column }) => column).join(' and ')} have the term ${term}. Taken: ${taken}`;
  }
  if (!fields.some(({ column, index }) => column === order && index.order !== FieldOrder.UNSPECIFIED))
    return `order names "${order}", which is no field with an order`;
  if (subject !== '' && !fields.some(({ column, reference }) => column === subject && reference !== undefined))
    return `subject names "${subject}", which is no reference`;
  const unreferenced = all.find((field) => !field.reference && !field.relatedTypes && hasReferenceRule(field));
  if (unreferenced) return `${unreferenced.column} has on_delete, on_merge or on_erase, but is no reference`;
  const unsummable = all.find((field) => field.index.sum && !isSummable(field));
  if (unsummable) return `${unsummable.column} has sum, but is neither a number nor Money`;
  return undefined;
}

function hasReferenceRule({ index: { onDelete, onMerge, onErase } }: RecordField): boolean {
  return onDelete !== OnDelete.UNSPECIFIED || onMerge !== OnMerge.UNSPECIFIED || onErase !== OnErase.UNSPECIFIED;
}

function isSummable({ desc }: RecordField): boolean {
  if (desc.fieldKind === 'message') return desc.message.typeName === 'rapport.api.v1.Money';
  return desc.fieldKind === 'scalar' && !unsummableScalars.includes(desc.scalar);
}

const unsummableScalars = [ScalarType.STRING, ScalarType.BYTES, ScalarType.BOOL];
