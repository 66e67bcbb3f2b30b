import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { suppressHashes } from './suppression-statements.js';

/** What a report says about an address. */
export type BounceClass =
  /** The address does not exist, or never takes mail. */
  | 'HARD'
  /** This mail was not taken, such as by a full mailbox or a filter. */
  | 'SOFT'
  | 'COMPLAINT';

/** So many soft bounces of different mails within the period make an address like one that does not exist. */
const softLimit = 5;
const softDays = 30;

/** What servers say of an address that does not exist, where they have no code for it. */
const unknownAddress =
  /(?:user|mailbox|recipient|account|address)(?: \S+)? (?:is )?(?:unknown|not found|does(?:n't| not) exist|disabled|inactive|invalid)|(?:no such|unknown|invalid) (?:local )?(?:user|mailbox|recipient|account|address)/i;

/**
 * The class of a failure by its status code (RFC 3463). Permanent failures are about the address if they concern it, its mailbox
 * being disabled, or its domain; those about a full mailbox, the content or the policy of the receiver may not be there for
 * another mail. A status 5.0.x says only that it is permanent: the words decide.
 *
 * @param diagnostic what the server said, of at most 1,000 characters
 */
export function bounceClassOf(status: string, diagnostic = ''): Exclude<BounceClass, 'COMPLAINT'> {
  if (status.startsWith('5.0.')) return unknownAddress.test(diagnostic) ? 'HARD' : 'SOFT';
  return /^5\.(?:[14]\.|2\.[01]$)/.test(status) ? 'HARD' : 'SOFT';
}

/**
 * Suppresses an address for all purposes: after a complaint and a hard bounce at once, after soft ones at the fifth.
 *
 * @param hash of the address: `SuppressionKey.hash`
 */
export async function suppressBounced(
  transaction: StatementTransaction,
  { hash, messageId, bounceClass }: { hash: Buffer; messageId: string; bounceClass: BounceClass },
): Promise<void> {
  if (bounceClass === 'SOFT' && (await countSoft(transaction, hash, messageId)) < softLimit) return;
  const reason = bounceClass === 'COMPLAINT' ? 'COMPLAINT' : 'BOUNCE';
  transaction.later(...suppressHashes(reason, [{ channel: 'EMAIL', hash }]));
}

/** Stores a soft bounce, once for each mail. @returns how many there are within the period */
async function countSoft(transaction: StatementTransaction, hash: Buffer, messageId: string): Promise<number> {
  const { tenantId } = currentCaller();
  const [, , , counted = []] = await transaction.run(
    {
      name: 'lock_soft_bounces',
      sql: `select pg_advisory_xact_lock(hashtextextended('soft bounce ' || $1 || $2, 0))`,
      values: [tenantId, hash.toString('hex')],
    },
    {
      name: 'forget_soft_bounces',
      sql: `delete from soft_bounce
        where tenant_id = $1 and address_hash = $2 and time < rapport_clock() - interval '${softDays} days'`,
      values: [tenantId, hash],
    },
    {
      name: 'insert_soft_bounce',
      sql: `insert into soft_bounce (tenant_id, address_hash, message_id, time) values ($1, $2, $3, rapport_clock())
        on conflict (tenant_id, address_hash, message_id) do nothing`,
      values: [tenantId, hash, messageId],
    },
    {
      name: 'count_soft_bounces',
      sql: 'select count(*)::int as count from soft_bounce where tenant_id = $1 and address_hash = $2',
      values: [tenantId, hash],
    },
  );
  return (counted[0] as { count: number }).count;
}
