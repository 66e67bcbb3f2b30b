import { FormFieldKind, FormProof, FormState } from '@rapport/contracts/rapport/marketing/v1/form';
import { FormRejection, FormSubmissionState } from '@rapport/contracts/rapport/marketing/v1/form_submission';
import { beforeEach, describe, expect, test } from 'vitest';
import { field, FormTenant, provenBy, ticketIn } from './form-tenant.js';
import { sharedCustomers } from './running-customers.js';
import { newTopic } from './topic-tenant.js';

const service = await sharedCustomers();
let tenant: FormTenant;
beforeEach(() => {
  tenant = new FormTenant(service);
});

const email = field('email', { isRequired: true, customerField: 'email' });

test('a form with a new token has one page, and none at its old address', async () => {
  const form = await tenant.createForm({ fields: [email] });
  const { caller } = tenant;
  const rotate = (etag?: string) => service.call('rotateFormToken', { id: form.id, etag }, caller);
  await expect(rotate('"9"')).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  const rotated = await rotate(form.etag);

  expect(rotated).toMatchObject({ id: form.id, etag: '"2"' });
  expect(rotated.token).not.toBe(form.token);
  await expect(tenant.show(form)).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
  expect((await tenant.show(rotated)).text).toContain('email');
  expect(await service.call('getForm', { id: form.id }, caller)).toEqual(rotated);
});

test('an update gives a field the kind of what takes its value, as a create does', async () => {
  const form = await tenant.createForm({ fields: [email] });
  const fields = [{ ...email, label: 'Address', kind: FormFieldKind.UNSPECIFIED }];

  const changes = { id: form.id, form: { ...form, fields }, updateMask: ['fields'] };
  const updated = await service.call('updateForm', changes, tenant.caller);

  expect(updated.fields).toMatchObject([{ label: 'Address', kind: FormFieldKind.EMAIL }]);
});

test('a submission creates the customer, the lead and the consents that the visitor has chosen', async () => {
  for (const key of ['newsletter', 'events']) {
    await service.call('createTopic', { topic: newTopic({ key, name: key }) }, tenant.caller);
  }
  const form = await tenant.createForm({
    createsLead: true,
    topicKeys: ['newsletter', 'events'],
    fields: [
      email,
      field('first', { customerField: 'givenName' }),
      field('company', { leadField: 'company' }),
      field('wish', { leadField: 'message', kind: FormFieldKind.LONG_TEXT }),
      field('seats', { kind: FormFieldKind.NUMBER }),
    ],
  });
  const values = {
    email: ' Ada@Example.com ',
    first: 'Ada',
    company: 'Engines',
    wish: 'Call <me>',
    _topic_newsletter: 'true',
  };
  const thanks = await tenant.visit(form, values);
  expect([thanks.text.includes('Thank you.'), thanks.headers.get('tenant')]).toEqual([true, tenant.caller.tenantId]);
  const [submission] = await tenant.submissions();
  expect(submission).toMatchObject({
    ...{ formId: form.id, formName: 'Newsletter', state: FormSubmissionState.CONFIRMED },
    ...{ topicKeys: ['newsletter'], evidence: 'Write me by e-mail about:\n- newsletter', locale: 'en' },
    values: [
      { key: 'email', label: 'email', value: 'Ada@Example.com' },
      { key: 'first', label: 'first', value: 'Ada' },
      { key: 'company', label: 'company', value: 'Engines' },
      { key: 'wish', label: 'wish', value: 'Call <me>' },
    ],
  });
  const { customerId = '', leadId = '' } = submission ?? {};
  const { caller } = tenant;
  expect(await service.call('getCustomer', { id: customerId }, caller)).toMatchObject({
    ...{ givenName: 'Ada', source: 'form newsletter', emails: [{ address: 'Ada@example.com' }] },
  });
  expect(await service.call('getLead', { id: leadId }, caller)).toMatchObject({
    ...{ customerId, company: 'Engines', message: 'Call <me>', source: 'form newsletter' },
  });
  expect((await service.call('listConsents', { customerId }, caller)).consents).toMatchObject([
    { purpose: 'newsletter', source: 'form newsletter', evidence: submission?.evidence },
  ]);
});

test('a customer with the address is found and not changed, and the answer does not tell', async () => {
  const form = await tenant.createForm({ fields: [email, field('first', { customerField: 'givenName' })] });
  const first = await tenant.visit(form, { email: 'ada@example.com', first: 'Ada' });
  const second = await tenant.visit(form, { email: 'ADA@example.com', first: 'Eve' });
  expect(second.text).toBe(first.text);
  const [one, other] = await tenant.submissions();
  expect(other?.customerId).toBe(one?.customerId);
  expect(await service.call('getCustomer', { id: one?.customerId ?? '' }, tenant.caller)).toMatchObject({
    givenName: 'Ada',
  });
});

test('a page is submitted once, however often and in parallel its form is sent', async () => {
  const form = await tenant.createForm();
  const ticket = ticketIn(await tenant.show(form));
  const send = () => tenant.submit(form, { email: 'ada@example.com', _ticket: ticket });
  const texts = (await Promise.all([send(), send(), send(), send()])).map(({ text }) => text);
  expect(new Set(texts).size).toBe(1);
  expect(await tenant.submissions()).toHaveLength(1);
});

test('a page that is sent in parallel with several addresses is submitted once, and each answer is the same', async () => {
  const form = await tenant.createForm({ fields: [email], proof: FormProof.NONE });
  const _ticket = ticketIn(await tenant.show(form));
  const sent = Array.from({ length: 6 }, (_, index) => tenant.submit(form, { email: `${index}@example.com`, _ticket }));
  expect(new Set((await Promise.all(sent)).map(({ text }) => text)).size).toBe(1);
  expect(await tenant.submissions()).toHaveLength(1);
});

test('parallel submissions of a new address have one customer', async () => {
  const form = await tenant.createForm({ dailyLimitPerAddress: 100 });
  await Promise.all(Array.from({ length: 6 }, () => tenant.visit(form, { email: 'ada@example.com' })));
  const submissions = await tenant.submissions();
  expect([submissions.length, new Set(submissions.map(({ customerId }) => customerId)).size]).toEqual([6, 1]);
});

test('a form is shown again with what was typed and what is wrong with it', async () => {
  const form = await tenant.createForm({
    fields: [
      ...[email, field('phone', { customerField: 'phone' }), field('day', { kind: FormFieldKind.DATE })],
      field('size', { kind: FormFieldKind.CHOICE, options: ['1', '2'], isRequired: true }),
      field('terms', { kind: FormFieldKind.CHECKBOX, isRequired: true }),
    ],
  });
  const page = await tenant.visit(form, { email: 'ada"@', phone: '123', day: '2026-02-30', size: '3' });
  expect(page.headers.get(':status')).toBe('422');
  expect(page.text).toContain('value="ada&#34;@"');
  expect(page.text.match(/This value is not valid\./g)).toHaveLength(4);
  expect(page.text.match(/Fill in this field\./g)).toHaveLength(1);
  expect(await tenant.submissions()).toEqual([]);
  const fine = { email: 'ada@example.com', phone: '+49 (30) 901-820', day: '2026-02-28', size: '2', terms: 'on' };
  await tenant.visit(form, fine);
  expect((await tenant.submissions())[0]?.values.map(({ value }) => value)).toEqual([
    ...['ada@example.com', '+4930901820', '2026-02-28', '2', 'true'],
  ]);
});

describe('bots', () => {
  test('need the ticket of the page of this form, some time and a proof of work', async () => {
    const form = await tenant.createForm({ proof: FormProof.POW });
    const other = await tenant.createForm({ key: 'other', proof: FormProof.POW });
    const page = await tenant.show(form);
    const ticket = ticketIn(page);
    const [script = ''] = page.text.split('<script>').slice(1);
    expect([script.includes('_proof'), page.headers.get('script-hash')]).toEqual([
      true,
      expect.stringMatching(/^sha256-/),
    ]);
    const values = { email: 'ada@example.com' };
    const foreign = ticketIn(await tenant.show(other));
    for (const sent of [
      { ...values },
      { ...values, _ticket: ticket },
      { ...values, _ticket: ticket, _proof: 'x' },
      { ...values, _ticket: foreign, _proof: provenBy(foreign) },
      { ...values, _ticket: `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'Q' : 'A'}`, _proof: provenBy(ticket) },
    ]) {
      expect((await tenant.submit(form, sent)).headers.get(':status')).toBe('422');
    }
    expect(await tenant.submissions()).toEqual([]);
    await tenant.submit(form, { ...values, _ticket: ticket, _proof: provenBy(ticket) });
    expect(await tenant.submissions()).toHaveLength(1);

    const slow = await tenant.createForm({ key: 'slow', minSeconds: 60 });
    const early = await tenant.visit(slow, values);
    expect([early.headers.get(':status'), early.text.includes('ada@example.com')]).toEqual(['422', true]);
  });

  test('that fill in what people do not see are rejected, and nothing of it is kept', async () => {
    const form = await tenant.createForm({ topicKeys: ['newsletter'] });
    const people = await tenant.visit(form, { email: 'ada@example.com' });
    const bots = await tenant.visit(form, { email: 'bot@example.com', _website: 'x', _topic_newsletter: '1' });
    expect(bots.text).toBe(people.text);
    expect((await tenant.submissions())[1]).toMatchObject({
      ...{ state: FormSubmissionState.REJECTED, reason: FormRejection.HONEYPOT, values: [], topicKeys: [] },
      ...{ customerId: undefined, evidence: undefined },
    });
    const { customers } = await service.call('listCustomers', {}, tenant.caller);
    expect(customers.map(({ emails: [first] }) => first?.address)).toEqual(['ada@example.com']);
  });

  test('with one address reach its limit, also in parallel, and one row says so', async () => {
    const form = await tenant.createForm({ dailyLimitPerAddress: 3, createsLead: true });
    await Promise.all(Array.from({ length: 8 }, () => tenant.visit(form, { email: 'ada@example.com' })));
    const states = (await tenant.submissions()).map(({ state, reason }) => reason ?? state);
    expect(states.toSorted()).toEqual(
      [...Array.from({ length: 3 }, () => FormSubmissionState.CONFIRMED), FormRejection.ADDRESS_LIMIT].toSorted(),
    );
    expect((await service.call('listLeads', {}, tenant.caller)).leads).toHaveLength(3);
  });
});

test('the page is in the language of the visitor, and escapes all texts', async () => {
  const labels = [{ key: 'email', label: '<i>邮箱</i>' }];
  const form = await tenant.createForm({
    texts: [text('en', { title: 'News & more' }), text('zh-CN', { title: '<b>新闻</b>', labels, button: '订阅' })],
  });
  const chinese = (await tenant.show(form, 'fr, zh;q=0.5, en;q=0.1')).text;
  expect(chinese).toContain('<html lang="zh-CN">');
  expect(chinese).toContain('&#60;b&#62;新闻&#60;/b&#62;');
  expect(chinese).toContain('&#60;i&#62;邮箱');
  expect([chinese.includes('订阅'), chinese.includes('<b>'), chinese.includes('<script')]).toEqual([
    true,
    false,
    false,
  ]);
  expect((await tenant.show(form, 'fr')).text).toContain('News &#38; more');
});

test('a form leads to its address after a submission, which its page may follow', async () => {
  const form = await tenant.createForm({ redirectUrl: 'https://shop.example/thanks?a=1' });
  expect((await tenant.show(form)).headers.get('form-action')).toBe('https://shop.example');
  const { headers } = await tenant.submit(form, { email: 'ada@example.com' });
  expect([headers.get('location'), headers.get('tenant')]).toEqual([form.redirectUrl, tenant.caller.tenantId]);
});

test('drafts and deleted forms have no page, and closed ones take nothing', async () => {
  const { caller } = tenant;
  const form = await tenant.createForm({ state: FormState.DRAFT });
  const missing = { reason: 'PAGE_NOT_FOUND' };
  await expect(tenant.show(form)).rejects.toMatchObject(missing);
  await expect(tenant.submit(form, { email: 'a@example.com' })).rejects.toMatchObject(missing);
  await expect(tenant.show({ ...form, token: 'x' })).rejects.toMatchObject(missing);
  const set = (state: FormState) =>
    service.call('updateForm', { id: form.id, form: { ...form, state }, updateMask: ['state'] }, caller);
  expect((await set(FormState.CLOSED)).token).toBe(form.token);
  expect((await tenant.submit(form, { email: 'a@example.com' })).headers.get(':status')).toBe('410');
  await set(FormState.ACTIVE);
  await tenant.submit(form, { email: 'a@example.com' });
  await service.call('deleteForm', { id: form.id }, caller);
  await expect(tenant.show(form)).rejects.toMatchObject(missing);
  expect(await tenant.submissions()).toHaveLength(1);
});

test.each<[what: string, form: Parameters<FormTenant['createForm']>[0], field: string, reason: string]>([
  ['two fields with one key', { fields: [email, field('email')] }, 'form.fields[1].key', 'DUPLICATE'],
  ['no e-mail address', { fields: [field('name')] }, 'form.fields', 'REQUIRED'],
  [
    'a choice of nothing',
    { fields: [email, field('a', { kind: FormFieldKind.CHOICE })] },
    'form.fields[1].options',
    'REQUIRED',
  ],
  [
    'a number as a name',
    { fields: [email, field('a', { kind: FormFieldKind.NUMBER, customerField: 'givenName' })] },
    'form.fields[1].kind',
    'NOT_ALLOWED',
  ],
  ['an unknown language', { texts: [text('xx-123', {})] }, 'form.texts[0].locale', 'LOCALE_UNKNOWN'],
  ['an address that is not https', { redirectUrl: 'http://shop.example' }, 'form.redirectUrl', 'URL_NOT_ALLOWED'],
])('a form with %s is refused', async (_what, given, at, reason) => {
  await expect(tenant.createForm(given)).rejects.toMatchObject({ violations: [{ field: at, reason }] });
});

test('submissions are erased with their customer, and hidden without access to personal data', async () => {
  const form = await tenant.createForm();
  await tenant.visit(form, { email: 'ada@example.com' });
  const hidden = await service.call('listFormSubmissions', {}, { ...tenant.caller, hidesPii: true });
  expect(hidden.formSubmissions[0]?.values[0]).toMatchObject({ key: 'email', value: '***' });
  const [submission] = await tenant.submissions();
  await service.call('eraseCustomer', { id: submission?.customerId ?? '', erasure: { reason: 'x' } }, tenant.caller);
  expect(await tenant.submissions()).toEqual([]);
});

function text(locale: string, given: object) {
  return {
    locale,
    title: 'Title',
    description: undefined,
    consent: undefined,
    button: undefined,
    thanks: undefined,
    labels: [],
    ...given,
  };
}
