import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { holdOptOuts } from '../suppressions/opt-out-lock.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { hexHashes } from '../suppressions/suppression-statements.js';

/** Why an address gets no mail of a topic. */
export type Withheld =
  /** The topic is deleted, or never was. */
  | 'TOPIC_UNKNOWN'
  /** The customer is deleted, merged or erased. */
  | 'CUSTOMER_GONE'
  | 'CONSENT_WITHDRAWN'
  /** The topic needs a consent, and none was given. */
  | 'CONSENT_MISSING'
  /** The address is suppressed for the topic or for all purposes. */
  | 'SUPPRESSED'
  /** The customer has had the most mail of the topic. */
  | 'CAP_REACHED';

/** A customer, and the address of it that would get the mail. */
export interface Receiver {
  customerId: string;
  address: string;
}

/** Most receivers of one question. */
export const maxReceivers = 500;

/**
 * Asks for mail that the open transaction is about to claim. Until it ends, no consent is withdrawn and no address suppressed, so
 * that an opt-out that has been answered is seen by every claim that is answered later; and no other transaction claims mail of
 * a topic with a cap. A transaction that asks about several topics asks in the order of their keys.
 *
 * @param key of the tenant: `SuppressionKey.of`
 * @param recipients at most 500. One that is in the list twice counts twice for the cap
 * @returns the reason of each recipient that gets no mail, by its place in `recipients`
 */
export async function mayReceive(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { topicKey, recipients, time }: { topicKey: string; recipients: readonly Receiver[]; time: Date },
): Promise<Map<number, Withheld>> {
  if (recipients.length > maxReceivers) throw new Error(`At most ${maxReceivers} recipients are asked about at once.`);
  if (recipients.length === 0) return new Map();
  const [, , rows = []] = await transaction.run(
    holdOptOuts(),
    lockCap(topicKey),
    verdicts(key, topicKey, recipients, time),
  );
  const found = rows as { place: number; reason: Withheld }[];
  return new Map(found.map(({ place, reason }) => [place, reason]));
}

/** A mail of a topic that was claimed. */
export interface TopicSend {
  customerId: string;
  /** Of the recipient or message, which counts once. */
  sendId: string;
}

/** Counts mail for the cap of a topic, in the transaction that claims it. */
export function recordSends(
  transaction: StatementTransaction,
  { topicKey, sends, time }: { topicKey: string; sends: readonly TopicSend[]; time: Date },
): void {
  if (sends.length === 0) return;
  const rows = sends.map(({ customerId, sendId }) => ({ customer_id: customerId, send_id: sendId }));
  transaction.later({
    name: 'record_topic_sends',
    sql: `with old as (
        delete from topic_send using jsonb_to_recordset($4) as sent (customer_id uuid)
        where topic_send.tenant_id = $1 and topic_key = $2 and topic_send.customer_id = sent.customer_id
          and time < $3::timestamptz - interval '${longestCapDays} days')
      insert into topic_send (tenant_id, topic_key, customer_id, send_id, time)
      select $1, $2, customer_id, send_id, $3 from jsonb_to_recordset($4) as sent (customer_id uuid, send_id uuid)
      order by customer_id, send_id on conflict do nothing`,
    values: [currentCaller().tenantId, topicKey, time.toISOString(), JSON.stringify(rows)],
  });
}

/** Longest period of a cap: `FrequencyCap.days`. */
const longestCapDays = 365;

/** Lets the claims of a topic with a cap take turns: two at once would both count the mail before them. */
function lockCap(topicKey: string): TransactionStatement {
  return {
    name: 'lock_topic_cap',
    sql: `select pg_advisory_xact_lock(hashtextextended('topic cap ' || $1::uuid || $2, 0)) from topic
      where tenant_id = $1 and key = $2 and delete_time is null and cap is not null`,
    values: [currentCaller().tenantId, topicKey],
  };
}

function verdicts(
  key: SuppressionKey,
  topicKey: string,
  recipients: readonly Receiver[],
  time: Date,
): TransactionStatement {
  const { tenantId } = currentCaller();
  const wanted = recipients.map(({ customerId, address }, place) => ({
    place,
    customer_id: customerId,
    hashes: hexHashes(key, 'EMAIL', address),
  }));
  return {
    name: 'may_receive',
    // Consents and mail of customers that were merged into one count as its own.
    sql: `with recursive wanted as (
        select place, customer_id, array(select decode(hash, 'hex') from unnest(hashes) hash) as hashes
        from jsonb_to_recordset($3) as wanted (place int, customer_id uuid, hashes text[])),
      own as (
        select customer_id as root, customer_id as id from wanted
        union
        select own.root, customer.id from own join customer on customer.tenant_id = $1 and customer.merged_into_id = own.id),
      said as (
        select distinct on (own.root) own.root, consent.state
        from own join consent on consent.tenant_id = $1 and consent.customer_id = own.id
        where consent.purpose = $2 and consent.channel = 'EMAIL'
        order by own.root, consent.time desc, consent.id desc),
      wanted_topic as (
        select legal_basis, (cap->>'count')::int as most, (cap->>'days')::int as days from topic
        where tenant_id = $1 and key = $2 and delete_time is null),
      had as (
        select own.root, count(*) as mails from wanted_topic topic
        cross join own join topic_send sent on sent.tenant_id = $1 and sent.topic_key = $2 and sent.customer_id = own.id
        where topic.most is not null and sent.time > $4::timestamptz - topic.days * interval '24 hours'
        group by own.root),
      judged as (
        select wanted.place, case
          when topic.legal_basis is null then 'TOPIC_UNKNOWN'
          when customer.id is null then 'CUSTOMER_GONE'
          when said.state = 'WITHDRAWN' then 'CONSENT_WITHDRAWN'
          when said.state is null and topic.legal_basis = 'CONSENT' then 'CONSENT_MISSING'
          when exists (select from suppression where tenant_id = $1 and channel = 'EMAIL' and address_hash = any (wanted.hashes)
            and (purpose is null or purpose = $2)) then 'SUPPRESSED'
          when topic.most < coalesce(had.mails, 0)
            + row_number() over (partition by wanted.customer_id order by wanted.place) then 'CAP_REACHED'
        end as reason
        from wanted
        left join wanted_topic topic on true
        left join customer on customer.tenant_id = $1 and customer.id = wanted.customer_id and customer.delete_time is null
        left join said on said.root = wanted.customer_id
        left join had on had.root = wanted.customer_id)
      select place, reason from judged where reason is not null`,
    values: [tenantId, topicKey, JSON.stringify(wanted), time.toISOString()],
  };
}
