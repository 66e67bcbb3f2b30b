import type { Api } from './api.ts';
import { idsOf } from './deals.ts';

/** A question to the administrator, and what follows from the answer. */
const discount = (approverId: string) => ({
  key: 'discount',
  name: 'Approve a discount',
  description: 'Asks for a discount of a deal, and plans what follows.',
  definition: {
    trigger: {
      manual: { type: 'deal', inputs: [{ key: 'percent', type: 'TEXT', required: true, name: 'Discount, %' }] },
    },
    steps: [
      {
        key: 'ask',
        approve: { question: "'Grant ' + input.percent + ' % for ' + record.title + '?'", approverIds: [approverId] },
      },
      {
        key: 'decide',
        switch: {
          cases: [
            {
              condition: "steps.ask.decision == 'APPROVED'",
              steps: [
                { key: 'offer', addTask: { subject: "'Send the offer: ' + record.title", dueInSeconds: 86_400 } },
              ],
            },
          ],
          otherwise: [{ key: 'refuse', addNote: { text: "'No discount: ' + steps.ask.comment" } }],
        },
      },
    ],
  },
});

interface Template {
  key: string;
  name: string;
  description: string;
  definition: object;
}

/** Publishes two flows of templates, and one that asks the administrator about two deals. */
export async function makeFlows(api: Api): Promise<void> {
  const [{ templates }, deals, { users }] = await Promise.all([
    api<{ templates: Template[] }>('GET', '/v1/flowTemplates'),
    idsOf(api, 'deals', 'title'),
    api<{ users: { id: string }[] }>('GET', '/v1/users'),
  ]);
  const publish = async (flow: object) => {
    const { id } = await api('POST', '/v1/flows', flow);
    await api('POST', `/v1/flows/${id}:publish`);
    return id;
  };
  for (const key of ['rotting_deal', 'lost_deal_review']) {
    const template = templates.find((each) => each.key === key);
    if (template) await publish(template);
  }
  const id = await publish(discount(users[0]?.id ?? ''));
  for (const [title, percent] of [
    ['Cold-chain sensors', '12'],
    ['Fleet weight sensors', '8'],
  ] as const) {
    await api('POST', `/v1/flows/${id}:run`, { recordId: deals.get(title), input: { percent } });
  }
}
