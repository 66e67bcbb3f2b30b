import type { Api } from './api.ts';
import { dayIn, idsOf } from './deals.ts';

/** Work about a deal of the demo, and about its customer. Days count from today. */
const demoWork = [
  {
    deal: 'Cold-chain sensors',
    tasks: [
      { subject: 'Call about the quote', days: 0, priority: 'HIGH' },
      { subject: 'Ask for the delivery address', days: -2 },
    ],
    note: 'Wants **two** sites first, the others next year.',
    call: { subject: 'Number of sites', direction: 'OUTBOUND', number: '+351213456789', outcome: 'CONNECTED' },
  },
  {
    deal: 'Fleet weight sensors',
    tasks: [{ subject: 'Review the price list', days: 3, recurrence: { rule: 'FREQ=MONTHLY' } }],
    note: 'Decides with the head of the fleet.',
    call: { subject: 'Introduction', direction: 'INBOUND', number: '+420212345678', outcome: 'LEFT_MESSAGE' },
  },
];

/** Creates tasks, notes, calls, a meeting and an e-mail about deals of the demo. They notify the administrator. */
export async function makeWork(api: Api): Promise<void> {
  const [deals, { users }] = await Promise.all([
    idsOf(api, 'deals', 'title'),
    api<{ users: { id: string; displayName: string }[] }>('GET', '/v1/users'),
  ]);
  const [{ id: ownerId = '', displayName = '' } = {}] = users;
  for (const { deal, tasks, note, call } of demoWork) {
    const id = deals.get(deal) ?? '';
    const { customerId } = await api<{ customerId?: string }>('GET', `/v1/deals/${id}`);
    const related = [{ type: 'deal', id }, ...(customerId === undefined ? [] : [{ type: 'customer', id: customerId }])];
    for (const { days, ...task } of tasks) {
      await api('POST', '/v1/tasks', { ...task, dueDate: dayIn(days), ownerId, related });
    }
    await api('POST', '/v1/notes', { body: `${note} @[${displayName}](users/${ownerId})`, related });
    await api('POST', '/v1/calls', { ...call, startTime: `${dayIn(-1)}T09:30:00Z`, durationSeconds: 340, related });
    const [startTime, endTime] = [`${dayIn(2)}T13:00:00Z`, `${dayIn(2)}T14:00:00Z`];
    await api('POST', '/v1/meetings', { subject: `Demo: ${deal}`, startTime, endTime, location: 'Room 3', related });
    const sent = { direction: 'OUTBOUND', sentTime: `${dayIn(-3)}T15:00:00Z`, text: 'Thank you for the talk.' };
    await api('POST', '/v1/emails', { subject: `Our offer: ${deal}`, ...sent, related });
  }
}
