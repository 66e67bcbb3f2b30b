import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { differencesAmong, type CompiledSegment, type Difference } from './compiled-segment.js';
import { changesOf } from './follow-changes.js';
import { writeMembers } from './write-members.js';

/** A page of customers that a build looks at. */
export interface BuildStep {
  compiled: CompiledSegment;
  /** Most customers of it. */
  size: number;
  /** Whether it was the last one. */
  isLast: boolean;
}

/**
 * Looks at the next page of all customers, also deleted ones, which may be members. Changes are followed meanwhile, for all
 * customers, so that the segment is true once the last page has been looked at. Then the members are counted anew.
 */
export async function buildPage(em: EntityManager, step: BuildStep, position: number): Promise<void> {
  const { compiled, size } = step;
  const { segment } = compiled;
  const { tenantId } = currentCaller();
  const isOfAll = segment.kind === 'DYNAMIC' || segment.source_id !== null || segment.filter !== null;
  const page = isOfAll ? await nextCustomers(em, segment.build_after, size) : [];
  if (page.length > 0) {
    const differences = await queryRows<Difference>(em, differencesAmong(compiled, page));
    await writeMembers(em, [changesOf(segment.id, differences)], position);
  }
  step.isLast = page.length < size;
  if (!step.isLast) {
    await queryRows(em, {
      name: 'continue_build',
      sql: `update segment_progress set build_after = $3, is_building = true where tenant_id = $1 and segment_id = $2`,
      values: [tenantId, segment.id, page.at(-1)],
    });
    return;
  }
  await queryRows(em, {
    name: 'end_build',
    sql: `update segment_progress set is_building = false, build_after = null, size = (select count(*) from segment_member
        where tenant_id = $1 and segment_id = $2 and delete_time is null)
      where tenant_id = $1 and segment_id = $2`,
    values: [tenantId, segment.id],
  });
}

async function nextCustomers(em: EntityManager, after: string | null, limit: number): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(em, {
    name: 'customers_to_build',
    sql: `select id from customer where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [currentCaller().tenantId, after, limit],
  });
  return rows.map(({ id }) => id);
}
