import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';

/** How long a worker holds a mailbox without renewing, in milliseconds. */
const leaseMs = 20_000;

/** Delays after failures in a row, in milliseconds; the last one for all others. */
const retryDelaysMs = [1_000, 5_000, 15_000, 60_000, 300_000];

/** A mailbox that a worker holds. */
export interface MailboxTurn {
  mailboxId: string;
  tenantId: string;
  revision: number;
}

interface TurnRow {
  mailbox_id: string;
  tenant_id: string;
  revision: number;
}

/** Leases mailboxes that no worker reads, of all tenants. */
export async function claimTurns(em: EntityManager, worker: string, limit: number): Promise<MailboxTurn[]> {
  const { rows } = await withConnection(em, (client) =>
    client.query<TurnRow>(
      `update mailbox_turn set worker = $1, lease_time = clock_timestamp() + make_interval(secs => $2 / 1000.0)
       where mailbox_id in (
         select mailbox_id from mailbox_turn
         where is_read and due_time <= clock_timestamp() and (worker is null or lease_time < clock_timestamp())
         order by due_time limit $3 for update skip locked)
       returning mailbox_id, tenant_id, revision`,
      [worker, leaseMs, limit],
    ),
  );
  return rows.map((row) => ({ mailboxId: row.mailbox_id, tenantId: row.tenant_id, revision: row.revision }));
}

/**
 * Reads the turns of a worker.
 *
 * @param renews whether their leases begin anew
 * @returns revisions of the mailboxes that it still holds and that are to be read, by id
 */
export async function heldTurns(
  em: EntityManager,
  worker: string,
  mailboxIds: readonly string[],
  renews: boolean,
): Promise<Map<string, number>> {
  if (mailboxIds.length === 0) return new Map();
  const held = 'worker = $1 and mailbox_id = any ($2::uuid[]) and is_read';
  const { rows } = await withConnection(em, (client) =>
    renews
      ? client.query<TurnRow>(
          `update mailbox_turn set lease_time = clock_timestamp() + make_interval(secs => $3 / 1000.0)
           where ${held} returning mailbox_id, revision`,
          [worker, mailboxIds, leaseMs],
        )
      : client.query<TurnRow>(`select mailbox_id, revision from mailbox_turn where ${held}`, [worker, mailboxIds]),
  );
  return new Map(rows.map((row) => [row.mailbox_id, row.revision]));
}

/** Gives a mailbox back. @param failed whether it is read again only after a delay, which grows with each failure */
export async function releaseTurn(
  em: EntityManager,
  worker: string,
  turn: MailboxTurn,
  failed: boolean,
): Promise<void> {
  await withConnection(em, (client) =>
    client.query(
      `update mailbox_turn set worker = null, lease_time = null,
         failure_count = case when $3 and revision = $4 then failure_count + 1 else failure_count end,
         due_time = case when $3 and revision = $4
           then clock_timestamp() + make_interval(secs => ($5::int[])[least(failure_count + 1, $6)] / 1000.0)
           else clock_timestamp() end
       where mailbox_id = $1 and worker = $2`,
      [turn.mailboxId, worker, failed, turn.revision, retryDelaysMs, retryDelaysMs.length],
    ),
  );
}

/** The states that follow from reading a mailbox. */
export type ReadState =
  | { state: 'ACTIVE' }
  | { state: 'FAILING'; reason: string }
  /** Not read again until it changes. */
  | { state: 'REAUTH'; reason: string };

/** Stores the outcome of a read, unless the mailbox has changed since, or another worker holds it. */
export async function settleTurn(
  em: EntityManager,
  worker: string,
  { mailboxId, tenantId, revision }: MailboxTurn,
  outcome: ReadState,
): Promise<void> {
  const reason = outcome.state === 'ACTIVE' ? null : outcome.reason;
  await withConnection(em, async (client) => {
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    const { rowCount } = await client.query(
      `update mailbox_turn set is_read = $4, failure_count = case when $5 then 0 else failure_count end
       where mailbox_id = $1 and worker = $2 and revision = $3`,
      [mailboxId, worker, revision, outcome.state !== 'REAUTH', outcome.state === 'ACTIVE'],
    );
    if (rowCount === 1) {
      await client.query(
        `update mailbox set state = $3, state_reason = $4
         where tenant_id = $1 and id = $2 and (state <> $3 or state_reason is distinct from $4)`,
        [tenantId, mailboxId, outcome.state, reason],
      );
    }
    await client.query('commit');
  });
}
