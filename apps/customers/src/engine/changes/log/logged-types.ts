import type { DescMessage } from '@bufbuild/protobuf';
import { JsonCodec } from '@rapport/contracts';
import { shownToCaller } from '../../fields/hidden-data.js';
import type { RecordType } from '../../fields/record-type.js';
import type { ChangeEntry } from './change-entry.js';
import { messageReader, type StoredValues } from './stored-values.js';

type Json = Record<string, unknown>;

/** The changes that a reader limited to the records of some owners receives. */
export type LogScope =
  /** All of them: the records belong to the whole tenant. */
  | { by: 'TENANT' }
  /**
   * Changes of records that it sees. A change after which it no longer sees the record appears as a deletion.
   *
   * `alsoSeen` returns SQL that selects, from an SQL array, the ids of removed records that were visible to the reader.
   */
  | { by: 'OWNER'; alsoSeen?: (ids: string) => string }
  /**
   * Changes of records that it sees, and deletions of records whose owning records it sees: found by the columns with
   * their ids, or by a function of the values.
   */
  | { by: 'RECORD'; of: Readonly<Record<string, string>> | ((values: StoredValues) => readonly NamedRecord[]) };

/** A record that a change names, with its type name in the log. */
export interface NamedRecord {
  type: string;
  id: string;
}

/** A record type in the change log. */
export interface LoggedType {
  /** Its name in the log, such as `custom_field`. */
  name: string;
  table: string;
  /** A second table with records of the type. */
  tableBeside?: string;
  /** The message of a record. */
  descriptor: DescMessage;
  /** Columns whose changes readers get. All others are bookkeeping, or internal. */
  columns: readonly string[];
  scope: LogScope;
  /** Replacement values of columns that an erasure removes from the log. By default, the field is unset. */
  empty: StoredValues;
  /** Adds columns of the message that are derived from stored ones. */
  withMade?: (values: StoredValues) => StoredValues;
  /**
   * The records that own a record, when a reader needs the permission to read these too. Each change contains their
   * ids.
   */
  alsoRead?: (values: StoredValues) => readonly NamedRecord[];
  /** Adds fields to a message that are not among its columns. */
  completed?: (message: object) => object;
  /** Present for a type with a public history. */
  record?: RecordType;
  /** First part of the permission to read it. By default that of `record`, or `customers`. */
  permission?: string;
}

/** The record types in the change log, and the conversion of their changes to messages. One per process. */
export class LoggedTypes {
  /** In registration order. */
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

  /** @throws Error for an unknown type */
  get(name: string): LoggedType {
    return this.#of(name).type;
  }

  /** @throws Error for an unknown type, or one without a public history */
  record(name: string): RecordType {
    const { record } = this.get(name);
    if (!record) throw new Error(`The change log shows no history of ${name}.`);
    return record;
  }

  /** The permission to read records of a type. */
  readPermission(name: string): string {
    const { record, permission = record?.contract.permission ?? 'customers' } = this.get(name);
    return `${permission}.read`;
  }

  /** A whole record in the REST form that the caller can see. */
  recordJson(name: string, values: StoredValues): Json {
    return this.#of(name).json(values);
  }

  /** A whole record as its message of the contract. */
  message(name: string, values: StoredValues): object {
    return this.#of(name).message(values);
  }

  /** Some fields of a record in the REST form that the caller can see; null for those without a value. */
  fieldsJson(name: string, values: StoredValues): Json {
    const { fields, json } = this.#of(name);
    const whole = json(values);
    const stored = this.#of(name).withMade(values);
    const shown = [...fields].filter(([column]) => Object.hasOwn(stored, column));
    return Object.fromEntries(
      shown.map(([column, field]) => [field, stored[column] === null ? null : (whole[field] ?? null)]),
    );
  }

  /** JSON names of the public columns among these. */
  changedFields(name: string, columns: readonly string[]): string[] {
    const { fields, withMade } = this.#of(name);
    const changed = Object.keys(withMade(Object.fromEntries(columns.map((column) => [column, null]))));
    return changed.flatMap((column) => fields.get(column) ?? []);
  }

  /** Whether a caller with `permissions` can read all records that own the record of a change. */
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
  /** JSON names, by column, of the fields whose changes readers get. */
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

/** The columns of all fields of a message except bookkeeping. */
export function loggedColumns(descriptor: DescMessage): string[] {
  return descriptor.fields.map(({ name }) => name).filter((name) => !bookkeeping.has(name));
}
