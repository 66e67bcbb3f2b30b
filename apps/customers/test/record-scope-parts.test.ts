import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { outcomeOf } from './scoped-tenant.js';
import { TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();
let sales: SalesTenant;
let support: TicketTenant;
const [ann, bob] = [crypto.randomUUID(), crypto.randomUUID()];

beforeEach(() => {
  sales = new SalesTenant(service);
  support = new TicketTenant(service, sales.caller);
});

/** A user who sees only what it owns. */
function narrow(id: string): Caller {
  return { ...sales.caller, principalId: `user:${id}`, recordScope: 'OWN', teamIds: [] };
}

test('entries of a ticket are seen by the callers who see the ticket', async () => {
  const requester = await support.createRequester();
  const ticket = await support.createTicket(requester, { ownerId: ann });
  const { entry } = await support.note(ticket.id, 'Ask for the serial numbers.');
  const id = entry?.id ?? '';

  const seenBy = async (caller: Caller) => ({
    list: (await service.call('listTicketEntries', {}, caller)).ticketEntries.length,
    search: (await service.call('listTicketEntries', { q: 'serial' }, caller)).ticketEntries.length,
    batch: (await service.call('batchGetTicketEntries', { ids: [id] }, caller)).ticketEntries.length,
    count: (await service.call('aggregateTicketEntries', {}, caller)).total?.count,
    everywhere: (await service.call('search', { q: 'serial', types: ['ticketEntry'] }, caller)).results.length,
    changes: (await service.call('listChanges', { types: ['ticket_entry'] }, caller)).changes.length,
  });
  // The feed has the change once it is in the log.
  await changesOf(service, sales.caller, 1, { types: ['ticket_entry'] });
  expect(await seenBy(narrow(ann))).toEqual({ list: 1, search: 1, batch: 1, count: 1, everywhere: 1, changes: 1 });
  expect(await seenBy(narrow(bob))).toEqual({ list: 0, search: 0, batch: 0, count: 0, everywhere: 0, changes: 0 });
  expect(await outcomeOf(service.call('getTicketEntry', { id }, narrow(bob)))).toMatchObject({
    reason: 'TICKET_ENTRY_NOT_FOUND',
  });
});

test('a caller with a narrow scope works on its own tickets', async () => {
  const caller = narrow(ann);
  const own = new TicketTenant(service, caller);
  const requester = await own.createRequester();
  const [ticket, double] = [await own.createTicket(requester), await own.createTicket(requester)];
  await own.message(ticket.id, 'It fails.', requester);
  await own.reply(ticket.id);
  await own.note(double.id, 'The same.');
  await service.call('mergeTicket', { id: double.id, merge: { intoId: ticket.id } }, caller);

  expect(await own.entriesOf(ticket)).toHaveLength((await support.entriesOf(ticket)).length);
});

test('the change feed has no assignments for callers who cannot read them', async () => {
  await sales.createRule([ann]);
  const { id: customerId } = await service.create(sales.caller, person());
  expect((await sales.createLead(customerId)).ownerId).toBe(ann);
  await changesOf(service, sales.caller, 1, { types: ['assignment'] });

  expect((await service.call('listChanges', { types: ['assignment'] }, narrow(ann))).changes).toEqual([]);
});
