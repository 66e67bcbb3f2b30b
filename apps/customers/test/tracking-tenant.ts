import { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import type { MessageEvent } from '@rapport/contracts/rapport/marketing/v1/message_event';
import type { Touchpoint } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { v7 } from 'uuid';
import { expect } from 'vitest';
import { rewriteLinks, type MailParts } from '../src/domain/tracking/tracked-links.js';
import { MailTenant } from './mail-tenant.js';
import { newTemplate } from './new-template.js';
import { readPage, type Page } from './public-pages.js';
import { person, type SharedCustomers } from './running-customers.js';

/** A recipient whose mail was handed over. */
export interface Recipient {
  id: string;
  campaignId: string;
  customerId: string;
  internetMessageId: string;
  /** Its mail, with links that are tracked. */
  mail: MailParts;
}

/** A tenant with a campaign whose mail was sent an hour ago. */
export class TrackingTenant {
  private constructor(
    readonly service: SharedCustomers,
    readonly mail: MailTenant,
  ) {}

  static async create(service: SharedCustomers): Promise<TrackingTenant> {
    return new TrackingTenant(service, await MailTenant.create(service));
  }

  get caller() {
    return this.mail.caller;
  }

  async createCampaign(name = 'Spring'): Promise<string> {
    const template = newTemplate({ key: `t${v7().slice(-12)}`, body: 'Hello' });
    const { id: templateId } = await this.service.call('createTemplate', { template }, this.caller);
    const campaign = {
      ...Campaign.decode(new Uint8Array()),
      ...{ name, topicKey: 'newsletter', mailboxId: this.mail.mailboxId, includeSegmentIds: [v7()] },
      variants: [{ key: 'a', templateId, subject: undefined, weight: undefined }],
    };
    return (await this.service.call('createCampaign', { campaign }, this.caller)).id;
  }

  async createCustomer(address = `${v7()}@example.com`): Promise<string> {
    return (await this.service.create(this.caller, person({ emails: [{ address, label: 'work' }] }))).id;
  }

  /** Sends a mail to new customers. @param parts whose links are tracked */
  async send(parts: MailParts, urls: readonly string[], count = 1): Promise<Recipient[]> {
    const [campaignId, tenantId] = [await this.createCampaign(), this.caller.tenantId];
    const customerIds: string[] = [];
    // A tenant with more calls than its share of connections waits for it, and is refused when that takes too long.
    while (customerIds.length < count) {
      const length = Math.min(8, count - customerIds.length);
      customerIds.push(...(await Promise.all(Array.from({ length }, () => this.createCustomer()))));
    }
    const recipients = customerIds.map((customerId) => ({ id: v7(), customerId }));
    const rows = recipients.map(({ id, customerId }) => ({
      ...{ id, customerId, internetMessageId: `${id}.${campaignId.slice(-12)}@kestrel.example` },
    }));
    await this.asSuperuser(async (query) => {
      await query(
        `insert into campaign_link (tenant_id, campaign_id, number, url)
         select $1, $2, number, url from unnest($3::text[]) with ordinality as link (url, number)`,
        [tenantId, campaignId, urls],
      );
      await query(
        `insert into campaign_recipient (tenant_id, id, campaign_id, customer_id, variant_key, state, internet_message_id,
           attempts, hand_over_time, is_human_click, version, create_time, update_time, created_by, updated_by)
         select $1, id, $2, "customerId", 'a', 'HANDED_OVER', "internetMessageId", 1, now() - interval '1 hour', false, 1,
           now(), now(), 'test', 'test'
         from jsonb_to_recordset($3) as recipient (id uuid, "customerId" uuid, "internetMessageId" text)`,
        [tenantId, campaignId, JSON.stringify(rows)],
      );
    });
    const linkNumbers = new Map(urls.map((url, index) => [url, index + 1]));
    const publicUrl = 'https://crm.example.com';
    const rewriting = { tenantId, secret: await this.secret(), publicUrl, linkNumbers, tracksOpens: true };
    return rows.map((row) => ({
      ...{ ...row, campaignId },
      mail: rewriteLinks(parts, { ...rewriting, recipientId: row.id }),
    }));
  }

  /** What the tokens of the tenant are signed with. */
  async secret(): Promise<Buffer> {
    const [row] = await this.asSuperuser((query) =>
      query<{ secret: Buffer }>('select secret from mail_key where tenant_id = $1', [this.caller.tenantId]),
    );
    return row!.secret;
  }

  follow(token: string, fromProgram = false): Promise<Page> {
    return readPage(this.service, 'followTrackedLink', { token, fromProgram });
  }

  loadImage(token: string, fromProgram = false): Promise<Page> {
    return readPage(this.service, 'loadTrackedImage', { token, fromProgram });
  }

  /** Ends the bursts of visits that are under way, as if the quiet period was over. */
  async endBursts(): Promise<void> {
    await this.asSuperuser((query) =>
      query(
        `with due as (update timer set due_time = now() where tenant_id = $1 and kind = 'tracking.visits' and state = 'PENDING'
           returning id)
         update timer_job set next_time = now() from due where tenant_id = $1 and timer_id = due.id`,
        [this.caller.tenantId],
      ),
    );
    await expect.poll(() => this.rowCount('campaign_visit'), { timeout: 60_000 }).toBe(0);
  }

  /** Rows of the tenant in a table. */
  async rowCount(table: string): Promise<number> {
    const [row] = await this.asSuperuser((query) =>
      query<{ count: string }>(`select count(*) from ${table} where tenant_id = $1`, [this.caller.tenantId]),
    );
    return Number(row!.count);
  }

  /** The earliest first. */
  async events(filter = ''): Promise<MessageEvent[]> {
    const request = { filter, orderBy: 'time', pageSize: 100 };
    return (await this.service.call('listMessageEvents', request, this.caller)).messageEvents;
  }

  async touchpoints(): Promise<Touchpoint[]> {
    return (await this.service.call('listTouchpoints', { pageSize: 100 }, this.caller)).touchpoints;
  }

  async asSuperuser<Result>(
    work: (query: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>) => Promise<Result>,
  ): Promise<Result> {
    const superuser = await this.service.connectAsSuperuser();
    try {
      return await work(async <Row extends object>(sql: string, values?: unknown[]) => {
        const { rows } = await superuser.query<Row>(sql, values);
        return rows;
      });
    } finally {
      await superuser.end();
    }
  }
}

/** The tokens of the links of a text, in their order. The first one of HTML is that of the trap. */
export function linkTokens(text = ''): string[] {
  return Array.from(text.matchAll(/\/c\/([\w-]+)/g), ([, token = '']) => token);
}

/** The token of the image of a mail. */
export function imageTokenOf({ html = '' }: MailParts): string {
  return /\/o\/([\w-]+)/.exec(html)?.[1] ?? '';
}
