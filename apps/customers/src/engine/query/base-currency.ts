import { readForTenant } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/** The currency of the caller's workspace: an ISO 4217 code. */
export async function baseCurrency(em: EntityManager): Promise<string> {
  const values = [currentCaller().tenantId];
  const sql = 'select base_currency($1) as code';
  const [row] = await readForTenant<{ code: string }>(em, { name: 'base_currency', sql, values });
  if (!row) throw new Error('base_currency returned no row.');
  return row.code;
}
