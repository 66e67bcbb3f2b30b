import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The entry of one company in `demo-deals.json`. */
interface CompanyDeals {
  /** Its display name. */
  company: string;
  currencyCode: string;
  /** `days` is the number of days from the first start to the expected close, negative for the past. */
  deals: [title: string, stage: string, amount: string, closesInDays: number, lostReason?: string][];
}

const pipeline = {
  name: 'New business',
  stages: [
    { key: 'qualification', name: 'Qualification', kind: 'OPEN', probability: 10 },
    { key: 'proposal', name: 'Proposal', kind: 'OPEN', probability: 40, guards: [needs('amount')] },
    { key: 'negotiation', name: 'Negotiation', kind: 'OPEN', probability: 70, guards: [needs('amount', 'closeDate')] },
    { key: 'won', name: 'Won', kind: 'WON', probability: 100, guards: [needs('amount')] },
    { key: 'lost', name: 'Lost', kind: 'LOST', probability: 0, guards: [needs('lostReason')] },
  ],
  externalIds: [{ system: 'demo', value: 'new-business' }],
};

/**
 * Creates deals in one pipeline for the companies of a tenant. Idempotent.
 *
 * @param api sends a GET, or a POST when there is a body
 */
export async function makeDemoDeals(api: (path: string, body?: object) => Promise<unknown>): Promise<void> {
  const made = (await api('/v1/deals?pageSize=1')) as { deals: unknown[] };
  if (made.deals.length > 0) return;
  const { pipeline: saved } = (await api('/v1/pipelines:upsert?matchSystem=demo', pipeline)) as {
    pipeline: { id: string };
  };
  const filter = encodeURIComponent('kind = COMPANY');
  const { customers } = (await api(`/v1/customers?pageSize=200&filter=${filter}`)) as {
    customers: { id: string; displayName: string }[];
  };
  const ids = new Map(customers.map(({ id, displayName }) => [displayName, id]));
  const file = await readFile(join(import.meta.dirname, 'demo-deals.json'), 'utf8');
  const items = (JSON.parse(file) as CompanyDeals[]).flatMap(({ company, currencyCode, deals }) =>
    deals.map(([title, stage, amount, closesInDays, lostReason]) => ({
      deal: {
        ...{ title, stage, lostReason, pipelineId: saved.id, customerId: ids.get(company) },
        amount: { amount, currencyCode },
        closeDate: new Date(Date.now() + closesInDays * 86_400_000).toISOString().slice(0, 10),
      },
    })),
  );
  await api('/v1/deals:batchCreate', { items });
}

/** A guard that requires these fields. */
function needs(...fields: string[]) {
  return { kind: 'FIELDS', fields };
}
