import { randomUUID } from 'node:crypto';
import type { ScriptedRelay, SharedPlatform } from '@rapport/testing';
import { until } from '../until.ts';
import { MailTenant } from './mail-tenant.ts';

type Json = Record<string, unknown>;

/** A tenant with a relay, a topic and a template, and campaigns to customers that are made by the test. */
export class CampaignAudience {
  readonly mail: MailTenant;
  readonly #templateId: string;

  private constructor(mail: MailTenant, templateId: string) {
    this.mail = mail;
    this.#templateId = templateId;
  }

  static async create(platform: SharedPlatform, relay: ScriptedRelay, settings: Json = {}): Promise<CampaignAudience> {
    const mail = await MailTenant.create(platform, relay, settings);
    const { api } = mail;
    await api.ok('POST', '/v1/topics', { key: 'newsletter', name: 'News', legalBasis: 'LEGITIMATE_INTERESTS' });
    const template = {
      key: 'news',
      name: 'News',
      kind: 'EMAIL',
      format: 'HTML',
      subject: 'News',
      body: '<p>Hello.</p>',
    };
    const { id } = await api.ok<{ id: string }>('POST', '/v1/templates', template);
    await api.ok('POST', `/v1/templates/${id}:publish`);
    return new CampaignAudience(mail, id);
  }

  get tenantId(): string {
    return this.mail.api.tenant.tenantId;
  }

  /** Starts a campaign to a new customer for each address. @returns its id */
  async start(addresses: readonly string[], campaign: Json = {}): Promise<string> {
    const id = await this.draft(addresses, campaign);
    await this.mail.api.ok('POST', `/v1/campaigns/${id}:start`);
    return id;
  }

  /** A campaign to a new customer for each address. @returns its id */
  async draft(addresses: readonly string[], campaign: Json = {}): Promise<string> {
    const { api } = this.mail;
    const segment = { key: `s${randomUUID().replaceAll('-', '')}`, name: 'Readers', kind: 'STATIC' };
    const { id: segmentId } = await api.ok<{ id: string }>('POST', '/v1/segments', segment);
    const ids = await this.#createCustomers(addresses);
    await api.query(
      `insert into segment_member
         (tenant_id, id, segment_id, customer_id, join_time, version, create_time, update_time, created_by, updated_by)
       select $1, gen_random_uuid(), $2, id, now(), 1, now(), now(), 'test', 'test' from unnest($3::uuid[]) id`,
      [this.tenantId, segmentId, ids],
      'customers',
    );
    const variants = [{ key: 'a', templateId: this.#templateId }];
    const content = { name: 'News', topicKey: 'newsletter', mailboxId: this.mail.mailboxId, variants };
    const includeSegmentIds = [segmentId];
    const body = { ...content, includeSegmentIds, ...campaign };
    return (await api.ok<{ id: string }>('POST', '/v1/campaigns', body)).id;
  }

  /** Numbers of recipients by state. */
  async states(campaignId: string): Promise<Record<string, number>> {
    const rows = await this.mail.api.query<{ state: string; count: number }>(
      `select state, count(*)::int as count from campaign_recipient where tenant_id = $1 and campaign_id = $2 group by state`,
      [this.tenantId, campaignId],
      'customers',
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** Waits until the recipients have these states. */
  async expectStates(campaignId: string, wanted: Record<string, number>): Promise<void> {
    await until(async () => {
      const states = await this.states(campaignId);
      return Object.entries(wanted).every(([state, count]) => states[state] === count);
    });
  }

  /** Recipients that are still to be sent to, outside of a domain. */
  async open(campaignId: string, except = ''): Promise<number> {
    const [row] = await this.mail.api.query<{ count: number }>(
      `select count(*)::int as count from campaign_member where tenant_id = $1 and campaign_id = $2
         and (is_queued or lease_end_time is not null) and domain is distinct from $3`,
      [this.tenantId, campaignId, except],
      'customers',
    );
    return row!.count;
  }

  /** Ends the leases of recipients outside of a domain, as time does. */
  async endLeases(campaignId: string, except = ''): Promise<void> {
    const values = [this.tenantId, campaignId];
    const member = `update campaign_member set lease_end_time = now() - interval '1 second'
      where tenant_id = $1 and campaign_id = $2 and lease_end_time is not null and domain is distinct from $3`;
    await this.mail.api.query(member, [...values, except], 'customers');
    const job = 'update campaign_job set next_time = now() where tenant_id = $1 and campaign_id = $2 and is_sending';
    await this.mail.api.query(job, values, 'customers');
  }

  /** Ends the places in delivery limits that processes hold which are gone, as time does. */
  async endUses(): Promise<void> {
    const ended = 'update delivery_use set end_time = now() where tenant_id = $1 and end_time is null';
    await this.mail.api.query(ended, [this.tenantId], 'sync');
  }

  /** Ends the waits of recipients that were deferred, as time does. A pause lets senders look at once. */
  async endWaits(campaignId: string): Promise<void> {
    const { api } = this.mail;
    const due = 'update campaign_member set due_time = now() where tenant_id = $1 and campaign_id = $2 and is_queued';
    await api.query(due, [this.tenantId, campaignId], 'customers');
    for (const method of ['pause', 'resume']) await api.ok('POST', `/v1/campaigns/${campaignId}:${method}`);
  }

  async #createCustomers(addresses: readonly string[]): Promise<string[]> {
    const { api } = this.mail;
    const ids: string[] = [];
    const batch = 1_000;
    for (let start = 0; start < addresses.length; start += batch) {
      const customers = addresses
        .slice(start, start + batch)
        .map((address) => ({ kind: 'PERSON', displayName: 'Ada', emails: [{ address }] }));
      const { results } = await api.ok<{ results: { customer?: { id: string } }[] }>(
        'POST',
        '/v1/customers:batchCreate',
        {
          ...{ items: customers.map((customer) => ({ customer })), mode: 'ATOMIC' },
        },
      );
      ids.push(...results.flatMap(({ customer }) => (customer ? [customer.id] : [])));
    }
    return ids;
  }
}
