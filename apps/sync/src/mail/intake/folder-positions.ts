import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { NumberedFolder } from './stored-mail.js';

/** Position in a folder of an IMAP server: mails up to the UID are stored messages. */
export interface FolderPosition {
  name: string;
  uidValidity: number;
  /** 0 before the first mail. */
  uid: number;
  /** HIGHESTMODSEQ in decimal; null for servers without CONDSTORE. */
  modseq: string | null;
  /** When the folder was last read to its end; null before the first time. */
  syncTime: Date | null;
  formerUidValidities: readonly number[];
  /** Whether the server has renumbered the folder, and it has not been read to its end since. */
  isRenumbering: boolean;
  /** Mails since this time have to be read again; null for none. */
  resyncTime: Date | null;
}

interface PositionRow {
  mailbox_id: string;
  name: string;
  uid_validity: string;
  uid: string;
  modseq: string | null;
  sync_time: Date | string | null;
  former: string;
  is_renumbering: boolean;
  resync_time: Date | string | null;
}

/** Positions of mailboxes, by folder. @param em with the session of the tenant */
export async function folderPositions(
  em: EntityManager,
  tenantId: string,
  mailboxIds: readonly string[],
): Promise<Map<string, FolderPosition[]>> {
  const rows = await readForTenant<PositionRow>(em, {
    sql: `select mailbox_id, name, uid_validity, uid, modseq, sync_time, is_renumbering, resync_time,
        array_to_json(former_uid_validities)::text as former
      from mailbox_folder where tenant_id = $1 and mailbox_id = any ($2::uuid[]) order by mailbox_id, name`,
    values: [tenantId, [...mailboxIds]],
  });
  const found = new Map<string, FolderPosition[]>();
  for (const row of rows) {
    const own = found.get(row.mailbox_id) ?? [];
    own.push(position(row));
    found.set(row.mailbox_id, own);
  }
  return found;
}

function position(row: PositionRow): FolderPosition {
  return {
    name: row.name,
    uidValidity: Number(row.uid_validity),
    uid: Number(row.uid),
    modseq: row.modseq,
    syncTime: row.sync_time === null ? null : new Date(row.sync_time),
    formerUidValidities: JSON.parse(row.former) as number[],
    isRenumbering: row.is_renumbering,
    resyncTime: row.resync_time === null ? null : new Date(row.resync_time),
  };
}

/** Stores the numbering of a folder that is new, or that the server has renumbered. */
export async function startNumbering(
  em: EntityManager,
  { tenantId, mailboxId, folder, uidValidity }: NumberedFolder,
): Promise<void> {
  await readForTenant(em, {
    sql: `insert into mailbox_folder as held
        (tenant_id, mailbox_id, name, uid_validity, uid, former_uid_validities, is_renumbering)
      values ($1, $2, $3, $4, 0, '{}', false) on conflict (tenant_id, mailbox_id, name) do update
      set uid_validity = excluded.uid_validity, uid = 0, modseq = null, is_renumbering = true,
        former_uid_validities = array_append(
          array_remove(array_remove(held.former_uid_validities, held.uid_validity), excluded.uid_validity),
          held.uid_validity)
      where held.uid_validity <> excluded.uid_validity`,
    values: [tenantId, mailboxId, folder, uidValidity],
  });
}

/** Moves the position on. It never moves back: a worker whose lease has ended may be late. */
export async function movePosition(
  em: EntityManager,
  { tenantId, mailboxId, folder, uidValidity }: NumberedFolder,
  uid: number,
): Promise<void> {
  await readForTenant(em, {
    sql: `update mailbox_folder set uid = greatest(uid, $5)
      where tenant_id = $1 and mailbox_id = $2 and name = $3 and uid_validity = $4`,
    values: [tenantId, mailboxId, folder, uidValidity, uid],
  });
}

/**
 * Notes that a folder was read to its end.
 *
 * @param resyncTime what the reader was asked to read again: a later request stays
 */
export async function endReading(
  em: EntityManager,
  { tenantId, mailboxId, folder, uidValidity }: NumberedFolder,
  { startTime, modseq, resyncTime }: { startTime: Date; modseq: string | null; resyncTime: Date | null },
): Promise<void> {
  await readForTenant(em, {
    sql: `update mailbox_folder set sync_time = $5, modseq = $6, is_renumbering = false,
        resync_time = case when resync_time is distinct from $7 then resync_time end
      where tenant_id = $1 and mailbox_id = $2 and name = $3 and uid_validity = $4`,
    values: [tenantId, mailboxId, folder, uidValidity, startTime, modseq, resyncTime],
  });
}
