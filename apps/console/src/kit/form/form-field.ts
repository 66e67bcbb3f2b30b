import { labels } from '../../app/language.ts';
import type { Field, FieldType } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';

/** A field as a form shows it: one of the contract, or a custom one of the workspace. */
export interface FormField extends Field {
  /** Of a custom field, whose name the workspace gives. */
  label?: string;
  /** Values to choose from. */
  options?: readonly { id: string; name: string }[];
}

const types: Readonly<Record<string, Partial<FormField> & { type: FieldType }>> = {
  NUMBER: { type: 'number' },
  MONEY: { type: 'message', of: 'Money' },
  DATE: { type: 'date' },
  TIME: { type: 'time' },
  BOOLEAN: { type: 'bool' },
  MULTI_SELECT: { type: 'text', list: true },
  REFERENCE: { type: 'text', reference: 'customers' },
};

/** The field that the definition of a custom field makes. Its name is the path in records, such as `customFields.plan`. */
export function customFieldOf(definition: Json): FormField {
  const key = textAt(definition, 'key');
  const options = itemsAt(definition, 'options').map((option) => {
    const id = textAt(option, 'value');
    return { id, name: textAt(option, 'displayName') || id };
  });
  const help = textAt(definition, 'description');
  return {
    ...(types[textAt(definition, 'type')] ?? { type: 'text' }),
    name: `customFields.${key}`,
    label: textAt(definition, 'displayName') || key,
    ...(options.length > 0 && { options }),
    ...(help !== '' && { help }),
  };
}

/** The name of a field for people: the workspace's own for a custom one. */
export function nameOf(field: FormField, message = ''): string {
  if (field.label !== undefined) return field.label;
  const label = labels.field(message, keyOf(field));
  if (field.reference === undefined) return label;
  return label.endsWith(' ids') ? labels.resource(field.reference) : label.replace(/ id$/, '');
}

/** The last step of a field's path: `plan` of `customFields.plan`. */
export function keyOf({ name }: Field): string {
  return name.slice(name.indexOf('.') + 1);
}
