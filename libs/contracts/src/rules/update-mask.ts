import { invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { camelCase } from '../values/letter-case.js';

/** The fields of a resource that an update may change, by their JSON names. */
export interface Updatable<Field extends string> {
  /** The resource's field in the request, such as `customer`. */
  name: string;
  /** Its name in messages, such as "a customer". */
  noun: string;
  fields: readonly Field[];
  /** Fields that can't be changed, and the reason: IMMUTABLE or OUTPUT_ONLY. */
  fixed: Readonly<Record<string, ViolationCode>>;
}

/** Most wrong paths that an error names: each item of a batch has a mask. */
const maxViolations = 20;

/**
 * The fields that an update changes (AIP-134).
 *
 * @param paths whole fields, by their JSON or proto name
 * @throws AppError INVALID_ARGUMENT with the first paths that are no fields, or can't be changed
 */
export function readMask<Field extends string>(paths: string[] | undefined, resource: Updatable<Field>): Field[] {
  if (!paths?.length) {
    throw invalidArgument([{ field: 'updateMask', reason: 'REQUIRED', description: 'must name at least one field' }]);
  }
  const names = [...new Set(paths.map(camelCase))];
  const violations: FieldViolation[] = [];
  for (const name of names) {
    violations.push(...violationsOf(name, resource));
    if (violations.length >= maxViolations) break;
  }
  if (violations.length > 0) throw invalidArgument(violations);
  return resource.fields.filter((field) => names.includes(field));
}

function violationsOf(path: string, { name, noun, fields, fixed }: Updatable<string>): FieldViolation[] {
  if (fields.includes(path)) return [];
  const reason = Object.hasOwn(fixed, path) ? fixed[path] : undefined;
  return reason
    ? [{ field: `${name}.${path}`, reason, description: 'can not be changed' }]
    : [{ field: 'updateMask', reason: 'UNKNOWN_FIELD', description: `names "${path}", which is no field of ${noun}` }];
}
