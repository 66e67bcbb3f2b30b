import type { Api } from './api.ts';
import { dayIn, idsOf } from './deals.ts';
import data from './leads.json' with { type: 'json' };

interface Users {
  users: { id: string }[];
}

/** Creates leads of customers, in all states but QUALIFIED, which the deals of the demo stand for. */
export async function makeLeads(api: Api): Promise<void> {
  const people = [...(await idsOf(api, 'customers', 'displayName', 'kind = PERSON')).values()];
  const items = data.leads.map(({ amount, ...lead }, index) => ({
    lead: {
      ...lead,
      customerId: people[(index * 7) % people.length],
      ...(amount !== undefined && { expectedAmount: { amount, currencyCode: 'EUR' } }),
    },
  }));
  await api('POST', '/v1/leads:batchCreate', { items });
}

/** Creates the rule that gives leads from the web to the users of the demo, and two leads that it has given. */
export async function makeRule(api: Api): Promise<void> {
  const { users } = await api<Users>('GET', '/v1/users');
  const members = users.map(({ id: userId }) => ({ userId }));
  await api('POST', '/v1/assignmentRules', { ...data.rule, members });
  for (const { customer, lead } of data.intakes) {
    await api('POST', '/v1/leads:intake', { customer, lead: { ...lead, campaign: `Web ${dayIn(0).slice(0, 4)}` } });
  }
}
