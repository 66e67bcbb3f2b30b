import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Api } from '../demo/api.ts';

type Record = Readonly<{ id: string; address?: string; key?: string }>;

interface Sent {
  handedOver: number;
  failed: number;
  /** Where the link to unsubscribe leads, in each file of the folder that is a mail of the campaign. */
  unsubscribe: string[];
  /** The domain to which bounces of each of these mails go. */
  bounceDomains: string[];
}

/** The outcome where the public address of the platform is `url`. */
export const sentTo = (url: string): Sent => ({
  handedOver: 1,
  failed: 1,
  unsubscribe: [url],
  bounceDomains: ['kestrel.example'],
});

/** Sends a campaign from the mailbox of the demo to two new customers: the relay takes the mail to one of them. */
export async function sendCampaign(api: Api, mailDir: string): Promise<Sent> {
  const mark = crypto.randomUUID();
  const addresses = [`${mark}@reader.example`, `${mark}@thu.example`];
  const { mailboxes } = await api<{ mailboxes: Record[] }>('GET', '/v1/mailboxes');
  const mailboxId = mailboxes.find(({ address }) => address === 'news@kestrel.example')?.id;
  const { templates } = await api<{ templates: Record[] }>('GET', '/v1/templates');
  const templateId = templates.find(({ key }) => key === 'catalogue')?.id;
  const segment = { key: `s${mark.replaceAll('-', '_')}`, name: mark, kind: 'STATIC' };
  const { id: segmentId } = await api('POST', '/v1/segments', segment);
  const customerIds = await Promise.all(
    addresses.map(async (address) => {
      const person = { kind: 'PERSON', displayName: address, emails: [{ address }] };
      return (await api('POST', '/v1/customers', person)).id;
    }),
  );
  await api('POST', `/v1/segments/${segmentId}:addMembers`, { customerIds });
  const { id } = await api('POST', '/v1/campaigns', {
    ...{ name: mark, topicKey: 'service_notices', mailboxId, includeSegmentIds: [segmentId] },
    variants: [{ key: 'a', templateId, subject: mark }],
  });
  await api('POST', `/v1/campaigns/${id}:start`);
  const campaign = () =>
    api<{ state: string; counts: Pick<Sent, 'handedOver' | 'failed'> }>('GET', `/v1/campaigns/${id}`);
  await vi.waitUntil(async () => (await campaign()).state === 'DONE', { timeout: 60_000, interval: 200 });
  const files = await Promise.all((await readdir(mailDir)).map((file) => readFile(join(mailDir, file), 'utf8')));
  const { handedOver, failed } = (await campaign()).counts;
  const mails = files.filter((mail) => mail.includes(mark)).map((mail) => mail.replaceAll('=\r\n', ''));
  const ofEach = (pattern: RegExp) => mails.map((mail) => pattern.exec(mail)?.[1] ?? '');
  const unsubscribe = ofEach(/"(http[^"]+)\/u\/[^"]+"/);
  return { handedOver, failed, unsubscribe, bounceDomains: ofEach(/^Return-Path: <news\+\w+@([^>]+)>/) };
}
