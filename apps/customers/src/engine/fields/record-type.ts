import type { MethodDefinition } from '@grpc/grpc-js';
import type { DescMessage } from '@bufbuild/protobuf';
import {
  PersonalDataMask,
  namedFields,
  snakeCase,
  type NamedField,
  type RecordContract,
  type RecordField,
} from '@rapport/contracts';
import { kindOf, searchTextVersion } from '@rapport/contracts/filters';
import { contract as platform, recordContract } from '../values/contract.js';
import { onceFor } from '../values/once-for.js';
import type { RecordDefinition, RecordMessage } from './record-definition.js';
import { defaultsOf, type RecordDefaults } from './record-defaults.js';

/** A method of a service, as ts-proto generates it. */
export type Method = MethodDefinition<object, object>;

const mask = new PersonalDataMask(platform);

/** A record type: its contract, and the rules that the contract can't express. */
export class RecordType<Message extends RecordMessage = RecordMessage> {
  readonly definition: RecordDefinition<Message> & RecordDefaults<Message>;
  /** Such as `customer`. */
  readonly singular: string;
  readonly plural: string;
  readonly table: string;
  readonly message: DescMessage;
  /** The indexed fields, in the order of the contract. */
  readonly namedFields: readonly NamedField[];
  private readonly personal: ReadonlySet<string>;
  /** The type of all records, for a type created by `of`. */
  readonly base: RecordType<Message> | undefined;
  /** Key of the parent of these records; absent for all records of the type. */
  readonly parentKey: string | undefined;

  /**
   * @param contract of the type
   * @param methods of the standard service, by their names in lowerCamelCase
   */
  constructor(
    readonly contract: RecordContract,
    readonly methods: Readonly<Record<string, Method>>,
    definition: RecordDefinition<Message>,
  ) {
    this.definition = { ...defaultsOf<Message>(contract), ...definition };
    const { singular, plural, message } = contract;
    this.singular = singular;
    this.plural = plural;
    this.table = snakeCase(singular);
    this.message = message;
    this.namedFields = namedFields(contract);
    const { customFields } = contract.options;
    this.derived = {
      searchText: this.namedFields.some(({ field }) => field.index.search),
      terms: customFields || this.namedFields.some(({ field }) => field.index.term !== ''),
      orderValues: customFields,
      sealed: this.namedFields.some(({ field }) => field.isPersonal),
      keys: this.namedFields.some(({ field }) => field.index.unique),
    };
    if (this.derived.searchText)
      this.definition = { ...this.definition, indexVersion: definition.indexVersion + searchTextVersion };
    this.personal = new Set([...mask.fieldNames(message)].map(snakeCase));
  }

  /** The type of one parent's records. Cached values of a type are shared by the types of all its parents. */
  of(parentKey: string): this {
    return Object.assign(Object.create(this) as this, { base: this.base ?? this, parentKey });
  }

  /**
   * The name of the type in custom field definitions, imports and searches: `deal`, or `objects.subscription` for one
   * parent.
   */
  get name(): string {
    const { parent, permission } = this.contract;
    if (parent === undefined) return this.singular;
    return this.parentKey === undefined ? permission : `${permission}.${this.parentKey}`;
  }

  /** The key of a record's parent: undefined for records of a type without parents. */
  parentOf(record: Message): string | undefined {
    const { parent } = this.contract;
    return parent === undefined ? undefined : ((record as unknown as Record<string, unknown>)[parent] as string);
  }

  /** Upper-case name for error reasons, such as `CUSTOMER`. */
  get constant(): string {
    return this.table.toUpperCase();
  }

  /** Whether a field, in snake_case, is or contains personal data. */
  isPersonal(field: string): boolean {
    return this.personal.has(field);
  }

  /** Column of the sort key of a field. */
  sortColumn(field: RecordField): string {
    const { column } = field;
    switch (kindOf(field)) {
      case 'TEXT':
        return this.definition.sortColumns?.[column] ?? `sort_${column}`;
      case 'MONEY':
        return `${column}_order`;
      case 'TIME':
      case 'DATE':
      case 'NUMBER':
        return column;
    }
  }

  /** Columns derived from the fields: for search, order and encryption only. */
  readonly derived: { searchText: boolean; terms: boolean; orderValues: boolean; sealed: boolean; keys: boolean };

  /** Id of the record whose key encrypts the personal data of this one. */
  subjectOf(record: Message): string {
    const { subject } = this.contract.options;
    if (subject === '') return record.id;
    const field = this.contract.fields.find(({ column }) => column === subject);
    return ((record as unknown as Record<string, unknown>)[field?.name ?? ''] as string | undefined) ?? record.id;
  }

  /** A method of the standard service. @param verb such as `get`, `batchCreate` and `history` */
  method(verb: string): Method {
    const name = this.methodNames(verb).find((each) => each in this.methods);
    const method = name === undefined ? undefined : this.methods[name];
    if (!method) throw new Error(`The service of ${this.plural} has no ${verb}.`);
    return method;
  }

  /** The verb of a method of the standard service. @param name in lowerCamelCase */
  verbOf(name: string): string {
    const verb = name === this.methodNames('history')[0] ? 'history' : (/^(batch[A-Z])?[a-z]+/.exec(name)?.[0] ?? '');
    return this.methodNames(verb).includes(name) ? verb : name;
  }

  private methodNames(verb: string): string[] {
    const [singular, plural] = [this.singular, this.plural].map((name) => name.charAt(0).toUpperCase() + name.slice(1));
    return verb === 'history' ? [`list${singular}History`] : [`${verb}${singular}`, `${verb}${plural}`];
  }

  /** Encodes a record in protobuf. */
  encode(record: Message): Buffer {
    return this.method('get').responseSerialize(record);
  }

  /** A record without values. */
  empty(): Message {
    return this.method('get').responseDeserialize(Buffer.alloc(0)) as Message;
  }
}

const known = new Map<string, RecordType>();

/** Registers a type with the engine. @throws Error when it is already registered */
export function defineRecord<Message extends RecordMessage>(
  type: string,
  methods: Readonly<Record<string, unknown>>,
  definition: RecordDefinition<Message>,
): RecordType<Message> {
  const made = new RecordType<Message>(recordContract(type), methods as Readonly<Record<string, Method>>, definition);
  addRecordType(made);
  return made;
}

/** Registers a type of a contract other than the platform's, for tests. @throws Error when it is already registered */
export function addRecordType(made: RecordType): void {
  const { type } = made.contract;
  if (known.has(type)) throw new Error(`${type} is defined twice.`);
  known.set(type, made);
}

/** @param type of the resource, such as `rapport/Customer`. @throws Error when no module of the process defines it */
export function recordType<Message extends RecordMessage = RecordMessage>(type: string): RecordType<Message> {
  const found = known.get(type);
  if (!found) throw new Error(`${type} is not defined.`);
  return found as unknown as RecordType<Message>;
}

/** All types that modules of the process define. */
export function recordTypes(): Iterable<RecordType> {
  return known.values();
}

/** Like `onceFor`, for values derived from all types: recomputed after another type is defined. */
export function onceAmongTypes<Made>(make: (type: RecordType) => Made): (type: RecordType) => Made {
  let [count, once] = [known.size, onceFor(make)];
  return (type) => {
    if (count !== known.size) [count, once] = [known.size, onceFor(make)];
    return once(type);
  };
}
