import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { LegalBasis } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { suppressAddresses } from '../src/domain/suppressions/suppression-statements.js';
import { startDoubleOptIn, type OptIn } from '../src/domain/topics/double-opt-in.js';
import { onOptInEnd, type EndedOptIn } from '../src/domain/topics/end-opt-in.js';
import { onUnsubscribe } from '../src/domain/topics/unsubscribe-page.js';
import { MergingTenant } from './merging-tenant.js';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';
import { tokenOf, TopicTenant } from './topic-tenant.js';

const service = await sharedMailCustomers();
let tenant: TopicTenant;
beforeEach(async () => {
  tenant = await TopicTenant.create(service);
});

const formOf = (text: string, contentType = 'application/x-www-form-urlencoded') => ({
  ...{ contentType, data: Buffer.from(text), extensions: [] },
});
const oneClick = formOf('List-Unsubscribe=One-Click');
const notFound = { reason: 'PAGE_NOT_FOUND' };

const unsubscribe = (token: string, form = oneClick, acceptLanguage?: string) =>
  readPage(service, 'unsubscribe', { token, form, acceptLanguage });
const save = (token: string, text: string) => readPage(service, 'savePreferences', { token, form: formOf(text) });

/** A customer who has agreed to two topics. */
async function subscriber() {
  await tenant.createTopic();
  await tenant.createTopic({ key: 'offers', name: 'Offers' });
  const customer = await tenant.createCustomer();
  await tenant.consent(customer.id, 'GIVEN');
  await tenant.consent(customer.id, 'GIVEN', 'offers');
  const { unsubscribeUrl, preferencesUrl } = await tenant.links(customer.id);
  return { ...customer, token: tokenOf(unsubscribeUrl), preferences: tokenOf(preferencesUrl) };
}

describe('a link to unsubscribe', () => {
  test('ends exactly its topic by one click, as often as it is sent', async () => {
    const { id, token } = await subscriber();
    const seen: string[] = [];
    onUnsubscribe((_transaction, { topicKey }) => Promise.resolve(void seen.push(topicKey)));
    const { text } = await unsubscribe(token);
    expect(text).toContain('You are unsubscribed.');
    expect(text).toContain('Monthly newsletter');
    expect(await tenant.consents(id)).toEqual({ newsletter: 'WITHDRAWN', offers: 'GIVEN' });
    await unsubscribe(token, formOf('--a--', 'multipart/form-data'));
    const { consents } = await service.call('listConsents', { customerId: id, pageSize: 100 }, tenant.caller);
    expect(consents.filter(({ purpose }) => purpose === 'newsletter')).toHaveLength(2);
    expect(seen).toEqual(['newsletter']);
  });

  test('ends the topic, also when the clock of the process that recorded the consent is ahead', async () => {
    const { id, token } = await subscriber();
    const ahead = v7({ msecs: Date.now() + 3_000 });
    await new MergingTenant(service, tenant.caller).execute(
      `insert into consent (tenant_id, id, customer_id, purpose, channel, state, legal_basis, source, time, create_time, created_by)
       values (?, ?, ?, 'newsletter', 'EMAIL', 'GIVEN', 'CONSENT', 'form', now() + interval '3 s', now() + interval '3 s', 'x')`,
      [tenant.tenantId, ahead, id],
    );
    await unsubscribe(token);
    expect(await tenant.consents(id)).toMatchObject({ newsletter: 'WITHDRAWN' });
  });

  test('changes nothing when programs follow it', async () => {
    const { id, token, preferences } = await subscriber();
    const { text } = await readPage(service, 'showUnsubscribePage', { token, acceptLanguage: 'zh' });
    expect(text).toContain('您要退订此类邮件吗?');
    expect(text).toContain('<form method="post">');
    // Nothing has changed yet, so it asks.
    const english = await readPage(service, 'showUnsubscribePage', { token, acceptLanguage: 'en' });
    expect(english.text).toContain('Do you want to receive no more mail of this kind?');
    await readPage(service, 'showPreferencesPage', { token: preferences });
    expect(await tenant.consents(id)).toEqual({ newsletter: 'GIVEN', offers: 'GIVEN' });
  });

  test('leads to the customer that its own was merged into', async () => {
    const { id, token } = await subscriber();
    const kept = await tenant.createCustomer();
    const merge = { mergedId: id, preferMerged: [] };
    await service.call('mergeCustomers', { id: kept.id, merge }, tenant.caller);
    await unsubscribe(token);
    expect(await tenant.consents(kept.id)).toEqual({ newsletter: 'WITHDRAWN', offers: 'GIVEN' });
  });

  test('still ends the mail of a deleted topic and a deleted customer', async () => {
    const { id, token } = await subscriber();
    const { topics } = await service.call('listTopics', { filter: 'key = "newsletter"' }, tenant.caller);
    await service.call('deleteTopic', { id: topics[0]!.id }, tenant.caller);
    await service.delete(tenant.caller, id);
    expect((await unsubscribe(token)).text).toContain('You are unsubscribed.');
    await service.call('undeleteCustomer', { id }, tenant.caller);
    expect(await tenant.consents(id)).toMatchObject({ newsletter: 'WITHDRAWN' });
  });

  test('is of no use changed, of another page or tenant, and for an erased customer', async () => {
    const { id, token, preferences } = await subscriber();
    const other = await TopicTenant.create(service);
    const foreign = tokenOf((await other.links(id)).unsubscribeUrl);
    const bytes = Buffer.from(token, 'base64url');
    bytes[20]! ^= 1;
    const changed = bytes.toString('base64url');
    for (const wrong of [changed, preferences, foreign, token.slice(2), `${token}A`, 'x', 'a'.repeat(200)]) {
      await expect(unsubscribe(wrong), wrong).rejects.toMatchObject(notFound);
      await expect(readPage(service, 'showUnsubscribePage', { token: wrong })).rejects.toMatchObject(notFound);
    }
    expect(await tenant.consents(id)).toEqual({ newsletter: 'GIVEN', offers: 'GIVEN' });
    await service.call('eraseCustomer', { id, erasure: { reason: 'asked' } }, tenant.caller);
    await expect(unsubscribe(token)).rejects.toMatchObject(notFound);
  });
});

describe('a link to preferences', () => {
  test('shows all topics in the language of the reader, and those that are chosen', async () => {
    const { id, preferences } = await subscriber();
    const texts = [{ locale: 'zh', name: '促销', description: '每周' }];
    await tenant.createTopic({ key: 'sales', name: 'Sales', texts, legalBasis: LegalBasis.CONTRACT });
    await tenant.consent(id, 'WITHDRAWN', 'offers');
    const { text } = await readPage(service, 'showPreferencesPage', { token: preferences, acceptLanguage: 'zh-CN' });
    expect(text).toContain('促销');
    const chosen = [...text.matchAll(/name="topic_(\w+)" value="1" checked/g)].map(([, key]) => key);
    expect(chosen).toEqual(['newsletter', 'sales']);
  });

  test('subscribes and unsubscribes as chosen, and leaves what it did not show', async () => {
    const { id, preferences } = await subscriber();
    await tenant.createTopic({ key: 'sales', name: 'Sales' });
    const { text } = await save(preferences, 'shown=newsletter%2Csales&topic_sales=1');
    expect(text).toContain('Your choice is saved.');
    expect(await tenant.consents(id)).toEqual({ newsletter: 'WITHDRAWN', offers: 'GIVEN', sales: 'GIVEN' });
    await save(preferences, 'shown=newsletter,sales&topic_newsletter=1&topic_sales=1');
    expect(await tenant.consents(id)).toEqual({ newsletter: 'GIVEN', offers: 'GIVEN', sales: 'GIVEN' });
  });

  test('ends all topics at once', async () => {
    const { id, preferences } = await subscriber();
    await tenant.createTopic({ key: 'sales', name: 'Sales', legalBasis: LegalBasis.CONTRACT });
    await save(preferences, 'shown=newsletter,offers,sales&topic_newsletter=1&all=1');
    expect(await tenant.consents(id)).toEqual({ newsletter: 'WITHDRAWN', offers: 'WITHDRAWN', sales: 'WITHDRAWN' });
  });
});

describe('a double opt-in', () => {
  const start = (optIn: Partial<OptIn> & Pick<OptIn, 'customerId' | 'address'>, { suppressionKey } = service) =>
    tenant.write((transaction) =>
      startDoubleOptIn(
        transaction,
        { suppressionKey, publicUrl: 'https://crm.example' },
        { topicKeys: ['newsletter'], source: 'web form', evidence: 'Yes, send me news.', ...optIn },
      ),
    );
  const nextToken = async () => {
    const [claimed] = await tenant.mail.claim(1);
    return /\/confirm\/([\w-]{43})/.exec(claimed?.message?.text ?? '')?.[1] ?? '';
  };
  const confirm = (token: string) => readPage(service, 'confirmSubscription', { token, form: formOf('') });

  test('subscribes once its form is sent, with evidence, and its link works once', async () => {
    await tenant.createTopic({ isDoubleOptIn: true });
    const { id: customerId, address } = await tenant.createCustomer();
    const ended: EndedOptIn[] = [];
    const origin = { type: 'form_submission', id: v7() };
    onOptInEnd((_transaction, { id }, end) => Promise.resolve(void (id === origin.id && ended.push(end))));
    await start({ customerId, address, origin });
    const token = await nextToken();
    const { text } = await readPage(service, 'showConfirmationPage', { token });
    expect(text).toContain('Monthly newsletter');
    expect(await tenant.consents(customerId)).toEqual({});

    expect((await confirm(token)).text).toContain('Your subscription is confirmed.');
    const { consents } = await service.call('listConsents', { customerId }, tenant.caller);
    expect(consents).toMatchObject([
      {
        purpose: 'newsletter',
        source: 'web form',
        evidence: expect.stringMatching(/^Yes, send me news\.\nAsked for at /) as string,
      },
    ]);
    expect(ended).toMatchObject([{ customerId, outcome: 'CONFIRMED' }]);
    await expect(confirm(token)).rejects.toMatchObject(notFound);
    await expect(readPage(service, 'showConfirmationPage', { token })).rejects.toMatchObject(notFound);
  });

  test('is not confirmed by an address that the customer no longer has', async () => {
    await tenant.createTopic();
    const { id: customerId, address } = await tenant.createCustomer();
    await start({ customerId, address });
    const token = await nextToken();
    const emailsOf = (...addresses: string[]) => ({
      emails: addresses.map((each) => ({ address: each, label: undefined })),
    });
    await service.update(tenant.caller, customerId, emailsOf('of-another-person@example.com'));
    await expect(confirm(token)).rejects.toMatchObject(notFound);
    expect(await tenant.consents(customerId)).toEqual({});

    await service.update(tenant.caller, customerId, emailsOf('of-another-person@example.com', address.toUpperCase()));
    await confirm(token);
    expect(await tenant.consents(customerId)).toEqual({ newsletter: 'GIVEN' });
  });

  test('confirmed by two at once is confirmed once', async () => {
    await tenant.createTopic();
    const { id: customerId, address } = await tenant.createCustomer();
    await start({ customerId, address });
    const token = await nextToken();
    const both = await Promise.allSettled([confirm(token), confirm(token)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect((await service.call('listConsents', { customerId }, tenant.caller)).consents).toHaveLength(1);
  });

  test('sends an address three confirmations a day, and none to one that is suppressed', async () => {
    await tenant.createTopic();
    const { id: customerId, address } = await tenant.createCustomer();
    const answers = await Promise.all([1, 2, 3, 4].map(() => start({ customerId, address: address.toUpperCase() })));
    const refusals = answers.flatMap((answer) => ('refusal' in answer ? [answer.refusal] : []));
    expect(refusals).toEqual(['TOO_MANY_CONFIRMATIONS']);
    await tenant.write((transaction) => {
      transaction.later(
        ...suppressAddresses(service.suppressionKey, 'COMPLAINT', [{ channel: 'EMAIL', address: 'no@example.com' }]),
      );
      return Promise.resolve();
    });
    expect(await start({ customerId, address: 'no@example.com' })).toEqual({ refusal: 'SUPPRESSED' });
    expect(await start({ customerId, address: 'a@example.com', topicKeys: ['x'] })).toEqual({
      refusal: 'TOPIC_UNKNOWN',
    });
    expect(await tenant.mail.claim(10)).toHaveLength(3);
  });

  test('expires after seven days', async () => {
    await tenant.createTopic();
    const { id: customerId, address } = await tenant.createCustomer();
    const origin = { type: 'form_submission', id: v7() };
    const ended: EndedOptIn[] = [];
    onOptInEnd((_transaction, { id }, end) => Promise.resolve(void (id === origin.id && ended.push(end))));
    const answer = await start({ customerId, address, origin });
    const token = await nextToken();
    const optInId = 'optInId' in answer ? answer.optInId : '';
    const superuser = await service.connectAsSuperuser();
    await superuser.query(`update opt_in set create_time = now() - interval '7 days 1 second' where id = $1`, [
      optInId,
    ]);
    await expect(confirm(token)).rejects.toMatchObject(notFound);
    await superuser.query(
      `with due as (update timer set due_time = now() where record_id = $1 returning tenant_id, id)
       update timer_job set next_time = now() from due where timer_job.tenant_id = due.tenant_id and timer_id = due.id`,
      [optInId],
    );
    await superuser.end();
    await expect.poll(() => ended, { timeout: 60_000 }).toMatchObject([{ customerId, outcome: 'EXPIRED' }]);
    expect(await tenant.consents(customerId)).toEqual({});
  });
});
