import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Ticket {
  id: string;
}

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

/** A customer who asks by the form of a website, and an agent who looks at the open tickets, answers and solves this one. */
export function support(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['CreateTicket', 'ListTickets', 'ReplyToTicket', 'ListTicketEntries', 'SolveTicket'],
    setup: () => firstCustomer(api),
    run(customerId) {
      const ticket = { subject: uniqueText(), customerId: customerId as string, channel: 'FORM' };
      const { id = '' } = api.send<Ticket>('POST', 'CreateTicket', '/v1/tickets', ticket).body ?? {};
      check(id, { 'a ticket is created': (created) => created !== '' });
      sleep(lookSeconds);
      const open = encodeURIComponent('category = NEW');
      const { body } = api.get<{ tickets: Ticket[] }>('ListTickets', `/v1/tickets?pageSize=20&filter=${open}`);
      check(body, { 'new tickets are listed': (answer) => (answer?.tickets.length ?? 0) > 0 });
      sleep(lookSeconds);
      const reply = { text: 'Please restart the sensor.' };
      api.send('POST', 'ReplyToTicket', `/v1/tickets/${id}:reply`, reply);
      const ofTicket = encodeURIComponent(`ticketId = "${id}"`);
      const path = `/v1/ticketEntries?filter=${ofTicket}`;
      const conversation = api.get<{ ticketEntries: unknown[] }>('ListTicketEntries', path);
      check(conversation.body, { 'the reply is in the conversation': (answer) => answer?.ticketEntries.length === 1 });
      sleep(lookSeconds);
      const solved = api.send<{ category: string }>('POST', 'SolveTicket', `/v1/tickets/${id}:solve`, {});
      check(solved.body, { 'a ticket is solved': (answer) => answer?.category === 'SOLVED' });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no customer */
function firstCustomer(api: Api): string {
  const { status, body } = api.get<{ customers?: { id: string }[] }>('ListCustomers', '/v1/customers?pageSize=1');
  const [first] = body?.customers ?? [];
  if (!first) throw new Error(`The tenant has no customer for its tickets (${status}).`);
  return first.id;
}
