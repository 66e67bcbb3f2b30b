import { TemplateFormat } from '@rapport/contracts/rapport/content/v1/template';
import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { LegalBasis } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Campaign, CampaignState } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type {
  ClaimedRecipient,
  ClaimRecipientsRequest,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { Segment, SegmentKind } from '@rapport/contracts/rapport/marketing/v1/segment';
import { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type pg from 'pg';
import { v7 } from 'uuid';
import { expect } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { newTemplate } from './new-template.js';
import { person, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with a mailbox, a topic, a segment and a template, and the calls of sync for it. */
export class CampaignTenant {
  private constructor(
    readonly service: SharedCustomers,
    readonly mail: MailTenant,
    private readonly superuser: pg.Client,
    readonly segmentId: string,
    readonly templateId: string,
  ) {}

  /** @param service takes its callers for sync */
  static async create(service: SharedCustomers, superuser: pg.Client): Promise<CampaignTenant> {
    const mail = await MailTenant.create(service, 'news@kestrel.example');
    // Consents are tested where they are.
    const topic = { ...Topic.decode(new Uint8Array()), key: 'newsletter', name: 'News' };
    await service.call(
      'createTopic',
      { topic: { ...topic, legalBasis: LegalBasis.LEGITIMATE_INTERESTS } },
      mail.caller,
    );
    const segment = { ...Segment.decode(new Uint8Array()), key: 'all', name: 'All', kind: SegmentKind.STATIC };
    const { id: segmentId } = await service.call('createSegment', { segment }, mail.caller);
    const tenant = new CampaignTenant(service, mail, superuser, segmentId, '');
    return new CampaignTenant(service, mail, superuser, segmentId, await tenant.publish());
  }

  get caller() {
    return this.mail.caller;
  }

  /** A published template. */
  async publish(
    body = '<p>Dear {{ customer.givenName }}, <a href="{{ unsubscribeUrl }}">stop</a></p>',
  ): Promise<string> {
    const texts = { subject: 'News for {{ customer.givenName }}', body, format: TemplateFormat.HTML };
    const template = newTemplate({ key: `t${v7().replaceAll('-', '')}`, ...texts });
    const { id } = await this.service.call('createTemplate', { template }, this.caller);
    await this.service.call('publishTemplate', { id }, this.caller);
    return id;
  }

  /** Members of the segment, with these addresses. */
  async addCustomers(addresses: readonly (string | undefined)[], customFields?: object): Promise<string[]> {
    const ids: string[] = [];
    for (const address of addresses) {
      const emails = address === undefined ? [] : [{ address }];
      const made = person({ givenName: address?.split('@')[0], emails, customFields });
      ids.push((await this.service.create(this.caller, made)).id);
    }
    await this.superuser.query(
      `insert into segment_member (tenant_id, id, segment_id, customer_id, join_time, version, create_time, update_time, created_by, updated_by)
       select $1, gen_random_uuid(), $2, id, now(), 1, now(), now(), 'test', 'test' from unnest($3::uuid[]) id`,
      [this.caller.tenantId, this.segmentId, ids],
    );
    return ids;
  }

  createCampaign(given: Partial<Campaign> = {}): Promise<Campaign> {
    const campaign = {
      ...Campaign.decode(new Uint8Array()),
      ...{
        name: 'Spring',
        topicKey: 'newsletter',
        mailboxId: this.mail.mailboxId,
        includeSegmentIds: [this.segmentId],
      },
      variants: [{ key: 'a', templateId: this.templateId, subject: undefined, weight: undefined }],
      ...given,
    };
    return this.service.call('createCampaign', { campaign }, this.caller);
  }

  getCampaign(id: string): Promise<Campaign> {
    return this.service.call('getCampaign', { id }, this.caller);
  }

  /** Starts a campaign, and waits until its recipients are written. */
  async start(given: Partial<Campaign> = {}): Promise<Campaign> {
    const { id } = await this.createCampaign(given);
    await this.service.call('startCampaign', { id }, this.caller);
    return this.expectState(id, CampaignState.SENDING, CampaignState.DONE);
  }

  async expectState(id: string, ...states: CampaignState[]): Promise<Campaign> {
    await expect.poll(async () => states.includes((await this.getCampaign(id)).state), { timeout: 60_000 }).toBe(true);
    return this.getCampaign(id);
  }

  /** Waits until the service has looked once more at how far a campaign is. */
  async nextLook(id: string): Promise<void> {
    const looks = async () =>
      (
        await this.superuser.query(
          `select from timer where tenant_id = $1 and record_id = $2 and kind = 'campaign.watch' and state = 'FIRED'`,
          [this.caller.tenantId, id],
        )
      ).rowCount!;
    const before = await looks();
    await expect.poll(looks, { timeout: 30_000 }).toBeGreaterThan(before);
  }

  async recipients(campaignId: string): Promise<CampaignRecipient[]> {
    const found: CampaignRecipient[] = [];
    let pageToken: string | undefined;
    do {
      const request = { filter: `campaignId = ${campaignId}`, pageSize: 200, pageToken };
      const page = await this.service.call('listCampaignRecipients', request, this.caller);
      found.push(...page.campaignRecipients);
      pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
    } while (pageToken !== undefined);
    return found;
  }

  /** Numbers of recipients by state and reason. */
  async tally(campaignId: string): Promise<Record<string, number>> {
    const names = (await this.recipients(campaignId)).map(({ state, reason }) =>
      reason === undefined ? RecipientState[state] : `${RecipientState[state]} ${reason}`,
    );
    return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((each) => each === name).length]));
  }

  async claim(given: Partial<ClaimRecipientsRequest> = {}): Promise<ClaimedRecipient[]> {
    const { tenantId } = this.caller;
    const request = { tenantId, mailboxIds: [this.mail.mailboxId], limit: 500, worker: 'test', ...given };
    for (;;) {
      const { recipients, hasMore } = await this.service.call('claimRecipients', request);
      // Another transaction has the campaign.
      if (recipients.length > 0 || !hasMore) return recipients;
    }
  }

  settle(claimed: readonly ClaimedRecipient[], outcome = MailOutcome.HANDED_OVER, deferSeconds?: number) {
    const items = claimed.map(({ recipientId, attempt }) => ({
      ...{ recipientId, attempt, outcome, response: '250 Ok', time: undefined, deferSeconds },
    }));
    return this.service.call('settleRecipients', { tenantId: this.caller.tenantId, items });
  }

  begin(claimed: readonly ClaimedRecipient[]) {
    const begun = claimed.map(({ recipientId, attempt }) => ({ recipientId, attempt }));
    return this.service.call('settleRecipients', { tenantId: this.caller.tenantId, begun });
  }

  account(id: string) {
    return this.service.call('accountCampaign', { id }, this.caller);
  }

  /** Gives a customer the address of another one, as files of other systems do. @param spelling of it, by default the same */
  async copyAddress(from: string, to: string, spelling?: string): Promise<void> {
    await this.superuser.query(
      `update customer set version = version + 1, emails = (
         select jsonb_set(emails, '{0,address}', coalesce(to_jsonb($3::text), emails #> '{0,address}')) from customer where id = $1)
       where id = $2`,
      [from, to, spelling],
    );
  }

  /** Ends the leases of a campaign. */
  async endLeases(campaignId: string): Promise<void> {
    await this.superuser.query(
      `with ended as (update campaign_member set lease_end_time = now() - interval '1 second'
         where campaign_id = $1 and lease_end_time is not null)
       update campaign_job set next_time = now() where campaign_id = $1`,
      [campaignId],
    );
  }
}
