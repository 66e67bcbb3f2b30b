import { labels } from '../../app/language.ts';
import type { Field } from '../../contract/contract.ts';

/** A field as a form shows it: one of the contract, or a custom one of the workspace. */
export interface FormField extends Field {
  /** Of a custom field, whose name the workspace gives. */
  label?: string;
  /** Values to choose from. */
  options?: readonly { id: string; name: string }[];
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
