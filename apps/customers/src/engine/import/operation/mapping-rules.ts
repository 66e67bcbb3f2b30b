import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, invalidArgument } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import { Columns } from '../columns/columns.js';
import type { ImportRules } from '../import-rules.js';
import { rowDefaults, type RowRules } from '../rows/row-defaults.js';

/** Where the values of a file go, and how they are read. */
export interface MappingRules extends RowRules {
  map: string[];
}

/**
 * @param path where the rules are in the request, such as `import`
 * @throws AppError INVALID_ARGUMENT for an entry of `map` that names no field, or one a second time, and for `language`
 */
export async function checkRules(em: EntityManager, importRules: ImportRules, rules: MappingRules, path: string) {
  const customFields = await CustomFields.load(em);
  within(path, () => new Columns(importRules, rules.map, rules.externalIdSystem !== undefined, customFields));
  within(path, () => rowDefaults(rules));
}

/** Does a check that knows nothing of the request, and tells its violations by their place in it. */
function within(path: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
    throw invalidArgument(error.violations.map((violation) => ({ ...violation, field: `${path}.${violation.field}` })));
  }
}
