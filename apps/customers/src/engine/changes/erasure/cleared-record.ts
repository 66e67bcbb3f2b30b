import { absentValue, type RecordField } from '@rapport/contracts';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';

type Values = Record<string, unknown>;

/** Replaces the text of a required field. */
const erased = 'erased';

/** Removes the personal data of a record. Required texts become "erased"; list items that a personal text identifies are removed. */
export function clearedRecord(type: RecordType, record: RecordMessage): RecordMessage {
  return cleared(requiredFields(type), record as unknown as Values) as unknown as RecordMessage;
}

/** Whether records of a type have personal data. */
export function hasPersonalData(type: RecordType): boolean {
  return type.contract.fields.some(hasPersonal);
}

/** The texts in a record that are personal data. */
export function personalTexts(type: RecordType, record: RecordMessage): string[] {
  return textsIn(type.contract.fields, record as unknown as Values);
}

/** The fields of a type. Fields whose columns are never null count as required. */
const requiredFields = onceFor((type: RecordType): readonly RecordField[] => {
  const { alwaysSet = [] } = type.definition;
  return type.contract.fields.map((field) => ({
    ...field,
    isRequired: field.isRequired || alwaysSet.includes(field.column),
  }));
});

function cleared(fields: readonly RecordField[], values: Values): Values {
  const left = { ...values };
  for (const field of fields) {
    const value = values[field.name];
    if (value !== undefined && hasPersonal(field)) left[field.name] = clearedValue(field, value);
  }
  return left;
}

function clearedValue(field: RecordField, value: unknown): unknown {
  const { desc, parts, isPersonal, isRequired } = field;
  const isKnownByText = isPersonal || parts.some((part) => part.isRequired && hasPersonal(part));
  if (desc.fieldKind === 'list') {
    return isKnownByText ? [] : (value as Values[]).map((item) => cleared(parts, item));
  }
  if (desc.message) return isKnownByText && !isRequired ? undefined : cleared(parts, value as Values);
  return isRequired ? erased : absentValue(desc);
}

function hasPersonal({ isPersonal, parts }: RecordField): boolean {
  return isPersonal || parts.some(hasPersonal);
}

function textsIn(fields: readonly RecordField[], values: Values): string[] {
  return fields.filter(hasPersonal).flatMap(({ name, parts }) => {
    const value = values[name];
    const items = (Array.isArray(value) ? value : [value]) as unknown[];
    return items.flatMap((item) => {
      if (typeof item === 'string') return [item];
      return item ? textsIn(parts, item as Values) : [];
    });
  });
}
