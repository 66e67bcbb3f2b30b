import type { Api } from './api.ts';

/** Segments of the people of the demo. Their members are found in the background. */
const segments = [
  { key: 'vip', name: 'Important customers', filter: 'tags = vip' },
  { key: 'in_talks', name: 'In talks', description: 'Customers with an open deal', filter: 'deals.status = OPEN' },
  { key: 'new', name: 'New this month', filter: 'kind = PERSON AND createTime > now-30d' },
];

/** Creates segments. */
export async function makeMarketing(api: Api): Promise<void> {
  for (const segment of segments) await api('POST', '/v1/segments', segment);
}
