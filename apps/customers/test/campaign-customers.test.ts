import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { CampaignDecision, CampaignMetric } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { afterAll, describe, expect, test } from 'vitest';
import { CampaignTenant } from './campaign-tenant.js';
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

test('a test by conversions is won by the variant after whose e-mail a deal of the customer was won', async () => {
  const tenant = await CampaignTenant.create(service, superuser);
  await tenant.addCustomers(Array.from({ length: 8 }, (_, at) => `p${at}@example.com`));
  const variant = (key: string) => ({ key, templateId: tenant.templateId, subject: `News ${key}`, weight: 1 });
  const test = { sharePercent: 50, metric: CampaignMetric.CONVERSION, waitSeconds: 0, decide: CampaignDecision.AUTO };
  const { id } = await tenant.start({ variants: [variant('a'), variant('b')], test });
  const tested = await tenant.claim();
  const customers = new Map((await tenant.recipients(id)).map((each) => [each.id, each.customerId]));
  const sales = new SalesTenant(service, tenant.caller);
  const pipeline = await sales.createPipeline();
  const [ofFirst, ofSecond] = ['News a', 'News b'].map((wanted) => tested.filter(({ subject }) => subject === wanted));
  const win = (title: string, recipients: typeof tested) =>
    Promise.all(
      recipients.map(({ recipientId }) =>
        sales.createDeal(pipeline, {
          ...{ title, customerId: customers.get(recipientId), stage: 'won', closeDate: '2026-11-02' },
          amount: { currencyCode: 'EUR', amount: '100' },
        }),
      ),
    );
  await win('Before the e-mail', ofFirst!);
  await win('After the e-mail', ofSecond!.slice(1));
  await superuser.query(
    `update deal set close_time = close_time - interval '1 hour', version = version + 1
     where tenant_id = $1 and title = 'Before the e-mail'`,
    [tenant.caller.tenantId],
  );
  const time = new Date(Date.now() - 60_000).toISOString();
  const items = tested.map(({ recipientId, attempt }) => ({
    ...{ recipientId, attempt, outcome: MailOutcome.HANDED_OVER, response: '250 Ok', deferSeconds: undefined, time },
  }));
  await service.call('settleRecipients', { tenantId: tenant.caller.tenantId, items });
  await expect.poll(async () => (await tenant.getCampaign(id)).winnerKey, { timeout: 60_000 }).toBe('b');
});
