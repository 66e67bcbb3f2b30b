import type { DescMessage } from '@bufbuild/protobuf';
import { JsonCodec } from '@rapport/contracts';
import { shownToCaller } from '../../fields/hidden-data.js';
import type { RecordType } from '../../fields/record-type.js';
import type { ChangeEntry } from './change-entry.js';
import { messageReader, type StoredValues } from './stored-values.js';

type Json = Record<string, unknown>;

/** The changes that a reader limited to the records of some owners receives. */
export type LogScope =
  /** All of them: the records are those of the tenant. */
  | { by: 'TENANT' }
  /**
   * Those of records that it sees. A change after which it no longer sees the record is a deletion for it.
   *
   * `alsoSeen` makes SQL that selects those ids of an SQL array whose records are gone and were visible to the reader.
   */
  | { by: 'OWNER'; alsoSeen?: (ids: string) => string }
  /**
   * Those of records that it sees, and deletions of those that belonged to records that it sees: these by the columns that hold their
   * ids, or found in the values by a function.
   */
  | { by: 'RECORD'; of: Readonly<Record<string, string>> | ((values: StoredValues) => readonly NamedRecord[]) };

/** A record that a change names: its type as the log has it. */
export interface NamedRecord {
  type: string;
  id: string;
}

/** A type of records of which the log has changes. */
export interface LoggedType {
  /** Its name in the log, such as `custom_field`. */
  name: string;
  table: string;
  /** A second table that has records of the type. */
  tableBeside?: string;
  /** The message that shows a record. */
  descriptor: DescMessage;
  /** Columns whose changes readers get. All others are bookkeeping, or internal. */
  columns: readonly string[];
  scope: LogScope;
  /** Values of columns that an erasure takes out of the log, unless the field is then not set. */
  empty: StoredValues;
  /** Adds columns of the message that are made of stored ones. */
  withMade?: (values: StoredValues) => StoredValues;
  /** The records that one belongs to, when a reader needs the permission to read these too. Each change has the values for it. */
  alsoRead?: (values: StoredValues) => readonly NamedRecord[];
  /** Adds to a message what is not in its columns. */
  completed?: (message: object) => object;
  /** Of a type whose history is shown. */
  record?: RecordType;
  /** First part of the permission by which it is read. By default that of `record`, or `customers`. */
  permission?: string;
}

/** The types of records of which the log has changes, and how it shows them. One for each process. */
export class LoggedTypes {
  /** In their order. */
  readonly names: readonly string[];
  /** JSON names of the fields whose changes readers get. */
  readonly fieldNames: ReadonlySet<string>;
  readonly #types: ReadonlyMap<string, ShownType>;

  constructor(readonly types: readonly LoggedType[]) {
    const codecs = new Map<string, JsonCodec>();
    this.#types = new Map(types.map((type) => [type.name, new ShownType(type, codecs)]));
    this.names = types.map(({ name }) => name);
    this.fieldNames = new Set([...this.#types.values()].flatMap(({ fields }) => [...fields.values()]));
  }

  /** @throws Error when there is no such type */
  get(name: string): LoggedType {
    return this.#of(name).type;
  }

  /** @throws Error when there is no such type, or none whose history is shown */
  record(name: string): RecordType {
    const { record } = this.get(name);
    if (!record) throw new Error(`The change log shows no history of ${name}.`);
    return record;
  }

  /** The permission by which records of a type are read. */
  readPermission(name: string): string {
    const { record, permission = record?.contract.permission ?? 'customers' } = this.get(name);
    return `${permission}.read`;
  }

  /** A whole record as REST shows it to the caller. */
  recordJson(name: string, values: StoredValues): Json {
    return this.#of(name).json(values);
  }

  /** A whole record as the contract has it. */
  message(name: string, values: StoredValues): object {
    return this.#of(name).message(values);
  }

  /** Some fields of a record as REST shows them to the caller; null for those without a value. */
  fieldsJson(name: string, values: StoredValues): Json {
    const { fields, json } = this.#of(name);
    const whole = json(values);
    const stored = this.#of(name).withMade(values);
    const shown = [...fields].filter(([column]) => Object.hasOwn(stored, column));
    return Object.fromEntries(
      shown.map(([column, field]) => [field, stored[column] === null ? null : (whole[field] ?? null)]),
    );
  }

  /** JSON names of those columns that callers know. */
  changedFields(name: string, columns: readonly string[]): string[] {
    const { fields, withMade } = this.#of(name);
    const changed = Object.keys(withMade(Object.fromEntries(columns.map((column) => [column, null]))));
    return changed.flatMap((column) => fields.get(column) ?? []);
  }

  /** Whether a caller with `permissions` may read all records that a change belongs to. */
  isReadable(
    { type, before, after }: Pick<ChangeEntry, 'type' | 'before' | 'after'>,
    permissions: readonly string[],
  ): boolean {
    const { alsoRead } = this.get(type);
    const values = alsoRead && (after ?? before);
    if (!values) return true;
    const records = alsoRead(JSON.parse(values) as StoredValues);
    return records.every((record) => permissions.includes(this.readPermission(record.type)));
  }

  #of(name: string): ShownType {
    const found = this.#types.get(name);
    if (!found) throw new Error(`The change log has no records of type ${name}.`);
    return found;
  }
}

class ShownType {
  /** JSON names of the fields whose changes readers get, by their columns. */
  readonly fields: ReadonlyMap<string, string>;
  readonly json: (values: StoredValues) => Json;
  readonly message: (values: StoredValues) => object;
  readonly withMade: (values: StoredValues) => StoredValues;

  constructor(
    readonly type: LoggedType,
    codecs: Map<string, JsonCodec>,
  ) {
    const { descriptor, columns, empty, withMade = (values) => values, completed = (message) => message } = type;
    this.withMade = withMade;
    const names = new Map(descriptor.fields.map(({ name, jsonName }) => [name, jsonName]));
    this.fields = new Map(columns.map((column) => [column, names.get(column) ?? unknownColumn(type, column)]));
    const read = messageReader(descriptor);
    const codec = JsonCodec.of(descriptor, codecs);
    this.message = (values) => completed(read(withMade({ ...empty, ...values })));
    this.json = (values) => codec.toJson(shownToCaller(descriptor, this.message(values)) as Json);
  }
}

function unknownColumn({ name }: LoggedType, column: string): never {
  throw new Error(`${name} has no field ${column}.`);
}

/** Fields that change with every change, or never. */
const bookkeeping = new Set(['id', 'etag', 'create_time', 'update_time', 'created_by', 'updated_by']);

/** The columns of all fields of a message but its bookkeeping. */
export function loggedColumns(descriptor: DescMessage): string[] {
  return descriptor.fields.map(({ name }) => name).filter((name) => !bookkeeping.has(name));
}
