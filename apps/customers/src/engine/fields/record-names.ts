import { recordTypes, type RecordType } from './record-type.js';

/** A record that a resource name refers to. */
export interface NamedRecord {
  type: RecordType;
  id: string;
}

/** The resource name of a record, such as `deals/019…`. @throws Error when no module of the process defines the type */
export function recordName(table: string, id: string): string {
  return `${typeOfTable(table).plural}/${id}`;
}

/** Parses a resource name of the form `plural/id`; undefined for an unknown type. */
export function namedRecord(name: string): NamedRecord | undefined {
  const [plural, id = ''] = name.split('/');
  const type = [...recordTypes()].find((each) => each.plural === plural);
  return type && { type, id: id.toLowerCase() };
}

/** @throws Error when no module of the process defines the type */
export function typeOfTable(table: string): RecordType {
  const type = [...recordTypes()].find((each) => each.table === table);
  if (!type) throw new Error(`No type of records has the table ${table}.`);
  return type;
}

/** The permission to read or write records of a type, or of one parent. */
export function permissionOf({ contract, parentKey }: RecordType, verb: 'read' | 'write'): string {
  const needed = verb === 'write' ? contract.writePermission : `${contract.permission}.read`;
  return parentKey === undefined ? needed : needed.replace('.', `.${parentKey}.`);
}
