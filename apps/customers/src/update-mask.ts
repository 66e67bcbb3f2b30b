import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { invalidArgument, type FieldViolation } from '@rapport/platform';

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
  'externalIds',
  'companyId',
  'companyName',
] as const satisfies (keyof Customer)[];

const fixedFields: Readonly<Record<string, string>> = {
  kind: 'IMMUTABLE',
  ...Object.fromEntries(
    ['id', 'etag', 'createTime', 'updateTime', 'deleteTime', 'createdBy', 'updatedBy'].map((field) => [
      field,
      'OUTPUT_ONLY',
    ]),
  ),
};

/** A field that an update may change. */
export type UpdatableField = (typeof updatableFields)[number];

/**
 * The fields that an update changes (AIP-134).
 *
 * @param paths whole fields, by their JSON or proto name
 * @throws AppError INVALID_ARGUMENT that names each path which is no field, or one that can't be changed
 */
export function readUpdateMask(paths: string[] | undefined): UpdatableField[] {
  if (!paths?.length) {
    throw invalidArgument([{ field: 'updateMask', reason: 'REQUIRED', description: 'must name at least one field' }]);
  }
  const names = [...new Set(paths.map(jsonName))];
  const violations = names.flatMap(violationsOf);
  if (violations.length > 0) throw invalidArgument(violations);
  return updatableFields.filter((field) => names.includes(field));
}

function violationsOf(name: string): FieldViolation[] {
  if (updatableFields.some((field) => field === name)) return [];
  const fixed = fixedFields[name];
  return fixed
    ? [{ field: `customer.${name}`, reason: fixed, description: 'can not be changed' }]
    : [
        {
          field: 'updateMask',
          reason: 'UNKNOWN_FIELD',
          description: `names "${name}", which is no field of a customer`,
        },
      ];
}

function jsonName(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
