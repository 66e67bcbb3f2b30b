import { LegalBasis } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { suppressAddresses } from '../src/domain/suppressions/suppression-statements.js';
import { afterBounce } from '../src/domain/topics/after-bounce.js';
import { startDoubleOptIn } from '../src/domain/topics/double-opt-in.js';
import { mayReceive, recordSends, type Receiver } from '../src/domain/topics/may-receive.js';
import { sharedMailCustomers } from './running-customers.js';
import { testKey, TopicTenant } from './topic-tenant.js';

const service = await sharedMailCustomers();
let tenant: TopicTenant;
beforeEach(async () => {
  tenant = await TopicTenant.create(service);
});

/** Why each of the customers gets no mail of the topic. */
async function withheld(receivers: readonly { id: string; address: string }[], topicKey = 'newsletter') {
  const recipients: Receiver[] = receivers.map(({ id: customerId, address }) => ({ customerId, address }));
  const found = await tenant.write((transaction) =>
    mayReceive(transaction, testKey, { topicKey, recipients, time: new Date() }),
  );
  return recipients.map((_, place) => found.get(place));
}

describe('a topic', () => {
  test('is on the basis of consent unless it says otherwise, and keeps its key', async () => {
    const topic = await tenant.createTopic();
    expect(topic).toMatchObject({ legalBasis: LegalBasis.CONSENT, isDoubleOptIn: false, etag: '"1"' });
    const change = { id: topic.id, topic: { ...topic, key: 'news' }, updateMask: ['key'] };
    await expect(service.call('updateTopic', change, tenant.caller)).rejects.toMatchObject({
      violations: [{ field: 'topic.key', reason: 'IMMUTABLE' }],
    });
    await expect(tenant.createTopic()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test.each([
    [[{ locale: 'not a tag', name: 'x', description: undefined }], 'topic.texts[0].locale', 'LOCALE_UNKNOWN'],
    [
      ['zh-CN', 'zh-cn'].map((locale) => ({ locale, name: 'x', description: undefined })),
      'topic.texts[1].locale',
      'DUPLICATE',
    ],
  ])('has one text for each language: not %j', async (texts, field, reason) => {
    await expect(tenant.createTopic({ texts })).rejects.toMatchObject({ violations: [{ field, reason }] });
  });
});

describe('mail of a topic', () => {
  test('needs a consent that is given, unless its basis is another, and none that is withdrawn', async () => {
    await tenant.createTopic();
    await tenant.createTopic({ key: 'product_notes', legalBasis: LegalBasis.LEGITIMATE_INTERESTS });
    const [silent, willing, unwilling] = await Promise.all([1, 2, 3].map(() => tenant.createCustomer()));
    for (const topic of ['newsletter', 'product_notes']) {
      await tenant.consent(willing!.id, 'GIVEN', topic);
      await tenant.consent(unwilling!.id, 'GIVEN', topic);
      await tenant.consent(unwilling!.id, 'WITHDRAWN', topic);
    }
    const all = [silent!, willing!, unwilling!];
    expect(await withheld(all)).toEqual(['CONSENT_MISSING', undefined, 'CONSENT_WITHDRAWN']);
    expect(await withheld(all, 'product_notes')).toEqual([undefined, undefined, 'CONSENT_WITHDRAWN']);
    expect(await withheld([willing!], 'unknown')).toEqual(['TOPIC_UNKNOWN']);
  });

  test('does not go to suppressed addresses, nor to customers that are gone', async () => {
    await tenant.createTopic({ legalBasis: LegalBasis.CONTRACT });
    const [ofAll, ofTopic, ofOther, deleted] = await Promise.all([1, 2, 3, 4].map(() => tenant.createCustomer()));
    await tenant.write(async (transaction) => {
      for (const [receiver, purpose] of [[ofAll], [ofTopic, 'newsletter'], [ofOther, 'other']] as const) {
        const suppressed = { channel: 'EMAIL' as const, address: receiver!.address.toUpperCase(), purpose };
        transaction.later(...suppressAddresses(testKey, 'MANUAL', [suppressed]));
      }
      return Promise.resolve();
    });
    await service.delete(tenant.caller, deleted!.id);
    const strange = { id: v7(), address: 'nobody@example.com' };
    expect(await withheld([ofAll!, ofTopic!, ofOther!, deleted!, strange])).toEqual([
      ...['SUPPRESSED', 'SUPPRESSED', undefined, 'CUSTOMER_GONE', 'CUSTOMER_GONE'],
    ]);
  });

  test('respects what a customer said before it was merged into another', async () => {
    await tenant.createTopic();
    const [kept, merged] = await Promise.all([1, 2].map(() => tenant.createCustomer()));
    await tenant.consent(kept!.id, 'GIVEN');
    await tenant.consent(merged!.id, 'WITHDRAWN');
    await service.call(
      'mergeCustomers',
      { id: kept!.id, merge: { mergedId: merged!.id, preferMerged: [] } },
      tenant.caller,
    );
    expect(await withheld([kept!])).toEqual(['CONSENT_WITHDRAWN']);
  });

  test('is forgotten with an erased customer', async () => {
    await tenant.createTopic();
    const { id: customerId, address } = await tenant.createCustomer();
    await tenant.write(async (transaction) => {
      const parts = { suppressionKey: testKey, publicUrl: 'https://crm.example' };
      await startDoubleOptIn(transaction, parts, {
        customerId,
        address,
        topicKeys: ['newsletter'],
        source: 'web form',
      });
      recordSends(transaction, {
        ...{ topicKey: 'newsletter', sends: [{ customerId, sendId: v7() }], time: new Date() },
      });
    });
    await service.call('eraseCustomer', { id: customerId, erasure: { reason: 'asked' } }, tenant.caller);
    const superuser = await service.connectAsSuperuser();
    const { rows } = await superuser.query(
      `select 'opt_in' from opt_in where tenant_id = $1 union all select 'topic_send' from topic_send where tenant_id = $1`,
      [tenant.tenantId],
    );
    await superuser.end();
    expect(rows).toEqual([]);
  });

  test('keeps its cap over the mail before it, and within one claim', async () => {
    await tenant.createTopic({ legalBasis: LegalBasis.CONTRACT, cap: { count: 2, days: 7 } });
    const [one, other] = await Promise.all([1, 2].map(() => tenant.createCustomer()));
    expect(await withheld([one!, one!, one!, other!])).toEqual([undefined, undefined, 'CAP_REACHED', undefined]);
    const sent = (daysAgo: number) =>
      tenant.write((transaction) => {
        const time = new Date(Date.now() - daysAgo * 86_400_000);
        const sends = [{ customerId: one!.id, sendId: v7() }];
        recordSends(transaction, { topicKey: 'newsletter', sends, time });
        return Promise.resolve();
      });
    await sent(8);
    await sent(6);
    expect(await withheld([one!, one!])).toEqual([undefined, 'CAP_REACHED']);
    await sent(0);
    expect(await withheld([one!, other!])).toEqual(['CAP_REACHED', undefined]);
  });
});

describe('a bounce', () => {
  const bounce = (receiver: { id: string; address: string }, bounceClass: 'HARD' | 'SOFT' | 'COMPLAINT', mail = v7()) =>
    tenant.write((transaction) =>
      afterBounce(transaction, testKey, {
        ...{
          recipientId: mail,
          customerId: receiver.id,
          hash: testKey.hash(tenant.tenantId, 'EMAIL', receiver.address),
        },
        ...{ topicKey: 'newsletter', bounceClass },
      }),
    );

  test('suppresses an address at once if it is hard, and at the fifth mail if it is soft', async () => {
    await tenant.createTopic({ legalBasis: LegalBasis.CONTRACT });
    const [hard, soft] = await Promise.all([1, 2].map(() => tenant.createCustomer()));
    await bounce(hard!, 'HARD');
    const mails = Array.from({ length: 5 }, () => v7());
    for (const mail of [...mails.slice(0, 4), mails[0]!]) await bounce(soft!, 'SOFT', mail);
    expect(await withheld([hard!, soft!])).toEqual(['SUPPRESSED', undefined]);
    await bounce(soft!, 'SOFT', mails[4]);
    expect(await withheld([soft!])).toEqual(['SUPPRESSED']);
  });

  test('that is a complaint withdraws the consent, and ends all mail to the address', async () => {
    await tenant.createTopic();
    await tenant.createTopic({ key: 'offers', legalBasis: LegalBasis.CONTRACT });
    const customer = await tenant.createCustomer();
    await tenant.consent(customer.id, 'GIVEN');
    await bounce(customer, 'COMPLAINT');
    expect(await tenant.consents(customer.id)).toEqual({ newsletter: 'WITHDRAWN' });
    expect(await withheld([customer])).toEqual(['CONSENT_WITHDRAWN']);
    expect(await withheld([customer], 'offers')).toEqual(['SUPPRESSED']);
  });
});
