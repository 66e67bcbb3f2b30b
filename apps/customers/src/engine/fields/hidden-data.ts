import type { DescMessage } from '@bufbuild/protobuf';
import { PersonalDataMask, snakeCase } from '@rapport/contracts';
import { AppError, callContext } from '@rapport/platform';
import { contract } from '../values/contract.js';
import type { RecordType } from './record-type.js';

const mask = new PersonalDataMask(contract);

/** Whether personal data is hidden from the caller. Background work sees all. */
export function isHiding(): boolean {
  return callContext.getStore()?.caller?.hidesPii === true;
}

/**
 * Hides personal data in a message inside a response whose contract does not describe it: a file, or an object of any
 * shape.
 */
export function shownToCaller<Message extends object>(desc: DescMessage, message: Message): Message {
  return isHiding() ? mask.hide(desc, message) : message;
}

/**
 * Hides import results. A caller without access to personal data must not learn whether a customer already has the
 * values of a row: a dry run would confirm a guess.
 */
export function shownCounts<Counts extends { updated: number; unchanged: number }>(counts: Counts): Counts {
  return isHiding() ? { ...counts, updated: counts.updated + counts.unchanged, unchanged: 0 } : counts;
}

/**
 * Refuses searches by hidden fields, because a match reveals the value.
 *
 * @param paths fields of records of the type, in lowerCamelCase or snake_case, such as `emails` or
 *   `company.display_name`
 * @param parameter field of the request that names them
 * @throws AppError PERMISSION_DENIED that names the first such field
 */
export function refuseHidden(type: RecordType, paths: readonly string[], parameter: string): void {
  if (!isHiding()) return;
  const hidden = paths.find((path) => isPersonalPath(type, path));
  if (hidden !== undefined) throw hiddenError(hidden, parameter);
}

/** Whether the last field of a path is personal data of the type. */
export function isPersonalPath(type: RecordType, path: string): boolean {
  const [field = '', owner] = path.split('.').map(snakeCase).toReversed();
  return owner !== 'custom_fields' && type.isPersonal(field);
}

/**
 * Denies duplicate searches to callers without access to personal data. They could create a customer with a guessed value, and read
 * from the score how close the guess is.
 *
 * @throws AppError PERMISSION_DENIED FIELD_HIDDEN
 */
export function refuseToCompare(): void {
  if (!isHiding()) return;
  const message = 'Duplicates are found by personal data, which is hidden from this caller.';
  throw new AppError('PERMISSION_DENIED', 'FIELD_HIDDEN', message);
}

/** PERMISSION_DENIED for a parameter about a field that is hidden from the caller. */
export function hiddenError(field: string, parameter: string): AppError {
  const description = `is about ${field}, which is hidden from this caller`;
  return new AppError('PERMISSION_DENIED', 'FIELD_HIDDEN', `${parameter}: ${description}`, {
    violations: [{ field: parameter, reason: 'FIELD_HIDDEN', description }],
    metadata: { field },
  });
}
