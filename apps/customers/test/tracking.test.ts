import { MessageClass } from '@rapport/contracts/rapport/content/v1/message';
import { MessageEventKind, MessageEventVerdict } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { recipientLinks } from '../src/domain/topics/recipient-links.js';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';
import { imageTokenOf, linkTokens, TrackingTenant } from './tracking-tenant.js';

const service = await sharedMailCustomers();
let tenant: TrackingTenant;
beforeAll(async () => {
  tenant = await TrackingTenant.create(service);
});

const urls = ['https://example.com/offer?a=1&b=2', 'https://example.com/', 'https://example.com/terms'];
const html = `<body>${urls.map((url) => `<a href="${url.replace('&', '&amp;')}">A</a>`).join('')}</body>`;
const notFound = { reason: 'PAGE_NOT_FOUND' };

describe('a link of a mail', () => {
  test('leads to its stored URL, and a click of a person is an event and a touchpoint after the quiet period', async () => {
    const [recipient] = await tenant.send({ html, text: '' }, urls);
    const { id, campaignId, customerId, mail } = recipient!;
    const [trap, offer] = linkTokens(mail.html);

    for (let times = 0; times < 3; times += 1) {
      const { headers } = await tenant.follow(offer!);
      expect([...headers]).toEqual([['location', urls[0]]]);
    }
    expect(await tenant.events(`recipientId = "${id}"`)).toEqual([]);
    await tenant.endBursts();

    const clicked = { kind: MessageEventKind.CLICKED, verdict: MessageEventVerdict.HUMAN, link: urls[0] };
    const events = await tenant.events(`recipientId = "${id}"`);
    expect(events).toMatchObject([{ campaignId, recipientId: id, customerId, ...clicked }]);
    expect(await tenant.touchpoints()).toMatchObject([{ campaignId, customerId, kind: TouchpointKind.CLICK }]);
    const read = () => service.call('getCampaignRecipient', { id }, tenant.caller);
    const { isHumanClick, etag } = await read();
    expect(isHumanClick).toBe(true);

    expect([...(await tenant.follow(trap!)).headers]).toEqual([['location', urls[0]]]);
    await tenant.follow(offer!);
    await tenant.endBursts();
    expect((await tenant.events(`recipientId = "${id}"`)).map(({ verdict }) => verdict)).toEqual([
      ...[MessageEventVerdict.HUMAN, MessageEventVerdict.MACHINE],
    ]);
    expect((await read()).etag).toBe(etag);
  });

  test('is unknown to others than the tenant that signed it', async () => {
    const other = await TrackingTenant.create(service);
    const [recipient] = await tenant.send({ html, text: '' }, urls);
    const [foreign] = await other.send({ html, text: '' }, urls);
    const token = Buffer.from(linkTokens(recipient!.mail.html)[1]!, 'base64url');
    const swapped = Buffer.from(linkTokens(foreign!.mail.html)[1]!, 'base64url');
    token.copy(swapped, 0, 0, 16);
    for (const wrong of [swapped.toString('base64url'), token.subarray(1).toString('base64url'), v7()]) {
      await expect(tenant.follow(wrong)).rejects.toMatchObject(notFound);
      await expect(tenant.loadImage(wrong)).rejects.toMatchObject(notFound);
    }
    expect(await other.rowCount('campaign_visit')).toBe(0);
  });

  test('leads nowhere once the link, or the recipient, is no more', async () => {
    const [recipient] = await tenant.send({ html, text: '' }, urls);
    const [, , home] = linkTokens(recipient!.mail.html);
    await tenant.asSuperuser((query) =>
      query('delete from campaign_link where campaign_id = $1 and number = 2', [recipient!.campaignId]),
    );
    await expect(tenant.follow(home!)).rejects.toMatchObject(notFound);
    await tenant.asSuperuser((query) => query('delete from campaign_recipient where id = $1', [recipient!.id]));
    await expect(tenant.follow(linkTokens(recipient!.mail.html)[1]!)).rejects.toMatchObject(notFound);
  });
});

test('the image of a mail is an open that is never HUMAN', async () => {
  const [recipient] = await tenant.send({ html, text: '' }, urls);
  const token = imageTokenOf(recipient!.mail);
  const { text, headers } = await tenant.loadImage(token);
  expect([text.startsWith('GIF89a'), headers.size]).toEqual([true, 0]);
  await tenant.endBursts();
  await tenant.loadImage(token, true);
  await tenant.endBursts();
  const events = await tenant.events(`recipientId = "${recipient!.id}"`);
  expect(events.map(({ kind, verdict, link }) => [kind, verdict, link])).toEqual([
    [MessageEventKind.OPENED, MessageEventVerdict.UNSURE, undefined],
    [MessageEventKind.OPENED, MessageEventVerdict.MACHINE, undefined],
  ]);
});

test('the first answer of a person to a mail of a campaign is an event and a touchpoint', async () => {
  const own = await TrackingTenant.create(service);
  const [recipient] = await own.send({ html, text: '' }, urls);
  const { id, campaignId, customerId, internetMessageId: inReplyTo } = recipient!;
  await own.mail.receive({ inReplyTo, class: MessageClass.AUTO_REPLY });
  await own.mail.receive({ inReplyTo: `${v7()}${inReplyTo.slice(36)}` });
  await own.mail.receive({ inReplyTo: inReplyTo.replace('kestrel', 'other') });
  expect(await own.events()).toEqual([]);

  await own.mail.receive({ referenceIds: ['a@b.example', inReplyTo] });
  await own.mail.receive({ inReplyTo });

  const replied = { campaignId, recipientId: id, customerId, kind: MessageEventKind.REPLIED };
  expect(await own.events()).toMatchObject([{ ...replied, verdict: MessageEventVerdict.UNSPECIFIED }]);
  expect(await own.touchpoints()).toMatchObject([{ campaignId, customerId, kind: TouchpointKind.REPLY }]);
});

test('an unsubscription by the link of a mail is an event of its recipient', async () => {
  const own = await TrackingTenant.create(service);
  const [recipient] = await own.send({ html, text: '' }, urls);
  const { id, campaignId, customerId } = recipient!;
  const issuer = { tenantId: own.caller.tenantId, secret: await own.secret(), publicUrl: 'https://crm.example.com' };
  const unsubscribe = async (recipientId: string) => {
    const { unsubscribeUrl } = recipientLinks(issuer, { customerId, topicKey: 'newsletter', recipientId });
    const data = Buffer.from('List-Unsubscribe=One-Click');
    const form = { contentType: 'application/x-www-form-urlencoded', data, extensions: [] };
    await readPage(service, 'unsubscribe', { token: unsubscribeUrl.split('/u/')[1], form });
  };
  await unsubscribe(id);
  await unsubscribe(id);
  expect(await own.events()).toMatchObject([
    { campaignId, recipientId: id, customerId, kind: MessageEventKind.UNSUBSCRIBED },
  ]);
});
