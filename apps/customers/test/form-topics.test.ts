import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { FormRejection, FormSubmissionState } from '@rapport/contracts/rapport/marketing/v1/form_submission';
import { beforeEach, describe, expect, test } from 'vitest';
import { FormTenant } from './form-tenant.js';
import { MailTenant } from './mail-tenant.js';
import { newCaller, sharedMailCustomers } from './running-customers.js';
import { readPage } from './public-pages.js';
import { newTopic } from './topic-tenant.js';

const service = await sharedMailCustomers();
let mail: MailTenant;
let tenant: FormTenant;
beforeEach(async () => {
  mail = await MailTenant.create(service);
  tenant = new FormTenant(service, mail.caller);
});

const createTopic = (key: string, isDoubleOptIn: boolean) =>
  service.call('createTopic', { topic: newTopic({ key, name: `About ${key}`, isDoubleOptIn }) }, tenant.caller);

const ada = { email: 'ada@example.com', _topic_newsletter: 'true', _topic_events: 'true' };

async function purposes(): Promise<string[]> {
  const [submission] = await tenant.submissions();
  const request = { customerId: submission?.customerId ?? '', currentOnly: true };
  const { consents } = await service.call('listConsents', request, tenant.caller);
  return consents.map(({ purpose }) => purpose).toSorted();
}

describe('topics of a form', () => {
  test('count at once, as the page showed them, unless they are unknown', async () => {
    await createTopic('newsletter', false);
    const form = await tenant.createForm({ topicKeys: ['newsletter', 'events'] });
    const { text } = await tenant.show(form);
    expect([text.includes('About newsletter'), text.includes('_topic_events')]).toEqual([true, false]);
    expect((await tenant.visit(form, ada)).text).not.toContain('confirm');
    expect(await tenant.submissions()).toMatchObject([
      {
        ...{ state: FormSubmissionState.CONFIRMED, topicKeys: ['newsletter'] },
        evidence: 'Write me by e-mail about:\n- About newsletter',
      },
    ]);
    expect(await purposes()).toEqual(['newsletter']);
  });

  test('that need a confirmation count once the visitor has confirmed them, and reading the link changes nothing', async () => {
    await createTopic('newsletter', false);
    await createTopic('events', true);
    const form = await tenant.createForm({ topicKeys: ['newsletter', 'events'] });
    expect((await tenant.visit(form, ada)).text).toContain('Open the link in it to confirm');
    expect((await tenant.submissions())[0]?.state).toBe(FormSubmissionState.PENDING);
    expect(await purposes()).toEqual(['newsletter']);
    const [claimed] = await mail.claim(1);
    const token = /\/confirm\/([\w-]{43})/.exec(claimed?.message?.text ?? '')?.[1] ?? '';
    await readPage(service, 'showConfirmationPage', { token });
    expect((await tenant.submissions())[0]?.state).toBe(FormSubmissionState.PENDING);
    await readPage(service, 'confirmSubscription', { token });
    expect(await tenant.submissions()).toMatchObject([
      { state: FormSubmissionState.CONFIRMED, confirmTime: expect.any(String) as string },
    ]);
    expect(await purposes()).toEqual(['events', 'newsletter']);
  });

  test('that a customer has withdrawn are given again by a confirmation only, which the page does not mention', async () => {
    await createTopic('newsletter', false);
    const form = await tenant.createForm({ topicKeys: ['newsletter'] });
    const unknown = await tenant.visit(form, { ...ada, email: 'eve@example.com' });
    await tenant.visit(form, ada);
    const customerId = (await tenant.submissions())[1]?.customerId ?? '';
    const consent = { purpose: 'newsletter', channel: ContactChannel.EMAIL, state: ConsentState.WITHDRAWN };
    const said = { ...Consent.decode(new Uint8Array()), ...consent, legalBasis: LegalBasis.CONSENT, source: 'letter' };
    await service.call('createConsent', { customerId, consent: said }, tenant.caller);
    const state = async () => {
      const request = { customerId, currentOnly: true };
      return (await service.call('listConsents', request, tenant.caller)).consents[0]?.state;
    };

    const again = await tenant.visit(form, ada);

    expect(again.text).toBe(unknown.text);
    expect((await tenant.submissions())[2]?.state).toBe(FormSubmissionState.PENDING);
    expect(await state()).toBe(ConsentState.WITHDRAWN);
    const [claimed] = await mail.claim(1);
    const token = /\/confirm\/([\w-]{43})/.exec(claimed?.message?.text ?? '')?.[1] ?? '';
    await readPage(service, 'confirmSubscription', { token });
    expect(await state()).toBe(ConsentState.GIVEN);
  });

  test('are not confirmed by an address that gets no confirmation, and the answer is the same', async () => {
    const silent = new FormTenant(service, newCaller());
    await service.call('createTopic', { topic: newTopic({ key: 'newsletter' }) }, silent.caller);
    await createTopic('newsletter', false);
    const given = { topicKeys: ['newsletter'], isDoubleOptIn: true };
    const [form, other] = [await tenant.createForm(given), await silent.createForm(given)];
    const answers = [await tenant.visit(form, ada), await silent.visit(other, ada)];
    expect(answers[1]?.text).toBe(answers[0]?.text);
    expect(await silent.submissions()).toMatchObject([
      { state: FormSubmissionState.EXPIRED, reason: FormRejection.NO_CONFIRMATION },
    ]);
    const { messages } = await service.call('listMessages', {}, tenant.caller);
    expect(messages).toMatchObject([{ toAddresses: ['ada@example.com'] }]);
  });
});
