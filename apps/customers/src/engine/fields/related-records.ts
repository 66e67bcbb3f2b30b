import type { RecordField } from '@rapport/contracts';
import type { RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import { onceFor } from '../values/once-for.js';
import type { RecordMessage } from './record-definition.js';
import { onceAmongTypes, recordTypes, type RecordType } from './record-type.js';

type Values = Record<string, unknown>;

/** The list of a type that refers to records of several types. Undefined for most types. */
export const relatedField = onceFor((type: RecordType): RecordField | undefined =>
  type.contract.fields.find(({ relatedTypes }) => relatedTypes !== undefined),
);

/** The records that a record refers to in its list. Empty for a type without one. */
export function relatedOf(type: RecordType, record: object): readonly RecordRef[] {
  const field = relatedField(type);
  return field ? ((record as Values)[field.name] as readonly RecordRef[]) : [];
}

/** A record with another list of references, and with the subject that follows from it. */
export function withRelated<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  related: readonly RecordRef[],
): Message {
  const changed = { ...record, [relatedField(type)?.name ?? '']: related };
  return { ...changed, ...subjectOfRelated(type, changed) };
}

/** The subject that follows from a record's list: the first record of the subject's type. */
export function subjectOfRelated<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
): Partial<Message> {
  const { name, target } = followingSubject(type) ?? {};
  if (name === undefined) return {};
  return { [name]: relatedOf(type, record).find((each) => each.type === target)?.id } as Partial<Message>;
}

/** Whether a reference of a type follows from its list, so that it changes only with the list. */
export function followsRelated(type: RecordType, { name }: Pick<RecordField, 'name'>): boolean {
  return name === followingSubject(type)?.name;
}

/** The subject of records with a list of references: its field, and the type of its target in the singular. */
const followingSubject = onceAmongTypes((type: RecordType) => {
  const { fields, options } = type.contract;
  const field = relatedField(type) && fields.find(({ column }) => column === options.subject);
  const target = [...recordTypes()].find(({ contract }) => contract.type === field?.reference);
  return field && { name: field.name, target: target?.singular };
});
