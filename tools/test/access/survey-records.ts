import { vi } from 'vitest';
import { newMarker, once } from './markers.ts';

type Record = Readonly<{ id: string }>;

interface Means {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  /** Sends a message: then there is a mailbox that can send. */
  message: () => Promise<string>;
}

const patience = { timeout: 20_000, interval: 200 };

/** Creates the response that a survey asks for when a ticket is solved. */
export function surveyRecords({ send, create, message }: Means, marker: string) {
  const makeResponse = async () => {
    await message();
    const survey = await create('/v1/surveys', { name: marker, question: marker });
    const emails = [{ address: `${newMarker()}@mail.example` }];
    const customerId = await create('/v1/customers', { kind: 'PERSON', displayName: marker, emails });
    const ticket = await create('/v1/tickets', { subject: marker, customerId });
    await create(`/v1/tickets/${ticket}:solve`);
    const response = await vi.waitFor(async () => {
      const path = `/v1/surveyResponses?filter=${encodeURIComponent(`ticketId = "${ticket}"`)}`;
      const [made] = ((await send('GET', path)) as { surveyResponses: Record[] }).surveyResponses;
      if (!made) throw new Error('The customer was not asked yet.');
      return made.id;
    }, patience);
    // It asks nobody else: other tests solve tickets.
    await send('PATCH', `/v1/surveys/${survey}`, { state: 'PAUSED' });
    const path = `/v1/messages?filter=${encodeURIComponent('state IN (QUEUED, CLAIMED)')}`;
    const { messages } = (await send('GET', path)) as { messages: Record[] };
    // As of other messages: attempts to send it would change it again and again.
    for (const { id } of messages) await vi.waitFor(() => create(`/v1/messages/${id}:cancel`), patience);
    return response;
  };
  return { living: { surveyResponses: once(makeResponse) } };
}
