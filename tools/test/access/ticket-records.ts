import { newMarker, once } from './markers.ts';

/** How records are created and deleted over REST. */
interface Creating {
  send: (method: string, path: string, body?: object) => Promise<unknown>;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  /** A customer. */
  requester: () => Promise<string>;
}

/** Creates tickets of a tenant, with their entries and statuses. */
export function ticketRecords({ send, create, remove, requester }: Creating, marker: string) {
  const makeTicket = async () => create('/v1/tickets', { subject: marker, customerId: await requester() });
  const makeStatus = () => create('/v1/ticketStatuses', { key: newMarker(), name: marker, category: 'ON_HOLD' });
  const ticket = once(makeTicket);
  const addNote = async () => {
    const path = `/v1/tickets/${await ticket()}:addNote`;
    return ((await send('POST', path, { text: marker })) as { entry: { id: string } }).entry.id;
  };
  return {
    others: { tickets: once(makeTicket) },
    living: { tickets: ticket, ticketEntries: once(addNote), ticketStatuses: once(makeStatus) },
    deleted: {
      tickets: async () => remove('tickets', await makeTicket()),
      ticketStatuses: async () => remove('ticketStatuses', await makeStatus()),
    },
  };
}
