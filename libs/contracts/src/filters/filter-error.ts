import { invalidArgument, type AppError } from '@rapport/platform';

/** Reasons for refusing a filter. */
export type FilterFault =
  | 'FILTER_SYNTAX'
  | 'FILTER_FIELD_UNKNOWN'
  | 'FILTER_VALUE_INVALID'
  | 'FILTER_WITHOUT_USER'
  | 'FILTER_NOT_INDEXED'
  | 'FILTER_ENCRYPTED';

/**
 * INVALID_ARGUMENT with the position of an error in a filter.
 *
 * @param index of the UTF-16 code unit, the first being 0
 */
export function filterError(reason: FilterFault, filter: string, index: number, problem: string): AppError {
  const position = Array.from(filter.slice(0, index)).length + 1;
  return invalidArgument([{ field: 'filter', reason, description: `at character ${position}: ${problem}` }]);
}
