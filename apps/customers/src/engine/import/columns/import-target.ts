import { camelCase, camelPath, snakeCase } from '@rapport/contracts';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { ImportRules, ImportTarget } from '../import-rules.js';

/**
 * Parses a target such as `familyName`, `phone.fax` or `customFields.plan`, or its snake_case form from files of
 * earlier releases. Undefined for an unknown field.
 */
export function parseTarget({ fields }: ImportRules, text: string, { live }: CustomFields): ImportTarget | undefined {
  const [, given = '', givenLabel] = /^([^.]*)(?:\.(.*))?$/s.exec(text) ?? [];
  const name = snakeCase(given);
  const [field] = [...fields].find(([each, { plural }]) => name === each || name === plural) ?? [];
  if (field === undefined) return undefined;
  const { isLabelled, isLabel } = fields.get(field) ?? {};
  // A label of a reference is a field; other labels are free text.
  const label = isLabel ? givenLabel?.replace(/^[^.]*/, snakeCase) : givenLabel;
  if (isLabel && !isLabel(label ?? '')) return undefined;
  if (label === undefined) return { field, label };
  const isKnown = field === 'custom_fields' ? live.some(({ key }) => key === label) : isLabelled;
  return isKnown ? { field, label } : undefined;
}

/** The target in the notation of `map`, in lowerCamelCase. */
export function formatTarget({ fields }: Pick<ImportRules, 'fields'>, { field, label }: ImportTarget): string {
  const name = camelCase(field);
  if (label === undefined) return name;
  return `${name}.${fields.get(field)?.isLabel ? camelPath(label) : label}`;
}

/** Whether several columns may have this target. */
export function takesMany({ fields }: ImportRules, { field }: ImportTarget): boolean {
  return fields.get(field)?.takesMany === true;
}
