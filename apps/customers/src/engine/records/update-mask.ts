import { readMask, type Updatable } from '@rapport/contracts';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';

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
  'ownerTeamId',
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
