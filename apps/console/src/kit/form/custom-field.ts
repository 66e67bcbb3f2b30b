import type { FieldType } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import type { FormField } from './form-field.ts';

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
