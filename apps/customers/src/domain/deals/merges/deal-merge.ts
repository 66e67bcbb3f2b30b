import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { MovedLinks } from '../../../engine/merge/merge-undo.js';
import type { MovedRecords } from '../../../engine/merge/moving/move-references.js';
import type { Move } from '../../../engine/merge/moving/move-lists.js';
import type { AddedContent } from './united-deal.js';

/** The data that undoes a merge of deals, besides the row of the merged one. It has no personal data. */
export interface KeptMerge {
  added: AddedContent;
  moved: MovedRecords;
  links: MovedLinks;
}

/** Counts records, files and associations. */
export function movedCount(moved: MovedRecords, { from, to }: MovedLinks): number {
  return [...Object.values(moved), from, to].reduce((sum, ids) => sum + ids.length, 0);
}

export function keepMerge({ from, to }: Move, { added, moved, links }: KeptMerge): TransactionStatement {
  return {
    name: 'keep_deal_merge',
    // Merges of a tenant run one after another: `place` is free.
    sql: `insert into deal_merge (tenant_id, merged_id, survivor_id, place, added, moved, links)
      select $1, $2, $3, coalesce(max(place), 0) + 1, $4, $5, $6 from deal_merge
      where tenant_id = $1 and survivor_id = $3`,
    values: [currentCaller().tenantId, from, to, ...[added, moved, links].map((part) => JSON.stringify(part))],
  };
}

/** The merge in force of a deal into another one. `later_id` is the deal of the last later merge into the same one. */
export async function mergeOf(
  transaction: StatementTransaction,
  mergedId: string,
): Promise<(KeptMerge & { survivor_id: string; later_id: string | null }) | undefined> {
  const [kept] = await transaction.rows<KeptMerge & { survivor_id: string; later_id: string | null }>({
    name: 'deal_merge_of',
    sql: `select survivor_id, added, moved, links,
        (select later.merged_id from deal_merge later
          where later.tenant_id = $1 and later.survivor_id = deal_merge.survivor_id and later.place > deal_merge.place
          order by later.place desc limit 1) as later_id
      from deal_merge where tenant_id = $1 and merged_id = $2`,
    values: [currentCaller().tenantId, mergedId],
  });
  return kept;
}

export function forgetMerge(mergedId: string): TransactionStatement {
  return {
    name: 'forget_deal_merge',
    sql: 'delete from deal_merge where tenant_id = $1 and merged_id = $2',
    values: [currentCaller().tenantId, mergedId],
  };
}
