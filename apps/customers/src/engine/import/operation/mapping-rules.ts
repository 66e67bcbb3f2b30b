import type { EntityManager } from '@mikro-orm/postgresql';
import { allows, AppError, currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import { permissionOf } from '../../fields/record-names.js';
import { checkParent } from '../../records/parents.js';
import { Columns } from '../columns/columns.js';
import type { ImportRules, ImportTypes } from '../import-rules.js';
import { rowDefaults, type RowRules } from '../rows/row-defaults.js';

/** The targets of a file's values, and their parsing options. */
export interface MappingRules extends RowRules {
  map: string[];
  /** Record type; undefined for customers. */
  recordType?: string | undefined;
}

/**
 * The import rules of a record type.
 *
 * @param path of the type in the request, such as `import`
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN for a type that can't be imported
 * @throws AppError PERMISSION_DENIED for a type that the caller can't write: the contract itself only checks the
 *   permission for customers
 */
export function importable(types: ImportTypes, name: string | undefined, path: string): ImportRules {
  const rules = types.find(name);
  if (!rules) {
    const description = 'is not an importable record type.';
    throw invalidArgument([{ field: `${path}.recordType`, reason: 'RECORD_TYPE_UNKNOWN', description }]);
  }
  const permission = permissionOf(rules.type, 'write');
  if (name !== undefined && !allows(currentCaller().permissions, permission)) throw permissionMissing(permission);
  return rules;
}

/**
 * @param placeOf the request field of a rule's field, such as `import.map` for `map`
 * @throws AppError INVALID_ARGUMENT for an entry of `map` with an unknown or duplicate field, and for `language`
 */
export async function checkRules(
  em: EntityManager,
  importRules: ImportRules,
  rules: MappingRules,
  placeOf: (field: string) => string,
): Promise<void> {
  const { type } = importRules;
  await checkParent(em, type);
  const customFields = await CustomFields.load(em, type);
  checkAt(placeOf, () => new Columns(importRules, rules.map, rules.externalIdSystem !== undefined, customFields));
  checkAt(placeOf, () => rowDefaults(rules));
}

/** Runs a check that does not know the request, and translates the invalid fields to their paths in the request. */
export function checkAt(placeOf: (field: string) => string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
    throw invalidArgument(error.violations.map((violation) => ({ ...violation, field: placeOf(violation.field) })));
  }
}
