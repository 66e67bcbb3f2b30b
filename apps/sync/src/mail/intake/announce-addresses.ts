import { randomUUID } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { MailAddressesServiceService as Addresses } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { withConnection } from '@rapport/persistence';

const callMs = 10_000;

/** Mailboxes per pass. */
const most = 50;

interface ChangedRow {
  mailbox_id: string;
  tenant_id: string;
  is_deleted: boolean;
  revision: number;
}

interface AddressRow {
  address: string;
  display_name: string | null;
  reply_domain: string | null;
  is_default: boolean;
  relay_id: string | null;
}

/**
 * Sends the addresses of changed mailboxes to customers.
 *
 * @returns whether there may be more
 */
export async function announceAddresses(em: EntityManager, customers: Pick<ContractClient, 'unary'>): Promise<boolean> {
  const { rows } = await withConnection(em, (client) =>
    client.query<ChangedRow>(
      `select mailbox_id, tenant_id, is_deleted, revision from mailbox_turn
       where not is_announced order by mailbox_id limit ${most}`,
    ),
  );
  for (const row of rows) await announce(em, customers, row);
  return rows.length === most;
}

/**
 * The lock orders the calls of several processes: an earlier address must not arrive last. It is no row lock, so that a
 * change of the mailbox does not wait for the call.
 */
async function announce(
  em: EntityManager,
  customers: Pick<ContractClient, 'unary'>,
  { mailbox_id: mailboxId, tenant_id: tenantId }: ChangedRow,
): Promise<void> {
  await withConnection(em, async (client) => {
    await client.query('begin');
    const { rows: locks } = await client.query<{ is_free: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('mail address ' || $1::text, 0)) as is_free`,
      [mailboxId],
    );
    if (locks[0]?.is_free) {
      await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
      const { rows: turns } = await client.query<ChangedRow>('select * from mailbox_turn where mailbox_id = $1', [
        mailboxId,
      ]);
      const { rows: addresses } = await client.query<AddressRow>(
        `select address, display_name, reply_domain, is_default, relay_id from mailbox where tenant_id = $1 and id = $2`,
        [tenantId, mailboxId],
      );
      await put(customers, { tenantId, mailboxId }, addresses[0]);
      await client.query(
        turns[0]?.is_deleted
          ? 'delete from mailbox_turn where mailbox_id = $1 and revision = $2'
          : 'update mailbox_turn set is_announced = true where mailbox_id = $1 and revision = $2',
        [mailboxId, turns[0]?.revision],
      );
    }
    await client.query('commit');
  });
}

async function put(
  customers: Pick<ContractClient, 'unary'>,
  place: { tenantId: string; mailboxId: string },
  row: AddressRow | undefined,
): Promise<void> {
  const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
  if (!row) return void (await customers.unary(Addresses.deleteMailAddress.path, place, options));
  const address = {
    ...place,
    address: row.address,
    name: row.display_name ?? undefined,
    replyDomain: row.reply_domain ?? undefined,
    isDefault: row.is_default,
    canSend: row.relay_id !== null,
  };
  await customers.unary(Addresses.putMailAddress.path, address, options);
}
