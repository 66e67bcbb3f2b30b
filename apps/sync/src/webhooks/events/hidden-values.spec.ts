import { contractWithSiteVisits } from '@rapport/contracts';
import { expect, it } from 'vitest';
import { personalFieldsHidden, personalFieldsHiddenBy } from './hidden-values.js';

it.each([
  ['customer', { displayName: 'Ada', tags: ['vip'] }, { displayName: '***', tags: ['vip'] }],
  [
    'customer',
    { emails: [{ address: 'a@b.example', label: 'work' }] },
    { emails: [{ address: '***', label: 'work' }] },
  ],
  ['association', { type: 'friend_of' }, { type: 'friend_of' }],
  ['custom_field', { key: 'plan', displayName: 'Plan' }, { key: 'plan', displayName: 'Plan' }],
  ['merge', { customerId: '1', mergedId: '2' }, { customerId: '1', mergedId: '2' }],
  ['consent', { purpose: 'news', evidence: 'A form' }, { purpose: 'news', evidence: '***' }],
  [
    'file',
    { record: 'deals/1', name: 'Ada.pdf', sha256: 'ab', sizeBytes: 1 },
    { record: 'deals/1', name: '***', sha256: '***', sizeBytes: 1 },
  ],
  ['deal', { title: '50 seats', stage: 'proposal' }, { title: '***', stage: 'proposal' }],
  ['lead', { source: 'fair', message: 'Call me' }, { source: 'fair', message: '***' }],
  ['task', { subject: 'Call Ada', status: 'OPEN' }, { subject: '***', status: 'OPEN' }],
  ['note', { title: 'Ada', body: 'Ada', pinned: true }, { title: '***', body: '***', pinned: true }],
  ['call', { number: '+4930123456', outcome: 'BUSY' }, { number: '***', outcome: 'BUSY' }],
  [
    'meeting',
    { attendees: [{ email: 'a@b.example', response: 'ACCEPTED' }], allDay: true },
    { attendees: [{ email: '***', response: 'ACCEPTED' }], allDay: true },
  ],
  ['email', { toAddresses: ['a@b.example'], messageId: '1@b' }, { toAddresses: ['***'], messageId: '1@b' }],
  [
    'quote',
    { title: '50 seats', currency: 'EUR', acceptance: { name: 'Ada', sha256: 'ab' } },
    { title: '***', currency: 'EUR', acceptance: { name: '***', sha256: 'ab' } },
  ],
  [
    'ticket',
    { subject: 'The export stops', ccAddresses: ['a@b.example'], status: 'open' },
    { subject: '***', ccAddresses: ['***'], status: 'open' },
  ],
  [
    'ticket_entry',
    { text: 'Call me', html: '<p>', kind: 'CUSTOMER_MESSAGE' },
    { text: '***', html: '***', kind: 'CUSTOMER_MESSAGE' },
  ],
  ['ticket_status', { key: 'parts', name: 'Parts' }, { key: 'parts', name: 'Parts' }],
  [
    'message',
    { fromAddress: 'a@b.example', attachments: [{ name: 'Ada.pdf', sizeBytes: 1 }], state: 'STORED' },
    { fromAddress: '***', attachments: [{ name: '***', sizeBytes: 1 }], state: 'STORED' },
  ],
  ['template', { body: '{{ customer.givenName }}' }, { body: '{{ customer.givenName }}' }],
  ['article', { title: 'Reset' }, { title: 'Reset' }],
  ['form', { name: 'Newsletter' }, { name: 'Newsletter' }],
  [
    'form_submission',
    { values: [{ key: 'email', label: 'E-mail', value: 'ada@example.com' }], evidence: 'Yes', locale: 'en' },
    { values: [{ key: 'email', label: 'E-mail', value: '***' }], evidence: '***', locale: 'en' },
  ],
  ['survey_response', { score: 1, comment: 'Never again' }, { score: 1, comment: '***' }],
  ['campaign', { name: 'Spring' }, { name: 'Spring' }],
  [
    'campaign_recipient',
    { state: 'FAILED', relayReply: '550 ada@example.com' },
    { state: 'FAILED', relayReply: '***' },
  ],
  ['segment', { name: 'Readers', filter: 'tags = news' }, { name: 'Readers', filter: 'tags = news' }],
  ['segment_member', { joinPosition: '7' }, { joinPosition: '7' }],
  ['pipeline', { name: 'Renewals' }, { name: 'Renewals' }],
  ['product', { sku: 'SEAT', name: 'Seat' }, { sku: 'SEAT', name: 'Seat' }],
  ['exchange_rate', { rate: '1.08' }, { rate: '1.08' }],
  ['suppression', { channel: 'EMAIL', address: 'a@b.example' }, { channel: 'EMAIL', address: '***' }],
])('of the type %s the values %j are shown as %j', (type, values, shown) => {
  expect(personalFieldsHidden(type, values)).toEqual(shown);
});

it('of a record whose field was cleared the field is cleared, not hidden', () => {
  expect(personalFieldsHidden('customer', { displayName: null, tags: null })).toEqual({
    displayName: null,
    tags: null,
  });
});

it('of a new type of records personal data is hidden as soon as the contract declares it, and before that everything', () => {
  const values = { id: '1', summary: 'Met Ada', place: 'London', customerId: '2' };

  expect(personalFieldsHiddenBy(contractWithSiteVisits())('site_visit', values)).toEqual({ ...values, summary: '***' });
  expect(personalFieldsHidden('site_visit', values)).toEqual({});
});
