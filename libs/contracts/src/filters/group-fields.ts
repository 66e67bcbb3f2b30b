import { ScalarType } from '@bufbuild/protobuf';
import { namedFields, type NamedField, type RecordContract } from '../records/record-contract.js';
import { kindOf } from './field-kind.js';

/** The parts of a date by which records can be grouped, as in `createTime.month`. */
export const dateParts = ['year', 'quarter', 'month', 'week', 'day'] as const;

export type DatePart = (typeof dateParts)[number];

/** The fields by whose values records can be grouped, by name. */
export function groupFieldsOf(contract: RecordContract): ReadonlyMap<string, NamedField> {
  const grouped = namedFields(contract).filter(({ field }) => field.index.group);
  return new Map(grouped.map((named) => [named.name, named]));
}

/** The times and dates by whose parts records can be grouped, by name. Personal data is excluded. */
export function groupDatesOf({ fields }: RecordContract): ReadonlyMap<string, 'DATE' | 'TIME'> {
  return new Map(
    fields.flatMap((field): [string, 'DATE' | 'TIME'][] => {
      const { desc, column, isPersonal } = field;
      // Aggregates cover live records only.
      const isTime = desc.message?.typeName === 'google.protobuf.Timestamp' && column !== 'delete_time';
      const isText = desc.fieldKind === 'scalar' && desc.scalar === ScalarType.STRING;
      const kind = isTime || isText ? kindOf(field) : undefined;
      return !isPersonal && (kind === 'DATE' || kind === 'TIME') ? [[column, kind]] : [];
    }),
  );
}
