import type { Api } from './api.ts';
import data from './deals.json' with { type: 'json' };

interface Deal {
  title: string;
  company: string;
  amount: string;
  /** Days from the first start to the expected close, negative for the past. */
  closesInDays: number;
  /** A part of the name of its owner. */
  owner: string;
  /** The stages that it passes; it is created in the first. */
  stages: string[];
}

export const demoDeals: readonly Deal[] = (data.deals as [string, string, string, number, string, ...string[]][]).map(
  ([title, company, amount, closesInDays, owner, ...stages]) => ({
    ...{ title, company, amount, closesInDays, owner, stages },
  }),
);

/** The quotas of this year: of won deals, and of those that are committed. */
const yearQuotas = (['', 'COMMIT'] as const).map((category) => ({
  period: String(new Date().getUTCFullYear()),
  amount: { amount: category === '' ? '1200000' : '300000', currencyCode: 'EUR' },
  ...(category !== '' && { category }),
}));

/** Creates the pipeline, each deal in its first stage, and quotas. */
export async function makeDeals(api: Api): Promise<void> {
  const [{ id: pipelineId }, customerIds] = await Promise.all([
    api('POST', '/v1/pipelines', data.pipeline),
    idsOf(api, 'customers', 'displayName', 'kind = COMPANY'),
  ]);
  const items = demoDeals.map(({ title, company, amount, closesInDays, stages: [stage] }) => ({
    deal: {
      ...{ title, stage, pipelineId, customerId: customerIds.get(company), closeDate: dayIn(closesInDays) },
      amount: { amount, currencyCode: 'EUR' },
    },
  }));
  await api('POST', '/v1/deals:batchCreate', { items });
  await api('POST', '/v1/quotas:batchCreate', { items: yearQuotas.map((quota) => ({ quota })) });
}

/** The ids of the first 200 records of a collection, by a field that names them. */
export async function idsOf(api: Api, collection: string, field: string, filter = ''): Promise<Map<string, string>> {
  const path = `/v1/${collection}?pageSize=200&orderBy=createTime&filter=${encodeURIComponent(filter)}`;
  const { [collection]: records = [] } = await api<Record<string, Record<string, string>[]>>('GET', path);
  return new Map(records.map((record) => [record[field] ?? '', record['id'] ?? '']));
}

/** The day so many days from now, in UTC. */
export function dayIn(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}
