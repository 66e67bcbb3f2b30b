import type { EntityManager } from '@mikro-orm/postgresql';
import { CampaignState, type Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { messageDomain, readMailAddresses } from '../messages/mail-addresses.js';
import { audienceSql } from '../segments/audience.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { advanceJob, campaignTimer, lockJob, prepareKind, setSending, watchKind, type Cut } from './campaign-jobs.js';
import { changeCampaign, findCampaign } from './change-campaign.js';
import { dueTimeOf } from './local-time.js';
import { recipientMessageId } from './sending/recipient-tokens.js';
import { sharesOf } from './split-variants.js';
import { insertRecipients, mailDomain, readSurvivors } from './stored-recipients.js';

/** Customers that one step looks for, and members that one step reads or writes. */
const collectSize = 20_000;
const batchSize = 500;

const noId = '00000000-0000-0000-0000-000000000000';

/**
 * Writes the recipients of a started campaign, a step for each firing of the timer: its audience, the address of each member, and then
 * the recipients. Each step commits with its place, so that a death repeats none of them.
 */
export function campaignPreparer({ suppressionKey }: { suppressionKey: SuppressionKey }): TimerHandler {
  return (em, { recordId }) =>
    Sealing.of(em).run(em, async () => {
      const zone = await workspaceTimeZone(em);
      const key = await suppressionKey.of(em);
      await inOpenTransaction(em, (transaction) => prepare({ em, transaction, key, zone }, recordId));
    });
}

interface Preparing {
  em: EntityManager;
  transaction: StatementTransaction;
  key: SuppressionKey;
  zone: string;
}

async function prepare(preparing: Preparing, campaignId: string): Promise<void> {
  const { transaction } = preparing;
  const job = await lockJob(transaction, campaignId);
  const campaign = await findCampaign(transaction, campaignId);
  if (!job || campaign?.state !== CampaignState.PREPARING) return;
  switch (job.phase) {
    case 'COLLECTING': {
      const afterId = await collect(transaction, campaign, job.afterId ?? noId);
      const phase = afterId === undefined ? 'READING' : 'COLLECTING';
      transaction.later(advanceJob(campaignId, { ...job, phase, afterId: afterId ?? null }));
      break;
    }
    case 'READING': {
      if (await readAddresses(preparing, campaign)) break;
      const cuts = await cutsOf(transaction, campaign);
      transaction.later(advanceJob(campaignId, { ...job, phase: 'WRITING', cuts }));
      break;
    }
    case 'WRITING': {
      if (await writeRecipients(transaction, campaign, job.cuts ?? [])) break;
      changeCampaign(transaction, campaign, { state: CampaignState.SENDING });
      transaction.later(
        advanceJob(campaignId, { ...job, phase: 'SENDING' }),
        setSending(campaignId, true),
        campaignTimer(watchKind, campaignId, new Date()),
      );
      return;
    }
    case 'SENDING':
      return;
    default:
      throw new Error(`A campaign has no phase ${String(job.phase satisfies never)}.`);
  }
  transaction.later(campaignTimer(prepareKind, campaignId, new Date()));
}

/** Adds members to the audience. @returns the last customer that was looked for, undefined at the end */
async function collect(
  transaction: StatementTransaction,
  { id, includeSegmentIds, excludeSegmentIds }: Campaign,
  afterId: string,
): Promise<string | undefined> {
  // The ids are UUIDv7, whose first 48 bits are the time in milliseconds.
  const [found] = await transaction.rows<{ last: string | null; count: number }>({
    name: 'collect_campaign_members',
    sql: `with page as (
        select audience.id from (${audienceSql('$3::uuid[]', '$4::uuid[]')}) audience (id)
        where audience.id > $5 order by audience.id limit ${collectSize}),
      random as materialized (select id, uuid_send(gen_random_uuid()) as bytes from page),
      made as (
        select id, set_byte(overlay(bytes placing substring(int8send(
          floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 6, get_byte(bytes, 6) & 15 | 112) as bytes
        from random),
      added as (
        insert into campaign_member (tenant_id, campaign_id, recipient_id, customer_id, order_key)
        select $1, $2, encode(bytes, 'hex')::uuid, id, substring(sha256(uuid_send($2::uuid) || uuid_send(id)) for 16) from made)
      select max(id::text) as last, count(*)::int as count from page`,
    values: [currentCaller().tenantId, id, includeSegmentIds, excludeSegmentIds, afterId],
  });
  return found?.count === collectSize ? found.last! : undefined;
}

interface ReadMember {
  recipient_id: string;
  /** The customer itself, or the one that it has been merged into since the audience was written. */
  customer_id: string | null;
  fate: 'READY' | 'NO_ADDRESS' | 'DUPLICATE_ADDRESS' | 'CUSTOMER_DELETED';
  hash: string | null;
  domain: string | null;
  due_time: string | null;
}

/** Finds out the addresses of a batch of members. The first member with an address has it. @returns false without one to read */
async function readAddresses({ transaction, key, zone }: Preparing, campaign: Campaign): Promise<boolean> {
  const { tenantId } = currentCaller();
  const members = await transaction.rows<{ recipientId: string; customerId: string | null }>({
    name: 'unread_campaign_members',
    sql: `select recipient_id as "recipientId", customer_id as "customerId" from campaign_member
      where tenant_id = $1 and campaign_id = $2 and fate is null order by order_key, recipient_id limit ${batchSize}`,
    values: [tenantId, campaign.id],
  });
  if (members.length === 0) return false;
  const customers = await readSurvivors(
    transaction,
    members.flatMap(({ customerId }) => customerId ?? []),
  );
  const read = members.map(({ recipientId, customerId }): ReadMember => {
    const customer = customers.get(customerId ?? '');
    const of = { recipient_id: recipientId, customer_id: customer?.id ?? customerId };
    const none = { ...of, hash: null, domain: null, due_time: null };
    if (!customer) return { ...none, fate: 'CUSTOMER_DELETED' };
    const address = customer.emails[0]?.address;
    if (address === undefined) return { ...none, fate: 'NO_ADDRESS' };
    const hash = key.hash(tenantId, 'EMAIL', address).toString('hex');
    const dueTime = dueTimeOf(campaign.schedule, customer, zone)?.toISOString() ?? null;
    return { ...of, fate: 'READY', hash, domain: mailDomain(address), due_time: dueTime };
  });
  const taken = await takenAddresses(transaction, campaign.id, read);
  const judged = read.map((member) => {
    if (member.fate !== 'READY') return member;
    if (taken.has(member.hash!)) return { ...member, fate: 'DUPLICATE_ADDRESS', hash: null };
    taken.add(member.hash!);
    return member;
  });
  transaction.later({
    name: 'judge_campaign_members',
    sql: `update campaign_member member set fate = judged.fate, customer_id = judged.customer_id, address_hash = decode(judged.hash, 'hex'), domain = judged.domain,
        due_time = coalesce(judged.due_time, rapport_clock())
      from jsonb_to_recordset($2) as judged (recipient_id uuid, customer_id uuid, fate text, hash text, domain text, due_time timestamptz)
      where member.tenant_id = $1 and member.recipient_id = judged.recipient_id`,
    values: [tenantId, JSON.stringify(judged)],
  });
  return true;
}

/** Hashes, of these, that members of the campaign have. */
async function takenAddresses(
  transaction: StatementTransaction,
  campaignId: string,
  read: readonly ReadMember[],
): Promise<Set<string>> {
  const rows = await transaction.rows<{ hash: string }>({
    name: 'taken_campaign_addresses',
    sql: `select encode(address_hash, 'hex') as hash from campaign_member
      where tenant_id = $1 and campaign_id = $2 and fate = 'READY' and address_hash = any (array(
        select decode(wanted, 'hex') from unnest($3::text[]) wanted))`,
    values: [currentCaller().tenantId, campaignId, read.flatMap(({ hash }) => hash ?? [])],
  });
  return new Set(rows.map(({ hash }) => hash));
}

/** Where the variants of the members with addresses begin, in the order of their keys. */
async function cutsOf(transaction: StatementTransaction, campaign: Campaign): Promise<Cut[]> {
  const { tenantId } = currentCaller();
  const [ready] = await transaction.rows<{ count: number }>({
    name: 'count_ready_members',
    sql: `select count(*)::int as count from campaign_member where tenant_id = $1 and campaign_id = $2 and fate = 'READY'`,
    values: [tenantId, campaign.id],
  });
  let behind = 0;
  const cuts: Cut[] = [];
  for (const { variantKey, count } of sharesOf(campaign, ready?.count ?? 0)) {
    behind += count;
    const [next] = await transaction.rows<{ key: string }>({
      name: 'member_behind_cut',
      sql: `select encode(order_key, 'hex') as key from campaign_member where tenant_id = $1 and campaign_id = $2 and fate = 'READY'
        order by order_key, recipient_id offset $3 limit 1`,
      values: [tenantId, campaign.id, behind],
    });
    cuts.push({ variantKey, before: next?.key });
  }
  return cuts;
}

/** Writes a batch of recipients. @returns false without one to write */
async function writeRecipients(
  transaction: StatementTransaction,
  { id: campaignId, mailboxId }: Campaign,
  cuts: readonly Cut[],
): Promise<boolean> {
  const { tenantId } = currentCaller();
  const members = await transaction.rows<WrittenMember>({
    name: 'unwritten_campaign_members',
    sql: `select recipient_id as id, customer_id as "customerId", encode(order_key, 'hex') as "orderKey", fate,
        to_char(due_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "dueTime"
      from campaign_member where tenant_id = $1 and campaign_id = $2 and not is_written
      order by order_key, recipient_id limit ${batchSize}`,
    values: [tenantId, campaignId],
  });
  if (members.length === 0) return false;
  const mailbox = (await readMailAddresses(transaction)).find((each) => each.mailboxId === mailboxId);
  const domain = mailbox ? messageDomain(mailbox) : 'invalid';
  const planned = members.map((member) => ({
    ...member,
    variantKey: member.fate === 'READY' ? variantOf(member.orderKey, cuts) : undefined,
  }));
  await insertRecipients(
    transaction,
    planned.map(({ id, customerId, variantKey, fate, dueTime }) => ({
      ...{ id, campaignId, customerId: customerId ?? undefined, variantKey },
      state: fate === 'READY' ? RecipientState.PLANNED : RecipientState.SKIPPED,
      reason: fate === 'READY' ? undefined : fate,
      plannedTime: fate === 'READY' ? dueTime : undefined,
      internetMessageId: fate === 'READY' ? recipientMessageId(campaignId, id, domain) : undefined,
    })),
  );
  const rows = planned.map(({ id, variantKey, fate }) => ({
    id,
    variant_key: variantKey,
    is_queued: fate === 'READY',
  }));
  transaction.later({
    name: 'mark_written_members',
    sql: `update campaign_member member set is_written = true, is_queued = written.is_queued,
        variant_key = written.variant_key, is_held = written.is_queued and written.variant_key is null
      from jsonb_to_recordset($2) as written (id uuid, variant_key text, is_queued boolean)
      where member.tenant_id = $1 and member.recipient_id = written.id`,
    values: [tenantId, JSON.stringify(rows)],
  });
  return true;
}

interface WrittenMember {
  id: string;
  customerId: string | null;
  orderKey: string;
  fate: ReadMember['fate'];
  dueTime: string;
}

function variantOf(orderKey: string, cuts: readonly Cut[]): string | undefined {
  return cuts.find(({ before }) => before === undefined || orderKey < before)?.variantKey;
}
