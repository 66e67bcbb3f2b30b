import { recordTypes, type RecordType } from './record-type.js';

/** A record as a resource name gives it. */
export interface NamedRecord {
  type: RecordType;
  id: string;
}

/** The resource name of a record, such as `deals/019…`. @throws Error when no module of the process defines the type */
export function recordName(table: string, id: string): string {
  return `${typeOfTable(table).plural}/${id}`;
}

/** The record of a resource name, which has the form `plural/id`; undefined when there is no such type. */
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

/** The permission by which records of a type, or of one parent, are read or written. */
export function permissionOf({ contract, parentKey }: RecordType, verb: 'read' | 'write'): string {
  const needed = verb === 'write' ? contract.writePermission : `${contract.permission}.read`;
  return parentKey === undefined ? needed : needed.replace('.', `.${parentKey}.`);
}
