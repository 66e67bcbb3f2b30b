import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/**
 * Gives the people of one company to another, deleted ones included, since they may come back.
 *
 * @param ids those people only
 * @returns the ids of the people
 */
export async function movePeople(
  em: EntityManager,
  oldCompanyId: string,
  newCompanyId: string,
  ids?: string[],
): Promise<string[]> {
  const { tenantId, principalId } = currentCaller();
  const rows = await em.execute<{ id: string }[]>(
    `update customer set company_id = ?, version = version + 1, update_time = ?, updated_by = ?
     where tenant_id = ? and company_id = ?
       ${ids ? 'and id in (select value::uuid from jsonb_array_elements_text(?))' : ''}
     returning id`,
    [
      newCompanyId,
      new Date().toISOString(),
      principalId,
      tenantId,
      oldCompanyId,
      ...(ids ? [JSON.stringify(ids)] : []),
    ],
  );
  return rows.map(({ id }) => id);
}
