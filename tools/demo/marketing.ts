import type { Api } from './api.ts';

/** Segments of the people of the demo. Their members are found in the background. */
const segments = [
  { key: 'vip', name: 'Important customers', filter: 'tags = vip' },
  { key: 'in_talks', name: 'In talks', description: 'Customers with an open deal', filter: 'deals.status = OPEN' },
  { key: 'new', name: 'New this month', filter: 'kind = PERSON AND createTime > now-30d' },
];

/** The form of a page that offers a trial. */
const form = {
  ...{ key: 'trial', name: 'Trial', state: 'ACTIVE', createsLead: true },
  fields: [
    { key: 'email', label: 'E-mail', isRequired: true, customerField: 'email' },
    { key: 'name', label: 'Your name', customerField: 'displayName' },
    { key: 'company', label: 'Company', leadField: 'company' },
    { key: 'size', label: 'Team size', kind: 'CHOICE', options: ['1 to 10', '11 to 50', 'more than 50'] },
  ],
  texts: [{ locale: 'en', title: 'Try it for 30 days', button: 'Start the trial' }],
};

/** Creates segments and a form. */
export async function makeMarketing(api: Api): Promise<void> {
  await api('POST', '/v1/forms', form);
  await api('POST', '/v1/segments:batchCreate', { items: segments.map((segment) => ({ segment })) });
}
