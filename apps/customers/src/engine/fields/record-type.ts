import type { MethodDefinition } from '@grpc/grpc-js';
import type { DescMessage } from '@bufbuild/protobuf';
import { PersonalDataMask, type RecordContract, type RecordField } from '@rapport/contracts';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import type { AppError, FieldViolation } from '@rapport/platform';
import { contract, recordContract } from '../values/contract.js';
import { snakeCase } from '../values/snake-case.js';
import type { CustomFields, CustomValues } from './custom-fields.js';

/** What the message of each type of records has. */
export interface RecordMessage {
  id: string;
  etag: string;
  createTime?: string | undefined;
  updateTime?: string | undefined;
  deleteTime?: string | undefined;
  createdBy: string;
  updatedBy: string;
  ownerId?: string | undefined;
  ownerTeamId?: string | undefined;
  customFields?: CustomValues | undefined;
  /** The record that a deleted one was merged into. */
  mergedIntoId?: string | undefined;
}

/** A field of a record, or a part of the items of one of its lists. */
export interface NamedField {
  /** In filters, in snake_case. The part by which items are known has the name of their list. */
  name: string;
  field: RecordField;
  /** The list whose items have it. */
  list: RecordField | undefined;
}

/** A record before and after a write. */
export interface RecordChange<Message> {
  /** Absent when it is created. */
  before: Message | undefined;
  after: Message;
}

/** A record that is brought into the form in which it is stored, and what is wrong with it: paths start within the record. */
export interface Normalised<Message> {
  record: Message;
  violations: FieldViolation[];
}

/** How the texts of a field are spelled where records are found by them. */
export interface Spelling {
  /** Of a stored value: all texts that it is found by. */
  stored(text: string): string[];
  /** Of a text in a filter or search: all that are looked for. Empty when there is nothing to look for. */
  sought(text: string): string[];
  /** A text as it is compared. */
  compared(text: string): string;
}

/** The lists of a record whose items have an identity: two of the same are one. */
export interface ListRules<Message> {
  /** JSON names. */
  fields: readonly string[];
  /** The lists of `stored` with what `given` adds to them. A list that nothing is added to is the same list. */
  unite(stored: Message, given: Message): Partial<Message>;
}

/** The rules of a type that its contract can not state. */
export interface RecordDefinition<Message extends RecordMessage> {
  /** Raised with every change of what derived columns are made of: `migrate` makes those anew that an earlier release has made. */
  indexVersion: number;
  /** Columns with the folded texts of ordered fields, by column; `sort_<column>` for those without an entry. */
  sortColumns?: Readonly<Record<string, string>>;
  /** Columns that always have a value, though callers need not give one. */
  alwaysSet?: readonly string[];
  /** By name in filters. Others are folded. */
  spellings?: Readonly<Record<string, Spelling>>;
  /** Pure: applying it to its own result changes nothing. */
  normalise(sent: Message, customFields: CustomFields, before?: Message): Normalised<Message>;
  lists: ListRules<Message>;
  /** Fields of a stored record that were composed and not given: they follow what they are composed of. */
  composedFields?(before: Message): readonly string[];
  /** What is wrong with a change that is normalised. */
  guard?(change: RecordChange<Message>): FieldViolation[];
  /** Fields that the server sets when a change is stored. @param now in ISO 8601 */
  stamp?(change: RecordChange<Message>, now: string | undefined): Partial<Message>;
  /** By JSON name of a reference: what its target must be besides live. */
  targets?: Readonly<Record<string, TargetRule>>;
  /** Whether associations lead from records of the type to others. */
  hasAssociations?: boolean;
  /** What the search for text looks in, not yet folded. */
  searchTexts(record: Message): string[];
  /** The same of a record whose personal data is sealed. */
  openTexts(record: Message): string[];
  /** Words whose slips of the keyboard are found. */
  slipWords?(record: Message): string[];
  /** Terms besides those of its fields. */
  moreTerms?(record: Message): string[];
  /** What the deletion of records does to others. */
  deleted?(records: readonly Message[]): TransactionStatement[];
  /** Refuses that a deleted record comes back. @throws AppError */
  checkUndelete?(transaction: StatementTransaction, record: Message): Promise<void>;
  /** What it means that another record has a unique value of a deleted one that is to come back. */
  explainTaken?(error: AppError, record: Message): AppError;
  /** Why an upsert may not change the record that it has met. */
  metViolations?(met: Message, wanted: Message): FieldViolation[];
}

/** What the target of a reference must be. */
export interface TargetRule {
  reason: string;
  description: string;
  /** Column of the target, and the value that it must have. */
  column: string;
  value: string;
}

/** A method of a service, as ts-proto generates it. */
export type Method = MethodDefinition<object, object>;

const mask = new PersonalDataMask(contract);

/** A type of records: its contract, and the rules that the contract can not state. */
export class RecordType<Message extends RecordMessage = RecordMessage> {
  readonly contract: RecordContract;
  /** Such as `customer`, which is the name of its table too. */
  readonly singular: string;
  readonly plural: string;
  readonly table: string;
  readonly message: DescMessage;
  /** The fields that records are found, ordered or grouped by, in the order of the contract. */
  readonly namedFields: readonly NamedField[];
  readonly #personal: ReadonlySet<string>;

  /**
   * @param type of the resource, such as `rapport/Customer`
   * @param methods of the standard service, by their names in lowerCamelCase
   */
  constructor(
    type: string,
    readonly methods: Readonly<Record<string, Method>>,
    readonly definition: RecordDefinition<Message>,
  ) {
    this.contract = recordContract(type);
    const { singular, plural, message, fields } = this.contract;
    this.singular = singular;
    this.plural = plural;
    this.table = snakeCase(singular);
    this.message = message;
    this.namedFields = fields.flatMap((field) => [
      { name: field.column, field, list: undefined },
      ...field.parts.map((part) => ({ name: part.isRequired ? field.column : part.column, field: part, list: field })),
    ]);
    this.#personal = new Set([...mask.fieldNames(message)].map(snakeCase));
  }

  /** Upper-case name for reasons of errors, such as `CUSTOMER`. */
  get constant(): string {
    return this.table.toUpperCase();
  }

  /** Whether a field, in snake_case, is or has in it personal data. */
  isPersonal(field: string): boolean {
    return this.#personal.has(field);
  }

  /** Column by which records are ordered that have a text in `column`. */
  sortColumn(column: string): string {
    return this.definition.sortColumns?.[column] ?? `sort_${column}`;
  }

  /** Record whose key seals the personal data of this one. */
  subjectOf(record: Message): string {
    return record.id;
  }

  /** A method of the standard service. @param verb such as `get`, `batchCreate` */
  method(verb: string, form: 'singular' | 'plural' = 'singular'): Method {
    const name = this[form];
    const method = this.methods[`${verb}${name.charAt(0).toUpperCase()}${name.slice(1)}`];
    if (!method) throw new Error(`The service of ${this.plural} has no ${verb}.`);
    return method;
  }

  /** A record in protobuf. */
  encode(record: Message): Buffer {
    return this.method('get').responseSerialize(record);
  }

  /** A record without values. */
  empty(): Message {
    return this.method('get').responseDeserialize(Buffer.alloc(0)) as Message;
  }
}

const known = new Map<string, RecordType>();

/** Makes a type known to the engine. @throws Error for one that is known */
export function defineRecord<Message extends RecordMessage>(
  type: string,
  methods: Readonly<Record<string, unknown>>,
  definition: RecordDefinition<Message>,
): RecordType<Message> {
  if (known.has(type)) throw new Error(`${type} is defined twice.`);
  const made = new RecordType<Message>(type, methods as Readonly<Record<string, Method>>, definition);
  known.set(type, made);
  return made;
}

/** @param type of the resource, such as `rapport/Customer`. @throws Error for one that no module of the process defines */
export function recordType<Message extends RecordMessage = RecordMessage>(type: string): RecordType<Message> {
  const found = known.get(type);
  if (!found) throw new Error(`${type} is not defined.`);
  return found as unknown as RecordType<Message>;
}

/** All types that modules of the process define. */
export function recordTypes(): Iterable<RecordType> {
  return known.values();
}
