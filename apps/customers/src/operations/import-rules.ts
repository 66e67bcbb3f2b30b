import type { EntityManager } from '@mikro-orm/postgresql';
import type { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { AppError, invalidArgument } from '@rapport/platform';
import { CustomFields } from '../custom-fields/custom-fields.js';
import { Columns } from '../import/columns.js';

/** Where the values of a file go. */
export interface ImportRules {
  map: string[];
  kind: CustomerKind;
  externalIdSystem?: string | undefined;
}

/**
 * @param path where the rules are in the request, such as `import`
 * @throws AppError INVALID_ARGUMENT for an entry of `map` that names no field, or one a second time
 */
export async function checkRules(em: EntityManager, { map, externalIdSystem }: ImportRules, path: string) {
  const customFields = await CustomFields.load(em);
  within(path, () => new Columns(map, externalIdSystem !== undefined, customFields));
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
