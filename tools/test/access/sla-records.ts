import { newMarker } from './markers.ts';

type Json = Record<string, unknown>;

interface Means {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  /** Makes a calendar. */
  calendar: () => Promise<string>;
  /** The customer of tickets. */
  customer: () => Promise<string>;
}

/** Creates policies, named by `marker`, and the timer of a ticket that one rules. */
export function slaRecords({ send, create, calendar, customer }: Means, marker: string) {
  const makePolicy = async () => {
    const targets = [{ metric: 'RESOLUTION', withinSeconds: 3_600 }];
    return create('/v1/slaPolicies', { key: newMarker(), name: marker, calendarId: await calendar(), targets });
  };
  const makeTimer = async () => {
    await send('POST', `/v1/slaPolicies/${await makePolicy()}:activate`, { openTickets: 'KEEP' });
    const ticketId = await create('/v1/tickets', { subject: marker, customerId: await customer() });
    const path = `/v1/slaTimers?filter=${encodeURIComponent(`ticketId = "${ticketId}"`)}`;
    const { slaTimers } = (await send('GET', path)) as { slaTimers: Json[] };
    return slaTimers[0]?.['id'] as string;
  };
  return { makePolicy, makeTimer };
}
