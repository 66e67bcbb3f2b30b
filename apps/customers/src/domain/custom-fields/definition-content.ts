import type {
  CustomField as CustomFieldMessage,
  CustomFieldOption,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { customFieldKinds, fold, type CustomFieldType } from '@rapport/contracts/filters';
import type { CustomField } from '../../engine/fields/custom-field.entity.js';

/** The mutable part of a definition. */
export type DefinitionContent = Required<Pick<CustomField, 'displayName' | 'description' | 'options' | 'searchable'>>;

/** Most options that an error description names. */
const maxNamedOptions = 10;

/**
 * The content of a definition, ready to store: trimmed, blank names absent.
 *
 * @param before the stored content: its options must remain, since records may contain them
 * @throws AppError INVALID_ARGUMENT that names each invalid field of `customField`
 */
export function definitionContent(
  type: CustomFieldType,
  sent: Pick<CustomFieldMessage, keyof DefinitionContent>,
  before?: DefinitionContent,
): DefinitionContent {
  const options = sent.options.map(({ value, displayName }): CustomFieldOption => {
    const name = displayName?.trim();
    return { value: value.trim(), ...(name ? { displayName: name } : {}) };
  });
  const violations: FieldViolation[] = [
    ...optionViolations(type, options, before?.options ?? []),
    ...(sent.searchable && !customFieldKinds[type].searchable
      ? [
          {
            field: 'searchable',
            reason: 'NOT_ALLOWED' as const,
            description: 'can be set for TEXT, URL, SELECT and MULTI_SELECT only',
          },
        ]
      : []),
  ];
  if (violations.length > 0) {
    throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `customField.${field}`, ...rest })));
  }
  return {
    displayName: named(sent.displayName),
    description: named(sent.description),
    options,
    searchable: sent.searchable,
  };
}

/** Blank means absent. */
function named(text: string | undefined): string | null {
  const trimmed = text?.trim();
  return trimmed === undefined || trimmed === '' ? null : trimmed;
}

function optionViolations(
  type: CustomFieldType,
  options: CustomFieldOption[],
  before: CustomFieldOption[],
): FieldViolation[] {
  if (type !== 'SELECT' && type !== 'MULTI_SELECT') {
    const description = 'can be set for SELECT and MULTI_SELECT only';
    return options.length > 0 ? [{ field: 'options', reason: 'NOT_ALLOWED', description }] : [];
  }
  if (options.length === 0) return [{ field: 'options', reason: 'REQUIRED', description: 'must name the options' }];
  const lost = before.map(({ value }) => value).filter((value) => !options.some((option) => option.value === value));
  const first = new Map<string, string>();
  const wrong = options.flatMap(({ value }, index) => {
    const other = first.get(fold(value));
    first.set(fold(value), other ?? value);
    return optionViolation(value, other, `options[${index}].value`);
  });
  if (lost.length === 0) return wrong;
  const named = lost.slice(0, maxNamedOptions).join(', ');
  const description = `must keep ${named}${lost.length > maxNamedOptions ? ', …' : ''}: records may have them`;
  return [...wrong, { field: 'options', reason: 'OPTION_REMOVED', description }];
}

/** Filters ignore case and accents, so options that differ only in them count as equal. */
function optionViolation(value: string, other: string | undefined, field: string): FieldViolation[] {
  if (value === '') return [{ field, reason: 'REQUIRED', description: 'must not be blank' }];
  if (other === undefined) return [];
  const description = `must differ from ${other} in more than case and accents`;
  return [{ field, reason: 'DUPLICATE', description }];
}
