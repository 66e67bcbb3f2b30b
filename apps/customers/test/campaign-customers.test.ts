import { BounceAction, MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageState } from '@rapport/contracts/rapport/content/v1/message';
import { ConsentState, ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Suppression } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { CampaignDecision, CampaignMetric } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { callContext } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, describe, expect, test } from 'vitest';
import { mergedStatement } from '../src/domain/campaigns/sending/claim-recipients.js';
import { CampaignTenant } from './campaign-tenant.js';
import { FormTenant } from './form-tenant.js';
import { nodesOf, type Explained } from './query-plan.js';
import { person, sharedMailCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const service = await sharedMailCustomers();
const superuser = await service.connectAsSuperuser();
afterAll(() => superuser.end());

describe('a recipient', () => {
  test('whose customer has got the e-mail as one that was merged into it gets no second one', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const [ada, twin] = await tenant.addCustomers(['ada@example.com', 'ada@old.example']);
    const { id } = await tenant.start();
    const [first] = await tenant.claim({ skippedDomains: ['example.com'] });
    await tenant.settle([first!]);
    const into = { mergedId: twin!, mergedEtag: undefined, preferMerged: [] };
    const { merge } = await service.call('mergeCustomers', { id: ada!, merge: into }, tenant.caller);
    const again = await tenant.claim();
    const merged = await tenant.recipients(id);
    await service.call('unmergeCustomers', { id: merge!.id }, tenant.caller);
    const unmerged = await tenant.recipients(id);

    expect([first!.to, again]).toEqual(['ada@old.example', []]);
    expect(merged.map(({ customerId }) => customerId)).toEqual([ada, ada]);
    expect(await tenant.tally(id)).toEqual({ HANDED_OVER: 1, 'SKIPPED DUPLICATE_CUSTOMER': 1 });
    const owners = unmerged.map(({ customerId, state }) => [customerId, state]);
    expect(Object.fromEntries(owners)).toEqual({ [ada!]: RecipientState.SKIPPED, [twin!]: RecipientState.HANDED_OVER });
    expect(await tenant.account(id)).toMatchObject({ balanced: true, audience: 2, inconsistent: 0 });
  });

  test('that was planned for a customer merged meanwhile is sent to the surviving one, once', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const [ada] = await tenant.addCustomers(['ada@example.com']);
    const { id: survivor } = await service.create(tenant.caller, person({ emails: [{ address: 'a@new.example' }] }));
    const { id } = await tenant.start();
    const into = { mergedId: ada!, mergedEtag: undefined, preferMerged: [] };
    await service.call('mergeCustomers', { id: survivor, merge: into }, tenant.caller);
    // As a step leaves it that writes the recipient while the merge commits.
    await superuser.query('update campaign_recipient set customer_id = $1 where campaign_id = $2', [ada, id]);
    const claimed = await tenant.claim();
    await tenant.settle(claimed);

    expect(claimed.map(({ to }) => to)).toEqual(['a@new.example']);
    expect(await tenant.recipients(id)).toMatchObject([{ customerId: survivor, state: RecipientState.HANDED_OVER }]);
    expect(await tenant.account(id)).toMatchObject({ balanced: true, audience: 1, inconsistent: 0 });
  });

  test('that reports the e-mail as spam is suppressed, and has withdrawn, also after a change of the address', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const [ada, bob] = await tenant.addCustomers(['ada@old.example', 'bob@old.example']);
    await tenant.start();
    const claimed = await tenant.claim();
    await tenant.settle(claimed);
    for (const [id, address] of [
      [ada, 'ada@new.example'],
      [bob, 'bob@new.example'],
    ] as const) {
      await service.update(tenant.caller, id!, { emails: [{ address, label: undefined }] });
    }
    const { tenantId } = tenant.caller;
    const tokenOf = (to: string) => /\+(c[^@]+)@/.exec(claimed.find((each) => each.to === to)!.envelopeFrom)![1]!;
    const [complaint, bounce] = [tokenOf('ada@old.example'), tokenOf('bob@old.example')];
    await service.call('recordBounce', { tenantId, token: complaint, action: BounceAction.COMPLAINT });
    await service.call('recordBounce', { tenantId, token: bounce, action: BounceAction.FAILED, status: '5.1.1' });

    const check = {
      channel: ContactChannel.EMAIL,
      addresses: ['ada@old.example', 'bob@old.example', 'ada@new.example', 'bob@new.example'],
    };
    const { verdicts } = await service.call(
      'checkSuppressions',
      { check: { ...check, purpose: 'other' } },
      tenant.caller,
    );
    expect(verdicts.map(({ suppressed }) => suppressed)).toEqual([true, true, false, false]);
    const consents = async (customerId: string) =>
      (await service.call('listConsents', { customerId, currentOnly: true }, tenant.caller)).consents;
    expect(await consents(ada!)).toMatchObject([
      { purpose: 'newsletter', state: ConsentState.WITHDRAWN, source: 'complaint' },
    ]);
    expect((await consents(bob!)).map(({ state }) => state)).not.toContain(ConsentState.WITHDRAWN);
  });

  test('with another spelling of a suppressed domain, or of that of another recipient, gets no e-mail', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const spellings = ['bob@xn--bcher-kva.example', 'ada@Bücher.example', 'x@example.com'];
    const [, ada, twin] = await tenant.addCustomers(spellings);
    await tenant.copyAddress(ada!, twin!, 'ada@xn--bcher-kva.example');
    const suppression = { channel: ContactChannel.EMAIL, address: 'bob@bücher.example', reason: 1 } as Suppression;
    await service.call('createSuppression', { suppression }, tenant.caller);
    const { id } = await tenant.start();
    const claimed = await tenant.claim();

    expect(claimed).toHaveLength(1);
    expect(await tenant.tally(id)).toEqual({ CLAIMED: 1, 'SUPPRESSED SUPPRESSED': 1, 'SKIPPED DUPLICATE_ADDRESS': 1 });
  });

  test('of an erased customer keeps its state, and no address in any form', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const [ada] = await tenant.addCustomers(['ada@example.com', 'bob@example.com']);
    const { id } = await tenant.start();
    await service.call('eraseCustomer', { id: ada!, erasure: { reason: 'asked for' } }, tenant.caller);
    const claimed = await tenant.claim();
    const { rows } = await superuser.query(
      'select address_hash, domain from campaign_member where campaign_id = $1 and customer_id is null',
      [id],
    );

    expect(claimed.map(({ to }) => to)).toEqual(['bob@example.com']);
    expect(await tenant.tally(id)).toEqual({ CLAIMED: 1, 'SKIPPED CUSTOMER_DELETED': 1 });
    expect(rows).toEqual([{ address_hash: null, domain: null }]);
    expect(await tenant.account(id)).toMatchObject({ balanced: true, audience: 2 });
  });
});

/** Wins a deal for each customer. */
async function winDeals(
  tenant: CampaignTenant,
  title: string,
  customerIds: readonly (string | undefined)[],
): Promise<void> {
  const sales = new SalesTenant(service, tenant.caller);
  const pipeline = await sales.createPipeline();
  const amount = { currencyCode: 'EUR', amount: '100' };
  for (const customerId of customerIds) {
    await sales.createDeal(pipeline, { title, customerId, amount, stage: 'won', closeDate: '2026-11-02' });
  }
}

/** Moves wins into the past. */
async function shiftWins(tenant: CampaignTenant, title: string, hours: number): Promise<void> {
  await superuser.query(
    `update deal set close_time = close_time - make_interval(hours => $3), version = version + 1
     where tenant_id = $1 and title = $2`,
    [tenant.caller.tenantId, title, hours],
  );
}

test('a test by conversions is won by the variant after whose e-mail a deal was won or a form submitted', async () => {
  const tenant = await CampaignTenant.create(service, superuser);
  await tenant.addCustomers(Array.from({ length: 8 }, (_, at) => `p${at}@example.com`));
  const variant = (key: string) => ({ key, templateId: tenant.templateId, subject: `News ${key}`, weight: 1 });
  const test = { sharePercent: 50, metric: CampaignMetric.CONVERSION, waitSeconds: 0, decide: CampaignDecision.AUTO };
  const { id } = await tenant.start({ variants: [variant('a'), variant('b')], test });
  const tested = await tenant.claim();
  const customers = new Map((await tenant.recipients(id)).map((each) => [each.id, each.customerId]));
  const [ofFirst, ofSecond] = ['News a', 'News b'].map((wanted) => tested.filter(({ subject }) => subject === wanted));
  const idsOf = (recipients: typeof tested) => recipients.map(({ recipientId }) => customers.get(recipientId));
  await winDeals(tenant, 'Before the e-mail', idsOf(ofFirst!));
  await winDeals(tenant, 'After the e-mail', idsOf([ofFirst![0]!, ofSecond![0]!]));
  await shiftWins(tenant, 'Before the e-mail', 1);
  const time = new Date(Date.now() - 60_000).toISOString();
  const items = tested.map(({ recipientId, attempt }) => ({
    ...{ recipientId, attempt, outcome: MailOutcome.HANDED_OVER, response: '250 Ok', deferSeconds: undefined, time },
  }));
  const visitor = new FormTenant(service, tenant.caller);
  await visitor.visit(await visitor.createForm(), { email: ofSecond![1]!.to });
  await service.call('settleRecipients', { tenantId: tenant.caller.tenantId, items });
  await expect.poll(async () => (await tenant.getCampaign(id)).winnerKey, { timeout: 60_000 }).toBe('b');
});

test('the first deal that is won or form that is submitted by a recipient within the days of the campaign is one conversion', async () => {
  const tenant = await CampaignTenant.create(service, superuser);
  const readers = ['ada@example.com', 'bob@example.com', 'eve@example.com', 'joe@example.com'];
  const [ada, bob, eve, joe] = await tenant.addCustomers(readers);
  const { id } = await tenant.start({ conversionDays: 30 });
  await tenant.settle(await tenant.claim());
  await winDeals(tenant, 'Within', [ada, ada]);
  await winDeals(tenant, 'Before', [bob]);
  await shiftWins(tenant, 'Before', 1);
  const visitor = new FormTenant(service, tenant.caller);
  const { id: otherId } = await tenant.createCampaign();
  await visitor.visit(await visitor.createForm(), { email: 'joe@example.com' });
  await visitor.visit(await visitor.createForm({ key: 'other', campaignId: otherId }), { email: 'bob@example.com' });
  const lookAgain = () =>
    superuser.query(
      `with due as (update timer set due_time = now()
         where tenant_id = $1 and kind = 'campaign.conversions' and state = 'PENDING' returning id)
       update timer_job set next_time = now() from due where tenant_id = $1 and timer_id = due.id`,
      [tenant.caller.tenantId],
    );
  const fired = async () => {
    const { rows } = await superuser.query<{ count: number }>(
      `select count(*)::int as count from timer where tenant_id = $1 and kind = 'campaign.conversions' and state = 'FIRED'`,
      [tenant.caller.tenantId],
    );
    return rows[0]!.count;
  };
  const conversions = async () => {
    const request = { filter: `campaignId = ${id} AND kind = CONVERTED` };
    return (await service.call('listMessageEvents', request, tenant.caller)).messageEvents;
  };
  for (const looks of [2, 3]) {
    await expect.poll(fired, { timeout: 60_000 }).toBe(looks - 1);
    await lookAgain();
    await expect.poll(fired, { timeout: 60_000 }).toBe(looks);
    expect((await conversions()).map(({ customerId }) => customerId).toSorted()).toEqual([ada, joe].toSorted());
  }
  await winDeals(tenant, 'Late', [eve]);
  await shiftWins(tenant, 'Late', -31 * 24);
  await lookAgain();
  await expect.poll(fired, { timeout: 60_000 }).toBe(4);
  expect(await conversions()).toHaveLength(2);
});

test('a claim reads the recipients of customers that have merged ones, and no others of a campaign without statistics', async () => {
  const tenant = await CampaignTenant.create(service, superuser);
  const { tenantId } = tenant.caller;
  const [ada, twin] = await tenant.addCustomers(['ada@example.com', 'ada@old.example']);
  await service.call(
    'mergeCustomers',
    { id: ada!, merge: { mergedId: twin!, mergedEtag: undefined, preferMerged: [] } },
    tenant.caller,
  );
  const { id: campaignId } = await tenant.createCampaign();
  await superuser.query('begin');
  // Without keys and the change log: the customers of most recipients do not exist.
  await superuser.query('set local session_replication_role = replica');
  const { rows } = await superuser.query<{ id: string; customerId: string }>(
    `insert into campaign_recipient (tenant_id, id, campaign_id, customer_id, state, attempts, is_human_click, version,
       create_time, update_time, created_by, updated_by)
     select $1, gen_random_uuid(), $2, case when at < 2 then $3::uuid else gen_random_uuid() end, 'HANDED_OVER', 1, false, 1,
       now(), now(), 'test', 'test' from generate_series(0, 1999) at
     returning id, customer_id as "customerId"`,
    [tenantId, campaignId, ada],
  );
  await superuser.query('commit');
  const context = { requestId: v7(), caller: tenant.caller, cause: { origin: 'test' } };
  const { sql, values } = callContext.run(context, () => mergedStatement(campaignId, rows.slice(0, 500)));
  const client = new pg.Client(service.urls.appUrl);
  await client.connect();
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantId]);
  const found = await client.query<{ id: string }>(sql, values);
  const explained = await client.query<Explained>(`explain (analyze, format json) ${sql}`, values);
  await client.end();

  expect(found.rows.map(({ id }) => id).toSorted()).toEqual([rows[0]!.id, rows[1]!.id].toSorted());
  const read = nodesOf(explained.rows[0])
    .filter((node) => ['customer', 'campaign_recipient'].includes(node['Relation Name'] ?? ''))
    .map((node) => {
      const each = (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0);
      return each * (node['Actual Loops'] ?? 0);
    });
  expect(read).toHaveLength(2);
  expect(Math.max(...read)).toBeLessThanOrEqual(10);
});

describe('a test of a campaign', () => {
  test('goes to users, whose addresses sync asks for, but to none that was disabled, and asks for a recipient', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const { tenantId } = tenant.caller;
    const { id } = await tenant.createCampaign();
    const [active, disabled] = [crypto.randomUUID(), crypto.randomUUID()];
    await service.call('reportUserStates', {
      ...{ tenantId, states: [{ userId: disabled, position: '10', isInactive: true }] },
    });
    const test = (userIds: string[]) =>
      service.call('testCampaign', { id, test: { addresses: [], userIds, customerId: undefined } }, tenant.caller);

    const refusal = (field: string, reason: string) => ({ violations: [{ field, reason }] });
    await expect(test([active, disabled])).rejects.toMatchObject(refusal('test.userIds[1]', 'NOT_ALLOWED'));
    await expect(test([])).rejects.toMatchObject(refusal('test.addresses', 'REQUIRED'));
    const { messageIds } = await test([active]);
    expect(await tenant.mail.claim()).toMatchObject([
      { message: { id: messageIds[0], toAddresses: [] }, envelopeTo: [], toUserId: active },
    ]);
  });

  test('shows users no customer any more that was erased', async () => {
    const tenant = await CampaignTenant.create(service, superuser);
    const { id } = await tenant.createCampaign();
    const [customerId] = await tenant.addCustomers(['eve@example.com']);
    const test = { addresses: [], userIds: [crypto.randomUUID()], customerId };
    const { messageIds } = await service.call('testCampaign', { id, test }, tenant.caller);
    await service.call('eraseCustomer', { id: customerId!, erasure: { reason: 'asked for' } }, tenant.caller);
    expect(await tenant.mail.claim()).toEqual([]);
    const cancelled = { state: MessageState.CANCELLED, stateReason: 'ERASED' };
    expect(await tenant.mail.message(messageIds[0]!)).toMatchObject(cancelled);
  });
});
