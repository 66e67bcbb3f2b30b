import { vi } from 'vitest';
import { newMarker, once } from './markers.ts';

type Record = Readonly<{ id: string }>;

interface Means {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  /** Sends a message: then there is a mailbox that can send. */
  message: () => Promise<string>;
}

const patience = { timeout: 20_000, interval: 200 };

/** Creates campaigns, and the recipient of one that has no address: nothing is sent, and nothing changes it later. */
export function campaignRecords({ send, create, remove, message }: Means, marker: string) {
  const content = (more: object = {}) => ({
    ...{ name: marker, topicKey: 'news', mailboxId: crypto.randomUUID(), includeSegmentIds: [crypto.randomUUID()] },
    variants: [{ key: 'a', templateId: crypto.randomUUID() }],
    ...more,
  });
  const makeCampaign = () => create('/v1/campaigns', content());
  const makeRecipient = async () => {
    await message();
    const { mailboxes } = (await send('GET', '/v1/mailboxes')) as { mailboxes: (Record & { relayId?: string })[] };
    const mailboxId = mailboxes.find(({ relayId }) => relayId !== undefined)?.id;
    const topicKey = newMarker();
    await create('/v1/topics', { key: topicKey, name: marker });
    const segmentId = await create('/v1/segments', { key: newMarker(), name: marker, kind: 'STATIC' });
    const customerId = await create('/v1/customers', { kind: 'PERSON', displayName: marker });
    await send('POST', `/v1/segments/${segmentId}:addMembers`, { customerIds: [customerId] });
    const template = { key: newMarker(), name: marker, subject: marker, body: marker };
    const templateId = await create('/v1/templates', template);
    await send('POST', `/v1/templates/${templateId}:publish`);
    const variants = [{ key: 'a', templateId }];
    const needs = { topicKey, mailboxId, includeSegmentIds: [segmentId], variants };
    const id = await create('/v1/campaigns', content(needs));
    await send('POST', `/v1/campaigns/${id}:start`);
    await vi.waitFor(async () => {
      const { state } = (await send('GET', `/v1/campaigns/${id}`)) as { state: string };
      if (state !== 'DONE') throw new Error('The campaign is not done yet.');
    }, patience);
    const path = `/v1/campaignRecipients?filter=${encodeURIComponent(`campaignId = "${id}"`)}`;
    const { campaignRecipients } = (await send('GET', path)) as { campaignRecipients: Record[] };
    return campaignRecipients[0]!.id;
  };
  return {
    living: { campaigns: once(makeCampaign), campaignRecipients: once(makeRecipient) },
    deleted: { campaigns: async () => remove('campaigns', await makeCampaign()) },
  };
}
