import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import type { Mailbox } from './mailbox.entity.js';

/**
 * Notes in the transaction of a change that workers have to follow it: they read mail with the new settings, and announce
 * the address to customers.
 */
export async function changeTurn(em: EntityManager, { id, tenantId, kind, state }: Mailbox): Promise<void> {
  const isRead = kind === 'IMAP' && (state === 'ACTIVE' || state === 'FAILING');
  await queryRows(em, {
    sql: `insert into mailbox_turn
        (mailbox_id, tenant_id, is_read, is_announced, is_deleted, revision, failure_count, due_time)
      values ($1, $2, $3, false, false, 1, 0, clock_timestamp())
      on conflict (mailbox_id) do update set is_read = excluded.is_read, is_announced = false,
        revision = mailbox_turn.revision + 1, failure_count = 0, due_time = excluded.due_time`,
    values: [id, tenantId, isRead],
  });
}

/** The turn of a deleted mailbox lives until customers knows of it. */
export async function endTurn(em: EntityManager, { id }: Mailbox): Promise<void> {
  await queryRows(em, {
    sql: `update mailbox_turn set is_read = false, is_announced = false, is_deleted = true, revision = revision + 1
      where mailbox_id = $1`,
    values: [id],
  });
}
