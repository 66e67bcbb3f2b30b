import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';

/** Most people that one statement moves: it has 8 s, in which a busy server may not move all that a merge may have. */
const statementSize = 1_000;

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
  const people = ids ?? (await peopleOf(em, oldCompanyId));
  const updateTime = new Date().toISOString();
  const moved: string[] = [];
  for (let start = 0; start < people.length; start += statementSize) {
    const some = JSON.stringify(people.slice(start, start + statementSize));
    const rows = await em.execute<{ id: string }[]>(
      `update customer set company_id = ?, version = version + 1, update_time = ?, updated_by = ?
       where tenant_id = ? and company_id = ? and id in (select value::uuid from jsonb_array_elements_text(?))
       returning id`,
      [newCompanyId, updateTime, principalId, tenantId, oldCompanyId, some],
    );
    moved.push(...rows.map(({ id }) => id));
  }
  return moved;
}

/** Nobody joins it meanwhile: the merge has locked the row of the company. */
async function peopleOf(em: EntityManager, companyId: string): Promise<string[]> {
  const { tenantId } = currentCaller();
  const rows = await em.execute<{ id: string }[]>('select id from customer where tenant_id = ? and company_id = ?', [
    tenantId,
    companyId,
  ]);
  return rows.map(({ id }) => id);
}
