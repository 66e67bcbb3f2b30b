import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { CampaignDecision, CampaignMetric, CampaignState } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { v7 } from 'uuid';
import { afterAll, describe, expect, test } from 'vitest';
import { CampaignTenant } from './campaign-tenant.js';
import { FormTenant } from './form-tenant.js';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';

const service = await sharedMailCustomers();
const superuser = await service.connectAsSuperuser();
afterAll(() => superuser.end());

/** A row of the change log. */
interface Logged {
  version: number;
  before: object;
  after: object;
}

const create = () => CampaignTenant.create(service, superuser);
const addresses = (count: number) => Array.from({ length: count }, (_, index) => `p${index}@example.com`);

describe('a campaign', () => {
  test('accounts for each member of its segments, and sends one e-mail to each address', async () => {
    const tenant = await create();
    const [ada, , twin] = await tenant.addCustomers(['ada@example.com', 'bob@example.com', 'x@example.com', undefined]);
    await tenant.copyAddress(ada!, twin!);
    const { id } = await tenant.start();
    const claimed = await tenant.claim();
    await tenant.settle(claimed);
    const done = await tenant.expectState(id, CampaignState.DONE);

    expect(claimed.map(({ to }) => to.toLowerCase()).toSorted()).toEqual(['ada@example.com', 'bob@example.com']);
    expect(await tenant.tally(id)).toEqual({
      HANDED_OVER: 2,
      'SKIPPED DUPLICATE_ADDRESS': 1,
      'SKIPPED NO_ADDRESS': 1,
    });
    expect(done.counts).toMatchObject({ handedOver: 2, skipped: 2, planned: 0 });
    expect(await tenant.account(id)).toMatchObject({
      balanced: true,
      audience: 4,
      missing: 0,
      extra: 0,
      inconsistent: 0,
    });
    expect(await tenant.claim()).toEqual([]);
  });

  test('gives sync the e-mail with the headers of a list, and addresses that name the recipient', async () => {
    const tenant = await create();
    await tenant.addCustomers(['ada@example.com']);
    const { id } = await tenant.start();
    const [claimed] = await tenant.claim();
    const [recipient] = await tenant.recipients(id);

    expect(claimed).toMatchObject({
      ...{ recipientId: recipient!.id, campaignId: id, attempt: 1, to: 'ada@example.com', domain: 'example.com' },
      ...{ subject: 'News for ada', fromAddress: 'news@kestrel.example', fromName: 'Kestrel' },
      internetMessageId: recipient!.internetMessageId,
    });
    expect(claimed!.envelopeFrom).toMatch(/^news\+c[a-z2-7]{38}@kestrel\.example$/);
    const headers = Object.fromEntries(claimed!.headers.map(({ name, value }) => [name, value]));
    expect(headers['List-Unsubscribe']).toMatch(/^<https?:\/\/.+\/u\/.+>$/);
    expect(headers).toMatchObject({
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'List-Id': '<newsletter.kestrel.example>',
    });
    expect(claimed!.html).toContain('/u/');
    expect(recipient!.state).toBe(RecipientState.CLAIMED);
  });

  test('has no new version while nothing happens to its recipients', async () => {
    const tenant = await create();
    await tenant.addCustomers(['ada@example.com']);
    const { id } = await tenant.start();
    const planned = async () => (await tenant.getCampaign(id)).counts?.planned;
    await expect.poll(planned, { timeout: 20_000 }).toBe(1);
    const { etag } = await tenant.getCampaign(id);
    for (let looks = 0; looks < 2; looks++) await tenant.nextLook(id);

    expect((await tenant.getCampaign(id)).etag).toBe(etag);
  });

  test('keeps claims out of the log', async () => {
    const tenant = await create();
    await tenant.addCustomers(['ada@example.com']);
    const { id } = await tenant.start();
    const claimed = await tenant.claim();
    await tenant.settle(claimed, MailOutcome.DEFERRED, 0);
    await expect.poll(async () => (await tenant.claim()).length).toBe(1);
    const [again] = await tenant.recipients(id);
    await tenant.settle([{ ...claimed[0]!, attempt: 2 }]);
    const logged = async () =>
      (
        await superuser.query<Logged>(
          'select version, before, after from change_log where record_id = $1 order by position',
          [again!.id],
        )
      ).rows;
    await expect.poll(async () => (await logged()).length).toBe(2);
    const changes = await logged();

    expect(again!.etag).toBe('"1"');
    expect(changes.map(({ version }) => version)).toEqual([1, 2]);
    expect(changes[1]).toMatchObject({ before: { state: 'PLANNED' }, after: { state: 'HANDED_OVER', attempts: 2 } });
  });

  test('is not claimed from the answer to a pause on', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(3));
    const { id } = await tenant.start();
    const [first] = await tenant.claim({ limit: 1 });
    await service.call('pauseCampaign', { id }, tenant.caller);
    const whilePaused = await tenant.claim();
    await tenant.settle([first!]);
    await service.call('resumeCampaign', { id }, tenant.caller);
    const rest = await tenant.claim();

    expect([whilePaused.length, rest.length]).toEqual([0, 2]);
  });

  test('that is cancelled leaves its recipients CANCELLED, but those that a worker has', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(3));
    const { id } = await tenant.start();
    const claimed = await tenant.claim({ limit: 1 });
    await service.call('cancelCampaign', { id }, tenant.caller);
    await expect.poll(async () => (await tenant.tally(id))['CANCELLED'], { timeout: 60_000 }).toBe(2);
    await tenant.settle(claimed);

    expect(await tenant.tally(id)).toEqual({ CANCELLED: 2, HANDED_OVER: 1 });
    expect(await tenant.account(id)).toMatchObject({ balanced: true, audience: 3, inconsistent: 0 });
    await expect(service.call('startCampaign', { id }, tenant.caller)).rejects.toMatchObject({
      reason: 'CAMPAIGN_STATE',
    });
  });

  test('whose needs are missing is not started, and says which', async () => {
    const tenant = await create();
    const { id } = await tenant.createCampaign({
      ...{ topicKey: 'none', mailboxId: v7(), includeSegmentIds: [v7()] },
      variants: [{ key: 'a', templateId: v7(), subject: undefined, weight: 1 }],
    });
    await expect(service.call('startCampaign', { id }, tenant.caller)).rejects.toMatchObject({
      violations: [
        { field: 'mailboxId', reason: 'MAILBOX_UNKNOWN' },
        { field: 'topicKey', reason: 'TOPIC_UNKNOWN' },
        { field: 'includeSegmentIds[0]', reason: 'SEGMENT_UNKNOWN' },
        { field: 'variants[0].templateId', reason: 'TEMPLATE_NOT_PUBLISHED' },
      ],
    });
  });

  test('can be changed while it is a draft only', async () => {
    const tenant = await create();
    await tenant.addCustomers(['ada@example.com']);
    const campaign = await tenant.start();
    const change = (changes: object) =>
      service.call(
        'updateCampaign',
        { id: campaign.id, campaign: { ...campaign, ...changes }, updateMask: Object.keys(changes) },
        tenant.caller,
      );

    expect((await change({ name: 'Summer' })).name).toBe('Summer');
    expect(await change({ variants: campaign.variants })).toMatchObject({ variants: campaign.variants });
    await expect(change({ topicKey: 'offers' })).rejects.toMatchObject({
      violations: [{ field: 'campaign.topicKey', reason: 'NOT_DRAFT' }],
    });
    await expect(service.call('deleteCampaign', { id: campaign.id }, tenant.caller)).rejects.toMatchObject({
      reason: 'CAMPAIGN_STATE',
    });
  });

  test('shows a customer what it would get, and the size of its audience', async () => {
    const tenant = await create();
    const [ada] = await tenant.addCustomers(['ada@example.com', undefined]);
    const { id } = await tenant.createCampaign({ throttlePerMinute: 60 });
    const preview = await service.call('previewCampaign', { id, customerId: ada! }, tenant.caller);
    const estimate = await service.call('estimateCampaign', { id }, tenant.caller);

    expect(preview).toMatchObject({ subject: 'News for ada', reason: undefined });
    expect(estimate).toEqual({
      ...{ audience: 2, sample: 2, sampleMailable: 1, durationSeconds: 2 },
      sampleReasons: [{ reason: 'NO_ADDRESS', count: 1 }],
    });
  });

  test('sends tests to addresses of its own domain, and to those that have confirmed its topic', async () => {
    const tenant = await create();
    const { id } = await tenant.createCampaign();
    const test = (address: string) =>
      service.call(
        'testCampaign',
        { id, test: { addresses: [address], userIds: [], customerId: undefined } },
        tenant.caller,
      );
    const { messageIds } = await test('me@kestrel.example');

    expect((await tenant.mail.message(messageIds[0]!)).subject).toBe('[a] News for');
    const refusal = { violations: [{ field: 'test.addresses[0]', reason: 'NOT_ALLOWED' }] };
    await expect(test('ada@example.com')).rejects.toMatchObject(refusal);
    const visitor = new FormTenant(service, tenant.caller);
    const form = await visitor.createForm({ topicKeys: ['newsletter'], isDoubleOptIn: true });
    await visitor.visit(form, { email: 'ada@example.com', _topic_newsletter: 'true' });
    await expect(test('ada@example.com')).rejects.toMatchObject(refusal);
    const asked = (await tenant.mail.claim(2)).find(({ envelopeTo }) => envelopeTo[0] === 'ada@example.com');
    const token = /\/confirm\/([\w-]{43})/.exec(asked?.message?.text ?? '')?.[1] ?? '';
    await readPage(service, 'confirmSubscription', { token });
    expect((await test('Ada@Example.com')).messageIds).toHaveLength(1);
  });
});

describe('a recipient', () => {
  test('whose lease has ended is UNKNOWN if its e-mail was begun, and claimed again otherwise', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(3));
    const { id } = await tenant.start();
    const claimed = await tenant.claim({ beginsLater: true });
    const { refusedIds } = await tenant.begin([claimed[0]!]);
    await tenant.endLeases(id);
    const late = await tenant.begin([claimed[1]!]);
    const again = await tenant.claim({ beginsLater: true });
    const states = await tenant.tally(id);
    await tenant.settle([claimed[0]!]);

    expect(refusedIds).toEqual([]);
    expect(late.refusedIds).toEqual([claimed[1]!.recipientId]);
    expect(again.map(({ recipientId }) => recipientId).toSorted()).toEqual(
      [claimed[1]!.recipientId, claimed[2]!.recipientId].toSorted(),
    );
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
    expect(states).toEqual({ CLAIMED: 2, 'UNKNOWN LEASE_ENDED': 1 });
    expect(await tenant.tally(id)).toEqual({ CLAIMED: 2, HANDED_OVER: 1 });
  });

  test('is claimed by one of several workers', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(20));
    await tenant.start();
    const claims = await Promise.all(Array.from({ length: 8 }, () => tenant.claim({ limit: 3 })));
    const rest = await tenant.claim();

    expect(new Set([...claims.flat(), ...rest].map(({ to }) => to)).size).toBe(20);
    expect([...claims.flat(), ...rest]).toHaveLength(20);
  });

  test('that has failed is sent to again by a caller only, with the same Message-ID', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(2));
    const { id } = await tenant.start();
    const claimed = await tenant.claim();
    await tenant.settle(claimed, MailOutcome.FAILED);
    await tenant.expectState(id, CampaignState.DONE);
    const { recipients } = await service.call('resendCampaign', { id, resend: { states: ['FAILED'] } }, tenant.caller);
    const again = await tenant.claim();

    expect(recipients).toBe(2);
    expect(again.map(({ internetMessageId }) => internetMessageId).toSorted()).toEqual(
      claimed.map(({ internetMessageId }) => internetMessageId).toSorted(),
    );
    await expect(
      service.call('resendCampaign', { id, resend: { states: ['HANDED_OVER'] } }, tenant.caller),
    ).rejects.toMatchObject({ violations: [{ field: 'resend.states', reason: 'NOT_ALLOWED' }] });
  });

  test('who has withdrawn gets nothing, nor one whose address became that of another', async () => {
    const tenant = await create();
    const [ada, bob, carol] = await tenant.addCustomers(['ada@example.com', 'bob@example.com', 'carol@example.com']);
    const { id } = await tenant.start();
    const consent = { purpose: 'newsletter', channel: 1, state: 2, legalBasis: 1, source: 'test' };
    await service.call('createConsent', { customerId: ada!, consent: consent as never }, tenant.caller);
    await tenant.copyAddress(carol!, bob!);
    const claimed = await tenant.claim();

    expect(claimed.map(({ to }) => to)).toEqual(['carol@example.com']);
    expect(await tenant.tally(id)).toEqual({
      CLAIMED: 1,
      'SUPPRESSED CONSENT_WITHDRAWN': 1,
      'SKIPPED DUPLICATE_ADDRESS': 1,
    });
  });

  test('bounces by the token of its envelope, and a forged token changes nothing', async () => {
    const tenant = await create();
    await tenant.addCustomers(addresses(2));
    const { id } = await tenant.start();
    const claimed = await tenant.claim();
    await tenant.settle(claimed);
    const token = /\+(c[^@]+)@/.exec(claimed[0]!.envelopeFrom)![1]!;
    const forged = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`;
    const report = { tenantId: tenant.caller.tenantId, action: 1, status: '5.1.1', diagnostic: 'no such user' };
    await service.call('recordBounce', { ...report, token: forged });
    const before = await tenant.tally(id);
    await service.call('recordBounce', { ...report, token });

    expect(before).toEqual({ HANDED_OVER: 2 });
    const states = (await tenant.recipients(id)).map(({ id: of, state }) => [of, state]);
    expect(Object.fromEntries(states)).toEqual({
      [claimed[0]!.recipientId]: RecipientState.BOUNCED,
      [claimed[1]!.recipientId]: RecipientState.HANDED_OVER,
    });
    await expect.poll(async () => (await tenant.getCampaign(id)).counts?.bounced, { timeout: 60_000 }).toBe(1);
  });
});

test('variants are exact shares, and the others of a test get the one that wins', async () => {
  const tenant = await create();
  await tenant.addCustomers(addresses(40));
  const variant = (key: string) => ({ key, templateId: tenant.templateId, subject: `News ${key}`, weight: 1 });
  const test = { sharePercent: 50, metric: CampaignMetric.CLICK, waitSeconds: 0, decide: CampaignDecision.AUTO };
  const { id } = await tenant.start({ variants: [variant('a'), variant('b')], test });
  const tested = await tenant.claim();
  const subjects = tested.map(({ subject }) => subject);
  // A click of a human, as tracking stores it.
  const liked = tested.find(({ subject }) => subject === 'News b')!;
  await superuser.query('update campaign_recipient set is_human_click = true, version = version + 1 where id = $1', [
    liked.recipientId,
  ]);
  await tenant.settle(tested);
  await expect.poll(async () => (await tenant.getCampaign(id)).winnerKey, { timeout: 60_000 }).toBe('b');
  const others = await tenant.claim();

  expect([subjects.filter((each) => each === 'News a').length, subjects.length]).toEqual([10, 20]);
  expect(others.map(({ subject }) => subject)).toEqual(Array.from({ length: 20 }, () => 'News b'));
});

test('a throttle lets no more e-mails be claimed in a minute than it says', async () => {
  const tenant = await create();
  await tenant.addCustomers(addresses(6));
  await tenant.start({ throttlePerMinute: 120 });
  const claims = [await tenant.claim(), await tenant.claim()];

  // A burst is a sixtieth of a minute's number.
  expect(claims.map(({ length }) => length)).toEqual([2, 0]);
});
