import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { referencedId } from '../records/customers/customer.entity.js';
import type { LinkTable } from '../records/referring/link-tables.js';
import { noLinks, type MergeUndo, type MovedLinks, type RemovedLink } from './merge-undo.js';
import { Merge } from './merge.entity.js';
import { moveEnds } from './moving/move-links.js';

/**
 * The part of other merges' undo data that an unmerge changes: the associations that these have moved or removed.
 * `lockMerges` keeps other unmerges away from that part. Other parts, which an encryption may rewrite meanwhile, are
 * neither read nor written here.
 */
export class RestoredMerges {
  readonly #changed = new Map<string, Partial<Pick<MergeUndo, LinkTable['undo']>>>();

  /** The associations that a merge has moved, with all changes so far. */
  movedBy({ id, undo }: Merge, table: LinkTable): MovedLinks {
    return this.#changed.get(id)?.[table.undo] ?? undo[table.undo] ?? noLinks;
  }

  put({ id }: Merge, table: LinkTable, links: MovedLinks): void {
    this.#changed.set(id, { ...this.#changed.get(id), [table.undo]: links });
  }

  /** Locks the merges in the order of their ids, as encryption does, and writes what has changed. */
  async save(em: EntityManager): Promise<void> {
    if (this.#changed.size === 0) return;
    const { tenantId } = currentCaller();
    await queryRows(em, {
      name: 'lock_restored_merges',
      sql: 'select id from customer_merge where tenant_id = $1 and id = any ($2::uuid[]) order by id for update',
      values: [tenantId, [...this.#changed.keys()]],
    });
    const changes = [...this.#changed].map(([id, links]) => ({ id, links }));
    await queryRows(em, {
      name: 'put_restored_links',
      sql: `update customer_merge set undo = customer_merge.undo || changed.links
        from jsonb_to_recordset($2) as changed (id uuid, links jsonb)
        where customer_merge.tenant_id = $1 and customer_merge.id = changed.id`,
      values: [tenantId, JSON.stringify(changes)],
    });
  }
}

/** Associations of one table that an unmerge restores. */
interface Restoring {
  em: EntityManager;
  table: LinkTable;
  /** The changes to the undo data of other merges. */
  merges: RestoredMerges;
}

/** Moves the associations of a merge back to the restored customer, unless they have been deleted since. */
export async function restoreLinks(
  restoring: Restoring,
  links: MovedLinks,
  { customerId, restoredId }: { customerId: string; restoredId: string },
): Promise<void> {
  const { em, table } = restoring;
  const end = { oldId: customerId, newId: restoredId };
  const back = {
    from: new Set(await moveEnds(em, table, 'from', { ...end, ids: links.from })),
    to: new Set(await moveEnds(em, table, 'to', { ...end, ids: links.to })),
  };
  const missing = {
    from: new Set(links.from.filter((id) => !back.from.has(id))),
    to: new Set(links.to.filter((id) => !back.to.has(id))),
  };
  await moveRemovedBack(restoring, missing, (id) => (id === customerId ? restoredId : id));
  await insertAgain(restoring, links.removed);
}

/** An association that a later merge has removed returns to the restored customer when that merge is undone. */
async function moveRemovedBack(
  { em, table, merges }: Restoring,
  missing: { from: ReadonlySet<string>; to: ReadonlySet<string> },
  other: (id: string) => string,
): Promise<void> {
  const ids = [...missing.from, ...missing.to];
  if (ids.length === 0) return;
  const { tenantId } = currentCaller();
  const removers = await em.execute<{ id: string }[]>(
    `select id from customer_merge
     where tenant_id = ? and undo_time is null and exists (
       select from jsonb_array_elements(undo #> '{${table.undo},removed}') link
       where link->>'id' in (select jsonb_array_elements_text(?)))`,
    [tenantId, JSON.stringify(ids)],
  );
  for (const merge of await em.find(Merge, { tenantId, id: { $in: removers.map(({ id }) => id) } })) {
    const links = merges.movedBy(merge, table);
    const removed = links.removed.map((link) => ({
      ...link,
      from_customer_id: missing.from.has(link.id) ? other(link.from_customer_id) : link.from_customer_id,
      to_customer_id: missing.to.has(link.id) ? other(link.to_customer_id) : link.to_customer_id,
    }));
    merges.put(merge, table, { ...links, removed });
  }
}

/**
 * Recreates the associations that a merge removed. If the other end has been merged since, the association leads to the
 * surviving customer, and undoing that merge moves it back.
 */
async function insertAgain(restoring: Restoring, removed: RemovedLink[]): Promise<void> {
  const { em, table, merges } = restoring;
  const mergesByMerged = await mergesSince(em, removed);
  const paths = removed.map((link) => pathOf(link, mergesByMerged));
  // Those with unchanged ends come first: of two that become equal, the merge would remove the other one.
  const staying = removed.filter((_, index) => paths[index]?.length === 0);
  const restored = new Set(await insert(em, table, staying));
  await leaveToEarlierMerges(
    restoring,
    staying.filter(({ id }) => !restored.has(id)),
  );
  const moved = paths.flatMap((path) => path.at(-1)?.after ?? []).filter((link) => !isSelfLink(link));
  const inserted = new Set(await insert(em, table, moved));

  const records = new Map<Merge, MovedLinks>();
  for (const { merge, before, after, isLast } of paths.flat()) {
    const links = records.get(merge) ?? copyOf(merges.movedBy(merge, table));
    records.set(merge, links);
    if (isLast && !inserted.has(before.id)) links.removed.push(before);
    else {
      if (before.from_customer_id !== after.from_customer_id) links.from.push(before.id);
      if (before.to_customer_id !== after.to_customer_id) links.to.push(before.id);
    }
  }
  for (const [merge, links] of records) merges.put(merge, table, links);
}

/**
 * An association that still duplicates another one does so because of the last merge in force that moved it, and
 * undoing that merge recreates it. If there is no such merge, a caller has created the same association meanwhile.
 */
async function leaveToEarlierMerges({ em, table, merges }: Restoring, links: RemovedLink[]): Promise<void> {
  if (links.length === 0) return;
  const { tenantId } = currentCaller();
  const movers = await em.execute<{ id: string }[]>(
    `select id from customer_merge
     where tenant_id = ? and undo_time is null and exists (
       select from jsonb_array_elements_text((undo #> '{${table.undo},from}') || (undo #> '{${table.undo},to}')) link (id)
       where link.id in (select jsonb_array_elements_text(?)))`,
    [tenantId, JSON.stringify(links.map(({ id }) => id))],
  );
  const ids = movers.map(({ id }) => id);
  const newestFirst = await em.find(Merge, { tenantId, id: { $in: ids } }, { orderBy: { id: 'desc' } });
  for (const link of links) {
    const merge = newestFirst.find((each) => {
      const moved = merges.movedBy(each, table);
      return [...moved.from, ...moved.to].includes(link.id);
    });
    if (!merge) continue;
    const { from, to, removed } = merges.movedBy(merge, table);
    const mergedId = referencedId(merge.merged);
    const before = {
      ...link,
      ...(from.includes(link.id) ? { from_customer_id: mergedId } : {}),
      ...(to.includes(link.id) ? { to_customer_id: mergedId } : {}),
    };
    const others = (moved: string[]) => moved.filter((id) => id !== link.id);
    merges.put(merge, table, { from: others(from), to: others(to), removed: [...removed, before] });
  }
}

/**
 * Merges in force of the customers at the ends of associations, and in turn of the customers they were merged into, by
 * merged customer.
 */
async function mergesSince(em: EntityManager, links: RemovedLink[]): Promise<ReadonlyMap<string, Merge>> {
  const merges = new Map<string, Merge>();
  let ids = [...new Set(links.flatMap((link) => [link.from_customer_id, link.to_customer_id]))];
  while (ids.length > 0) {
    const { tenantId } = currentCaller();
    const rows = await em.execute<{ id: string }[]>(
      `select id from customer_merge where tenant_id = ? and undo_time is null
         and merged_id in (select value::uuid from jsonb_array_elements_text(?))`,
      [tenantId, JSON.stringify(ids)],
    );
    const found = rows.length === 0 ? [] : await em.find(Merge, { tenantId, id: { $in: rows.map(({ id }) => id) } });
    for (const merge of found) merges.set(referencedId(merge.merged), merge);
    ids = found.map(({ customer }) => referencedId(customer)).filter((id) => !merges.has(id));
  }
  return merges;
}

/** The change that one merge makes to an association. */
interface Move {
  merge: Merge;
  before: RemovedLink;
  after: RemovedLink;
  isLast: boolean;
}

/** The changes that merges make to an association, in order. Ends early at an association of a customer with itself. */
function pathOf(link: RemovedLink, mergesByMerged: ReadonlyMap<string, Merge>): Move[] {
  const path: Move[] = [];
  let before = link;
  while (!isSelfLink(before)) {
    const [merge] = [before.from_customer_id, before.to_customer_id]
      .flatMap((end) => mergesByMerged.get(end) ?? [])
      .sort((one, next) => (one.id < next.id ? -1 : 1));
    if (!merge) break;
    const moved = (end: string) => (mergesByMerged.get(end) === merge ? referencedId(merge.customer) : end);
    const after = {
      ...before,
      from_customer_id: moved(before.from_customer_id),
      to_customer_id: moved(before.to_customer_id),
    };
    path.push({ merge, before, after, isLast: false });
    before = after;
  }
  return path.map((move, index) => ({ ...move, isLast: index === path.length - 1 }));
}

function isSelfLink(link: RemovedLink): boolean {
  return link.from_customer_id === link.to_customer_id;
}

/**
 * Associations of permanently removed records, such as those of an erased customer, stay removed.
 *
 * @returns the ids of the associations that did not exist yet
 */
async function insert(
  em: EntityManager,
  { table, from, to, types }: LinkTable,
  links: RemovedLink[],
): Promise<string[]> {
  if (links.length === 0) return [];
  const further = types.map((column) => `${column}, `).join('');
  const rows = await em.execute<{ id: string }[]>(
    `insert into ${table}
       (tenant_id, id, ${from}, type, ${to}, ${further}role, labels, version, create_time, update_time)
     select ?, id, from_customer_id, type, to_customer_id, ${further}role, array (select jsonb_array_elements_text(labels)),
       version + 1, create_time, ?
     from jsonb_to_recordset(?) as link (id uuid, from_customer_id uuid, type text, to_customer_id uuid, from_type text,
       to_type text, role text, labels jsonb, version int, create_time timestamptz)
     where sees_record(coalesce(from_type, 'customer'), from_customer_id) and sees_record(coalesce(to_type, 'customer'), to_customer_id)
     on conflict do nothing
     returning id`,
    [currentCaller().tenantId, new Date().toISOString(), JSON.stringify(links)],
  );
  return rows.map(({ id }) => id);
}

function copyOf({ from, to, removed }: MovedLinks): MovedLinks {
  return { from: [...from], to: [...to], removed: [...removed] };
}
