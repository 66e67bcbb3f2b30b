import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { startDoubleOptIn } from '../src/domain/topics/double-opt-in.js';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';
import { testKey, tokenOf, TopicTenant } from './topic-tenant.js';

const mails = sizeOf('SCANNED_MAILS', { short: 20, long: 10_000 });

const service = await sharedMailCustomers();

test(
  'a scanner that opens each link of each mail changes nothing',
  async () => {
    const tenant = await TopicTenant.create(service);
    await tenant.createTopic();
    const links: { name: 'showUnsubscribePage' | 'showPreferencesPage' | 'showConfirmationPage'; token: string }[] = [];
    for (let index = 0; index < mails; index += 1) {
      const { id: customerId, address } = await tenant.createCustomer();
      await tenant.consent(customerId, 'GIVEN');
      const { unsubscribeUrl, preferencesUrl } = await tenant.links(customerId);
      const parts = { suppressionKey: testKey, publicUrl: 'https://crm.example' };
      const optIn = { customerId, address, topicKeys: ['newsletter'], source: 'web form' };
      await tenant.write((transaction) => startDoubleOptIn(transaction, parts, optIn));
      const [claimed] = await tenant.mail.claim(1);
      const confirmation = /\/confirm\/([\w-]{43})/.exec(claimed?.message?.text ?? '')?.[1] ?? '';
      links.push(
        { name: 'showUnsubscribePage', token: tokenOf(unsubscribeUrl) },
        { name: 'showPreferencesPage', token: tokenOf(preferencesUrl) },
        { name: 'showConfirmationPage', token: confirmation },
      );
    }
    const before = await state(tenant.tenantId);
    for (const { name, token } of links) expect((await readPage(service, name, { token })).text).toContain('<form');

    expect(await state(tenant.tenantId)).toEqual(before);
    printTally('link-scanner', { mails, links: links.length, ...before });
  },
  soakTimeoutMs,
);

/** What links could change. */
async function state(tenantId: string): Promise<Record<string, number>> {
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<Record<string, number>>(
    `select (select count(*)::int from consent where tenant_id = $1) as consents,
       (select count(*)::int from suppression where tenant_id = $1) as suppressions,
       (select count(*)::int from opt_in where tenant_id = $1 and confirm_time is null) as pending,
       (select count(*)::int from public_link where tenant_id = $1) as links,
       (select count(*)::int from message where tenant_id = $1) as messages`,
    [tenantId],
  );
  await superuser.end();
  return rows[0] ?? {};
}
