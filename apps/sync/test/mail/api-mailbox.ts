import type { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';

type Json = Record<string, unknown>;

const authservId = 'mx.kestrel.invalid';

/** The server of the client has checked the sender. */
export const checked = `Authentication-Results: ${authservId}; dmarc=pass`;

export interface Delivery {
  sender?: string;
  recipients?: readonly string[];
  clientAddress?: string;
  receiveTime?: string;
  contentType?: string;
}

/** A mailbox that is handed its mails by the API. */
export class ApiMailbox {
  constructor(
    private readonly tenant: WebhookTenant,
    readonly id: string,
  ) {}

  static async create(tenant: WebhookTenant, address: string): Promise<ApiMailbox> {
    const { id } = await tenant.ok<{ id: string }>('POST', '/v1/mailboxes', { address, kind: 'API', authservId });
    return new ApiMailbox(tenant, id);
  }

  /** Hands a mail over. */
  async receive(
    deliveryId: string,
    raw: string | Buffer,
    { contentType = 'message/rfc822', recipients = [], ...more }: Delivery = {},
  ): Promise<{ status: number; body: Json }> {
    const query = new URLSearchParams({ deliveryId, ...more });
    for (const recipient of recipients) query.append('recipients', recipient);
    const { platform, apiKey } = this.tenant;
    const answer = await fetch(`${platform.edgeUrl}/v1/mailboxes/${this.id}:receive?${query.toString()}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': contentType },
      body: Buffer.from(raw),
    });
    return { status: answer.status, body: (await answer.json()) as Json };
  }

  /** What a repeated call says of a mail, once it is parsed. */
  async settled(deliveryId: string, raw: string | Buffer): Promise<Json> {
    let body: Json = {};
    await until(async () => {
      ({ body } = await this.receive(deliveryId, raw));
      return body['created'] === false && body['state'] !== 'STORED';
    });
    return body;
  }
}
