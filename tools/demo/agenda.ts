import { dayIn } from './deals.ts';
import type { Scene } from './users.ts';

const tax = { mode: 'EXCLUSIVE', category: 'STANDARD', rate: '19' };

/** Tasks of a user: what to do, days from today, a time in UTC or none, and more. */
const tasks: readonly [string, number, string?, { about?: string; priority?: string; recurrence?: object }?][] = [
  ['Send the revised quote for cells 3 and 4', -3, undefined, { priority: 'HIGH', about: 'Spindle retrofit' }],
  ['Ask purchasing for the framework contract number', -1, '09:00', { about: 'Calibration contract' }],
  ['Confirm the date of the acceptance test', 0, '15:00', { priority: 'URGENT', about: 'Spindle retrofit' }],
  ['Reply to Käthe Weiß about the certificates', 0, '16:45', { about: 'Gauge recalibration' }],
  ['Prepare the numbers for Monday', 0],
  ['Review the pipeline', 0, undefined, { recurrence: { rule: 'FREQ=WEEKLY' } }],
  ['Check the torque stand drawings', 1, '08:30', { about: 'Torque stand' }],
  ['Update the service plan for the lab balances', 1, undefined, { about: 'Lab balance' }],
  ['Call the plant manager', 2, '13:00', { priority: 'HIGH', about: 'Calibration contract' }],
  ['Book the truck for the calibration bench', 4, undefined, { priority: 'LOW' }],
  ['Send the monthly price list to resellers', 5, undefined, { recurrence: { rule: 'FREQ=MONTHLY' } }],
];

/** Meetings of the user: subject, days from today, from and to in UTC, and where. */
const meetings: readonly [string, number, string, string, string, string?][] = [
  ['Site visit, cell 3', -5, '08:00', '10:30', 'Plant 2', 'Spindle retrofit'],
  ['Weekly sales review', -6, '08:30', '09:15', 'Room 3'],
  ['Contract terms', -4, '13:00', '14:00', 'Video call', 'Calibration contract'],
  ['Lab walk-through', -3, '09:30', '11:00', 'Košice', 'Lab balance'],
  ['Torque stand: open points', -3, '10:00', '10:45', 'Video call', 'Torque stand'],
  ['Quote review with Tobias', -2, '12:30', '13:15', 'Room 3', 'Spindle retrofit'],
  ['Planning of the week', 0, '16:00', '16:45', 'Room 3'],
  ['Acceptance test, dry run', 0, '09:00', '10:30', 'Plant 2', 'Spindle retrofit'],
  ['Weekly sales review', 1, '08:30', '09:15', 'Room 3'],
  ['Calibration contract: signature', 2, '10:00', '11:00', 'Video call', 'Calibration contract'],
  ['Drawings, line 2', 2, '13:30', '14:30', 'Video call', 'Torque stand'],
  ['Service plan for next year', 3, '09:00', '10:00', 'Video call', 'Lab balance'],
  ['Supplier day', 4, '12:00', '15:00', 'Trade hall'],
];

const calls: readonly [string, number, string, number, string][] = [
  ['Delivery date of the spindles', -5, '12:10', 1_320, 'Spindle retrofit'],
  ['Discount for three years', -4, '09:00', 1_900, 'Calibration contract'],
  ['Certificates of the last visit', -2, '08:05', 840, 'Gauge recalibration'],
  ['Crane for the torque stand', 0, '11:20', 1_500, 'Torque stand'],
];

/** Fills the days around today of the administrator, and gives a deal its lines, shares and quotes. */
export async function makeAgenda(scene: Scene): Promise<void> {
  const { admin, actor } = scene;
  const ownerId = actor('Mara').id;
  const relatedTo = related(scene);
  const toDo = tasks.map(([subject, days, time, { about, ...more } = {}]) => {
    const due = time === undefined ? { dueDate: dayIn(days), timeZone: 'Europe/Berlin' } : { dueTime: at(days, time) };
    return { task: { subject, ownerId, ...due, ...more, ...relatedTo(about) } };
  });
  await admin('POST', '/v1/tasks:batchCreate', { items: toDo });
  const atTimes = meetings.map(([subject, days, from, to, location, about]) => {
    const when = { startTime: at(days, from), endTime: at(days, to) };
    return { meeting: { subject, ownerId, ...when, location, ...relatedTo(about) } };
  });
  const fair = { startDate: dayIn(-2), endDate: dayIn(-1), allDay: true, location: 'Stuttgart' };
  const audit = { ...fair, startDate: dayIn(1), endDate: dayIn(3) };
  const onDays = [
    { meeting: { subject: 'Control trade fair', ownerId, ...fair } },
    { meeting: { subject: 'Audit week', ownerId, ...audit } },
  ];
  await admin('POST', '/v1/meetings:batchCreate', { items: [...atTimes, ...onDays] });
  const made = calls.map(([subject, days, time, durationSeconds, about]) => {
    const call = { direction: 'OUTBOUND', outcome: 'CONNECTED', number: '+4971194730', startTime: at(days, time) };
    return { call: { subject, ownerId, ...call, durationSeconds, ...relatedTo(about) } };
  });
  await admin('POST', '/v1/calls:batchCreate', { items: made });
  await fillDeal(scene);
}

/** A deal whose amount is that of its lines, which two users share, with a quote of its lines. */
async function fillDeal({ admin, actor, id }: Scene): Promise<void> {
  const dealId = id('deals/Spindle retrofit, cells 3 and 4');
  const lineItems = [
    { description: 'Spindle SR-12, retrofit kit', quantity: '4', unitPrice: '9850', discount: { percent: '5' }, tax },
    { description: 'Installation on site, per day', quantity: '6', unitPrice: '1030', tax },
    { description: 'Vibration sensor VS-3', quantity: '16', unitPrice: '318.75', discount: { percent: '10' }, tax },
  ];
  const splits = [
    { ownerId: actor('Mara').id, share: '70', kind: 'REVENUE' },
    { ownerId: actor('Tobias').id, share: '30', kind: 'REVENUE' },
  ];
  const deal = { lineItems, lineCurrency: 'EUR', amountMode: 'LINES', splits };
  await admin('PATCH', `/v1/deals/${dealId}`, deal);
  const body = 'The plant manager wants **both cells** in one shutdown, in week 3. Purchasing asks for 30 days.';
  const about = related({ id })('Spindle retrofit');
  await admin('POST', '/v1/notes', { body, ownerId: actor('Mara').id, ...about });
  const quote = {
    ...{ title: 'Spindle retrofit, cells 3 and 4', dealId, validUntil: dayIn(30), currency: 'EUR', lineItems },
    issuer: 'Kestrel Instruments Ltd\n1 Harbour Road\nBristol BS1 5TY',
    conditions: 'Payment within 30 days of delivery.\nInstallation in one shutdown of both cells.',
  };
  const { id: quoteId } = await admin('POST', '/v1/quotes', quote);
  await admin('POST', `/v1/quotes/${quoteId}:send`);
}

const titles = {
  'Spindle retrofit': 'Spindle retrofit, cells 3 and 4',
  'Calibration contract': 'Calibration contract 2027',
  'Gauge recalibration': 'Gauge recalibration 2026',
  'Torque stand': 'Torque stand, line 2',
  'Lab balance': 'Lab balance service plan',
} as Readonly<Record<string, string>>;

/** What work is about: a deal by the begin of its title. */
function related({ id }: Pick<Scene, 'id'>): (about?: string) => object {
  return (about) => (about === undefined ? {} : { related: [{ type: 'deal', id: id(`deals/${titles[about]}`) }] });
}

function at(days: number, time: string): string {
  return `${dayIn(days)}T${time}:00Z`;
}
