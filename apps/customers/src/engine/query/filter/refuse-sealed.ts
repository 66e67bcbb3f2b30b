import { snakeCase } from '@rapport/contracts';
import { filterError, type Restriction } from '@rapport/contracts/filters';
import { AppError, invalidArgument, type FieldViolation } from '@rapport/platform';
import type { RecordType } from '../../fields/record-type.js';
import { currentSeal } from '../../sealing/seal.js';

/**
 * Refuses orders and searches of records whose names are encrypted. Filters are checked where they are compiled.
 *
 * @throws AppError INVALID_ARGUMENT that names `orderBy` or `q`
 */
export function refuseSealed(type: RecordType, { orderBy, q }: { orderBy: string; q: string }): void {
  if (!currentSeal()) return;
  const violations: FieldViolation[] = [];
  const [field = ''] = orderBy.trim().split(/\s/);
  if (type.isPersonal(snakeCase(field))) {
    const description = `is about ${field}, which is encrypted in this tenant and has no order`;
    violations.push({ field: 'orderBy', reason: 'ORDER_ENCRYPTED', description });
  }
  if (q !== '') {
    const description =
      'can not be used in this tenant, since names are encrypted; filter by emails, phones or a whole name instead';
    violations.push({ field: 'q', reason: 'QUERY_ENCRYPTED', description });
  }
  if (violations.length > 0) throw invalidArgument(violations);
}

/** FILTER_ENCRYPTED for an unsupported use of an encrypted field. @param problem such as `has no order` */
export function sealedError(filter: string, { field, operatorIndex }: Restriction, problem: string): AppError {
  return filterError('FILTER_ENCRYPTED', filter, operatorIndex, `${field} is encrypted in this tenant and ${problem}`);
}
