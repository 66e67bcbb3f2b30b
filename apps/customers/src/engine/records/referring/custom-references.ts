import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { CustomField, readStoredKey } from '../../fields/custom-field.entity.js';
import { storedIndexKey } from '../../fields/custom-fields.js';
import { recordTypes, type RecordType } from '../../fields/record-type.js';

/** A custom field of type REFERENCE: its values are ids of customers. */
export interface CustomReference {
  type: RecordType;
  /** The key of its values in `customFields`. */
  key: string;
  /** Its key in terms, which is unique within the table of the type. */
  indexKey: string;
}

/** All such fields of the tenant, by type. Values of a deleted definition are retained, and restored with it. */
export async function customReferences(em: EntityManager): Promise<CustomReference[]> {
  const { tenantId } = currentCaller();
  const orderBy = { recordType: 'asc', key: 'asc' } as const;
  const definitions = await em.find(
    CustomField,
    { tenantId, type: 'REFERENCE' },
    { orderBy, disableIdentityMap: true },
  );
  return [...recordTypes()].flatMap((type) =>
    definitions.flatMap((definition) => {
      const indexKey = storedIndexKey(type, definition);
      return indexKey === undefined ? [] : [{ type, key: readStoredKey(definition.key).key, indexKey }];
    }),
  );
}

/** The term of records that refer to a customer. */
export function customReferenceTerm({ indexKey }: CustomReference, customerId: string): string {
  return `x.${indexKey}:${customerId}`;
}
