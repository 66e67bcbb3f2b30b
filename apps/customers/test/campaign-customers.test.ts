import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { afterAll, describe, expect, test } from 'vitest';
import { CampaignTenant } from './campaign-tenant.js';
import { person, sharedMailCustomers } from './running-customers.js';

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
