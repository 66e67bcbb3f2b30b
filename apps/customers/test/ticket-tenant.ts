import { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketReply } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { TicketStatus } from '@rapport/contracts/rapport/support/v1/ticket_status';
import { newCaller, person, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with tickets, and the responses of its calls. */
export class TicketTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  async createRequester(displayName = 'Ada Lovelace'): Promise<string> {
    const emails = [{ address: `${crypto.randomUUID()}@example.com`, label: undefined }];
    return (await this.service.create(this.caller, person({ displayName, emails }))).id;
  }

  createTicket(customerId: string, given: Partial<Ticket> = {}): Promise<Ticket> {
    return this.service.call('createTicket', { ticket: ticket({ customerId, ...given }) }, this.caller);
  }

  updateTicket(id: string, changes: Partial<Ticket>): Promise<Ticket> {
    const updateMask = Object.keys(changes);
    return this.service.call('updateTicket', { id, ticket: ticket(changes), updateMask }, this.caller);
  }

  getTicket(id: string): Promise<Ticket> {
    return this.service.call('getTicket', { id }, this.caller);
  }

  createStatus(given: Partial<TicketStatus>): Promise<TicketStatus> {
    const ticketStatus = { ...TicketStatus.decode(new Uint8Array()), name: given.key ?? '', ...given };
    return this.service.call('createTicketStatus', { ticketStatus }, this.caller);
  }

  reply(id: string, given: Partial<TicketReply> = {}) {
    return this.service.call('replyToTicket', { id, reply: reply(given) }, this.caller);
  }

  note(id: string, text: string, mentions: string[] = []) {
    return this.service.call('addTicketNote', { id, note: { text, mentions } }, this.caller);
  }

  message(id: string, text = 'It still fails.', customerId?: string) {
    return this.service.call('addTicketMessage', { id, message: { text, customerId } }, this.caller);
  }

  /** Oldest first. */
  async entriesOf({ id }: Pick<Ticket, 'id'>): Promise<TicketEntry[]> {
    const entries: TicketEntry[] = [];
    let pageToken: string | undefined;
    do {
      const request = { filter: `ticketId = ${id}`, orderBy: 'createTime', pageSize: 200, pageToken };
      const page = await this.service.call('listTicketEntries', request, this.caller);
      entries.push(...page.ticketEntries);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return entries;
  }
}

const blankTicket = Ticket.decode(new Uint8Array());

export function ticket(given: Partial<Ticket> = {}): Ticket {
  return { ...blankTicket, subject: 'The export stops', ...given };
}

export function reply(given: Partial<TicketReply> = {}): TicketReply {
  return { ...TicketReply.decode(new Uint8Array()), text: 'It is fixed.', ...given };
}
