import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';

/** An entry that was moved between tickets. */
export interface MovedEntry {
  id: string;
  /** The ticket that it was written for, before the move. Null for that from which it was moved. */
  origin: string | null;
}

/** Most entries of a ticket that is merged. */
const maxEntries = 2_000;

/**
 * Moves entries of a ticket to another one, and notes the ticket that they were written for.
 *
 * @param ids of the entries; those of other tickets stay there. All entries of the ticket when absent
 * @throws AppError TOO_MANY_ENTRIES
 */
export async function moveEntries(
  transaction: StatementTransaction,
  { from, to, ids }: { from: string; to: string; ids?: readonly string[] },
): Promise<MovedEntry[]> {
  const { tenantId, principalId } = currentCaller();
  const moved = await transaction.rows<MovedEntry>({
    name: 'move_ticket_entries',
    // Locks the rows by id, like all other writers.
    sql: `with locked as (
        select id, origin_ticket_id from ticket_entry
        where tenant_id = $1 and ticket_id = $2 and ($4::uuid[] is null or id = any ($4::uuid[])) and delete_time is null
        order by id limit $7 for update)
      update ticket_entry entry
      set ticket_id = $3, origin_ticket_id = nullif(coalesce(locked.origin_ticket_id, $2), $3), version = version + 1,
        update_time = $5, updated_by = $6
      from locked where entry.tenant_id = $1 and entry.id = locked.id
      returning entry.id, locked.origin_ticket_id as origin`,
    values: [tenantId, from, to, ids ? [...ids] : null, new Date().toISOString(), principalId, maxEntries + 1],
  });
  if (moved.length <= maxEntries) return moved;
  const message = `The ticket has more than ${maxEntries} entries.`;
  throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_ENTRIES', message);
}

/** Reverts `moveEntries` for the entries that are still there. */
export function moveEntriesBack(
  { from, to }: { from: string; to: string },
  entries: readonly MovedEntry[],
): TransactionStatement {
  const { tenantId, principalId } = currentCaller();
  return {
    name: 'move_ticket_entries_back',
    sql: `with moved as (
        select id, origin from jsonb_to_recordset($4) as moved (id uuid, origin uuid)
      ), locked as (
        select id from ticket_entry
        where tenant_id = $1 and ticket_id = $2 and id in (select id from moved) and delete_time is null
        order by id for update)
      update ticket_entry entry
      set ticket_id = $3, origin_ticket_id = moved.origin, version = version + 1, update_time = $5, updated_by = $6
      from moved where entry.tenant_id = $1 and entry.id = moved.id and entry.id in (select id from locked)
      returning entry.id`,
    values: [tenantId, from, to, JSON.stringify(entries), new Date().toISOString(), principalId],
  };
}
