import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';

/** The record types of the tenant's mappings, as references name them, by mapping id. */
export async function typesOfMappings(em: EntityManager): Promise<ReadonlyMap<string, string>> {
  const rows = await queryRows<{ id: string; object: string }>(em, {
    sql: 'select id, object from mapping where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  return new Map(rows.map(({ id, object }) => [id, exchangedType(object).type]));
}

/**
 * Checks that no other mapping refers to records of these mappings: such references would wait forever.
 *
 * @throws AppError FAILED_PRECONDITION MAPPING_REFERENCED
 */
export async function checkUnreferenced(em: EntityManager, tenantId: string, ids: readonly string[]): Promise<void> {
  const [row] = await queryRows<{ id: string; named: string }>(em, {
    sql: `select mapping.id, rule ->> 'referenceMappingId' as named
      from mapping cross join lateral jsonb_array_elements(mapping.fields) rule
      where tenant_id = $1 and not mapping.id = any ($2::uuid[]) and rule ->> 'referenceMappingId' = any ($2::text[])
      limit 1`,
    values: [tenantId, ids],
  });
  if (!row) return;
  const message = `Fields of the mapping ${row.id} refer to records of the mapping ${row.named}. Delete or change it first.`;
  throw new AppError('FAILED_PRECONDITION', 'MAPPING_REFERENCED', message, { metadata: { mappingId: row.id } });
}
