import type { Api } from './api.ts';
import { idsOf } from './deals.ts';

const topics = [
  {
    ...{ key: 'newsletter', name: 'Monthly newsletter', description: 'News of our instruments, once a month.' },
    texts: [{ locale: 'zh-CN', name: '每月通讯', description: '每月一次的仪器新闻。' }],
    isDoubleOptIn: true,
  },
  { key: 'offers', name: 'Offers', description: 'Prices for customers.', cap: { count: 2, days: 7 } },
  { key: 'service_notices', name: 'Service notices', legalBasis: 'CONTRACT' },
];

/** Creates topics, and consents of people: two of three get the newsletter, and some have left it. */
export async function makeTopics(api: Api): Promise<void> {
  await api('POST', '/v1/topics:batchCreate', { items: topics.map((topic) => ({ topic })) });
  const people = [...(await idsOf(api, 'customers', 'displayName', 'kind = PERSON')).values()].slice(0, 30);
  for (const [index, id] of people.entries()) {
    const consent = { purpose: 'newsletter', channel: 'EMAIL', legalBasis: 'CONSENT', source: 'trade fair' };
    if (index % 3 > 0) await api('POST', `/v1/customers/${id}/consents`, { ...consent, state: 'GIVEN' });
    if (index % 9 === 4) await api('POST', `/v1/customers/${id}/consents`, { ...consent, state: 'WITHDRAWN' });
  }
}
