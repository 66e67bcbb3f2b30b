import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { invalidArgument, type FieldViolation } from '@rapport/platform';

/** What of a resource an update may change. Fields go by their JSON names. */
export interface Updatable<Field extends string> {
  /** The resource's field in the request, such as `customer`. */
  name: string;
  /** What it is called to people, such as "a customer". */
  noun: string;
  fields: readonly Field[];
  /** Fields that can't be changed, and the reason: IMMUTABLE or OUTPUT_ONLY. */
  fixed: Readonly<Record<string, string>>;
}

const updatableFields = [
  'displayName',
  'givenName',
  'familyName',
  'jobTitle',
  'emails',
  'phones',
  'addresses',
  'domains',
  'tags',
  'lifecycleStage',
  'ownerId',
  'source',
  'birthDate',
  'customFields',
  'externalIds',
  'companyId',
  'companyName',
] as const satisfies (keyof Customer)[];

const updatable: Updatable<UpdatableField> = {
  name: 'customer',
  noun: 'a customer',
  fields: updatableFields,
  fixed: {
    kind: 'IMMUTABLE',
    ...Object.fromEntries(
      [
        'id',
        'etag',
        'createTime',
        'updateTime',
        'deleteTime',
        'createdBy',
        'updatedBy',
        'lifecycleStageTime',
        'mergedIntoId',
      ].map((field) => [field, 'OUTPUT_ONLY']),
    ),
  },
};

/** A field of a customer that an update may change. */
export type UpdatableField = (typeof updatableFields)[number];

/** The fields of a customer that an update changes, as `readMask` answers them. */
export function readUpdateMask(paths: string[] | undefined): UpdatableField[] {
  return readMask(paths, updatable);
}

/** The fields that a customer has a value of. */
export function presentFields(customer: Customer): UpdatableField[] {
  return updatableFields.filter((field) => {
    const value = customer[field];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
}

/**
 * The fields that an update changes (AIP-134).
 *
 * @param paths whole fields, by their JSON or proto name
 * @throws AppError INVALID_ARGUMENT that names each path which is no field, or one that can't be changed
 */
export function readMask<Field extends string>(paths: string[] | undefined, resource: Updatable<Field>): Field[] {
  if (!paths?.length) {
    throw invalidArgument([{ field: 'updateMask', reason: 'REQUIRED', description: 'must name at least one field' }]);
  }
  const names = [...new Set(paths.map(jsonName))];
  const violations = names.flatMap((name) => violationsOf(name, resource));
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

function jsonName(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
