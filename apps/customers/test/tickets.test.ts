import {
  TicketCategory,
  TicketChannel,
  TicketPriority,
  TicketType,
  type Ticket,
} from '@rapport/contracts/rapport/support/v1/ticket';
import {
  TicketEntryAuthor,
  TicketEntryKind,
  TicketEntryVisibility,
} from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { TimelineKind } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { beforeEach, describe, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { reply, ticket, TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();
let tenant: TicketTenant;
let ada: string;

beforeEach(async () => {
  tenant = new TicketTenant(service);
  ada = await tenant.createRequester();
});

const call = (
  name: 'takeTicket' | 'releaseTicket' | 'solveTicket' | 'reopenTicket' | 'markTicketSpam',
  { id }: Pick<Ticket, 'id'>,
  caller = tenant.caller,
): Promise<Ticket> => service.call(name, { id }, caller);

describe('a ticket', () => {
  test('is new, normal and a question by default', async () => {
    const created = await tenant.createTicket(ada);

    expect(created).toMatchObject({
      ...{ number: 1, status: 'new', category: TicketCategory.NEW, priority: TicketPriority.NORMAL },
      ...{ type: TicketType.QUESTION, channel: TicketChannel.API, reopenCount: 0, statusTime: created.createTime },
    });
  });

  test('gets the next number of the tenant, however it is created', async () => {
    const created = await Promise.all(Array.from({ length: 8 }, () => tenant.createTicket(ada)));
    const batch = { items: [1, 2, 3].map(() => ({ ticket: ticket({ customerId: ada }) })), mode: 1 };
    const { results } = await service.call('batchCreateTickets', { batch }, tenant.caller);
    const failed = tenant.createTicket(crypto.randomUUID());
    await expect(failed).rejects.toMatchObject({ violations: [{ reason: 'CUSTOMER_NOT_FOUND' }] });
    const last = await tenant.createTicket(ada);

    const numbers = [...created, ...results.map((result) => result.ticket!)].map(({ number }) => number);
    expect(numbers.toSorted((one, other) => one! - other!)).toEqual(Array.from({ length: 11 }, (_, each) => each + 1));
    expect(last.number).toBe(12);
    expect(await service.call('getTicket', { id: last.id }, tenant.caller)).toMatchObject({ number: 12 });
  });

  test('is found by its number', async () => {
    const created = await tenant.createTicket(ada);
    const { tickets } = await service.call('listTickets', { filter: 'number = 1' }, tenant.caller);

    expect(tickets).toEqual([created]);
  });

  test('counts how often it is reopened, and is solved at a time while it is solved', async () => {
    const { id } = await tenant.createTicket(ada);

    const solved = await tenant.updateTicket(id, { status: 'solved' });
    expect(solved).toMatchObject({ category: TicketCategory.SOLVED, solvedTime: solved.updateTime });
    const closed = await tenant.updateTicket(id, { status: 'closed' });
    expect(closed).toMatchObject({ category: TicketCategory.CLOSED, solvedTime: solved.solvedTime, reopenCount: 0 });
    const reopened = await tenant.updateTicket(id, { status: 'on_hold' });
    expect(reopened).toMatchObject({ category: TicketCategory.ON_HOLD, solvedTime: undefined, reopenCount: 1 });
  });

  test('has no status that the workspace does not have, and keeps one that is deleted', async () => {
    const { id } = await tenant.createTicket(ada);
    await expect(tenant.updateTicket(id, { status: 'parts' })).rejects.toMatchObject({
      violations: [
        {
          ...{ field: 'ticket.status', reason: 'STATUS_UNKNOWN' },
          description: 'must be one of new, open, pending, on_hold, solved, closed',
        },
      ],
    });
    const parts = await tenant.createStatus({ key: 'parts', category: TicketCategory.ON_HOLD });

    expect(await tenant.updateTicket(id, { status: 'parts' })).toMatchObject({ category: TicketCategory.ON_HOLD });
    await service.call('deleteTicketStatus', { id: parts.id }, tenant.caller);
    expect(await tenant.updateTicket(id, { subject: 'Parts' })).toMatchObject({
      ...{ subject: 'Parts', status: 'parts', category: TicketCategory.ON_HOLD },
    });
    await expect(tenant.createTicket(ada, { status: 'parts' })).rejects.toMatchObject({
      violations: [{ reason: 'STATUS_UNKNOWN' }],
    });
  });

  test('keeps the category of a built-in status that has another name', async () => {
    await expect(tenant.createStatus({ key: 'open', category: TicketCategory.PENDING })).rejects.toMatchObject({
      violations: [{ field: 'ticketStatus.category', reason: 'CATEGORY_FIXED' }],
    });
    const open = await tenant.createStatus({ key: 'open', name: 'In progress', category: TicketCategory.OPEN });

    expect(open.name).toBe('In progress');
  });

  test('is erased with its requester, and its entries with it', async () => {
    const created = await tenant.createTicket(ada);
    const { entry } = await tenant.reply(created.id);
    const { entry: foreign } = await tenant.message(created.id, 'Me too', await tenant.createRequester('Grace'));

    await service.call('eraseCustomer', { id: ada, erasure: { reason: 'asked' } }, tenant.caller);
    await expect(tenant.getTicket(created.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const { id } of [entry!, foreign!]) {
      const read = service.call('getTicketEntry', { id }, tenant.caller);
      await expect(read).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});

describe('the conversation of a ticket', () => {
  test('has replies, and shows when the first person replied', async () => {
    const created = await tenant.createTicket(ada);

    const machine = await tenant.reply(created.id, { automatic: true });
    expect(machine.ticket).toMatchObject({ status: 'open', firstResponseTime: undefined });
    expect(machine.entry).toMatchObject({ kind: TicketEntryKind.PUBLIC_REPLY, by: TicketEntryAuthor.MACHINE });
    const first = await tenant.reply(created.id, { thenStatus: 'pending', cc: ['bob@example.com'] });
    expect(first.ticket).toMatchObject({
      ...{ status: 'pending', category: TicketCategory.PENDING, ccAddresses: ['bob@example.com'] },
      ...{ firstResponseTime: first.entry?.createTime, lastReplyTime: first.entry?.createTime },
    });
    const second = await tenant.reply(created.id);
    expect(second.ticket?.firstResponseTime).toBe(first.ticket?.firstResponseTime);
    expect(await tenant.entriesOf(created)).toEqual([machine.entry, first.entry, second.entry]);
  });

  test('is opened again by a message of the customer, unless it is closed', async () => {
    const { id } = await tenant.createTicket(ada);
    await tenant.reply(id, { thenStatus: 'solved' });

    const { entry, ticket: opened } = await tenant.message(id);
    expect(opened).toMatchObject({ status: 'open', reopenCount: 1, lastCustomerMessageTime: entry?.createTime });
    expect(entry).toMatchObject({ customerId: ada, authorId: undefined, subject: 'The export stops' });
    await tenant.updateTicket(id, { status: 'closed' });
    await expect(tenant.message(id)).rejects.toMatchObject({ reason: 'TICKET_CLOSED' });
  });

  test('takes no message of a customer that does not exist', async () => {
    const { id } = await tenant.createTicket(ada);

    const call = tenant.message(id, 'Me too', crypto.randomUUID());
    await expect(call).rejects.toMatchObject({
      violations: [{ field: 'message.customerId', reason: 'CUSTOMER_NOT_FOUND' }],
    });
  });

  test('takes a message of a customer who is erased meanwhile before the erasure, or not at all', async () => {
    const { id } = await tenant.createTicket(ada);
    for (let round = 0; round < 5; round += 1) {
      const eve = await tenant.createRequester('Eve');
      const erasure = { reason: 'asked for' };
      const [message, erased] = await Promise.allSettled([
        tenant.message(id, 'Me too', eve),
        service.call('eraseCustomer', { id: eve, erasure }, tenant.caller),
      ]);
      expect(erased.status).toBe('fulfilled');
      const refused = { status: 'rejected', reason: { violations: [{ reason: 'CUSTOMER_NOT_FOUND' }] } };
      if (message.status === 'rejected') expect(message).toMatchObject(refused);
    }
    expect((await tenant.entriesOf({ id })).filter(({ text }) => text === 'Me too')).toEqual([]);
  });

  test('has internal notes, which notify the users that they mention', async () => {
    const { id } = await tenant.createTicket(ada);
    const [bob, eve] = [crypto.randomUUID(), crypto.randomUUID()];

    const { entry, ticket: noted } = await tenant.note(id, `Ask @[Bob](users/${bob})`, [eve]);
    expect(entry).toMatchObject({ kind: TicketEntryKind.INTERNAL_NOTE, visibility: TicketEntryVisibility.INTERNAL });
    expect(noted).toEqual(await tenant.getTicket(id));
    for (const user of [bob, eve]) {
      const inbox = { ...tenant.caller, principalId: `user:${user}` };
      const { notifications } = await service.call('listNotifications', {}, inbox);
      expect(notifications).toMatchObject([{ recordType: 'ticket', recordId: id, title: 'The export stops' }]);
    }
  });

  test('refuses a status that the workspace does not have, and writes nothing then', async () => {
    const created = await tenant.createTicket(ada);

    await expect(tenant.reply(created.id, { thenStatus: 'parts' })).rejects.toMatchObject({
      violations: [{ field: 'reply.thenStatus', reason: 'STATUS_UNKNOWN' }],
    });
    expect(await tenant.entriesOf(created)).toEqual([]);
  });

  test('stays one reply for one idempotency key', async () => {
    const created = await tenant.createTicket(ada);
    const request = { id: created.id, reply: reply(), requestId: 'one' };
    await Promise.allSettled([1, 2, 3].map(() => service.call('replyToTicket', request, tenant.caller)));

    expect(await tenant.entriesOf(created)).toHaveLength(1);
  });
});

describe('the owner of a ticket', () => {
  const agent = () => ({ ...tenant.caller, principalId: `user:${crypto.randomUUID()}` });

  test('is the first of several agents that take it', async () => {
    const created = await tenant.createTicket(ada);
    const agents = Array.from({ length: 8 }, agent);

    const taken = await Promise.allSettled(agents.map((each) => call('takeTicket', created, each)));
    const owners = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value.ownerId] : []));
    expect(owners).toEqual([(await tenant.getTicket(created.id)).ownerId]);
    for (const each of taken)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ reason: 'TICKET_TAKEN' });
  });

  test('is notified, and can release the ticket', async () => {
    const created = await tenant.createTicket(ada);
    const bob = agent();
    const userId = bob.principalId.slice('user:'.length);

    await service.call('assignTicket', { id: created.id, assignment: { userId } }, tenant.caller);
    const { notifications } = await service.call('listNotifications', {}, bob);
    expect(notifications).toMatchObject([{ recordType: 'ticket', recordId: created.id }]);
    expect(await call('releaseTicket', created, bob)).toMatchObject({ ownerId: undefined });
  });
});

describe('the verbs of a ticket', () => {
  test('solve it and reopen it once, however often they are called', async () => {
    const created = await tenant.createTicket(ada);

    const solved = await call('solveTicket', created);
    expect(solved.status).toBe('solved');
    expect(await call('solveTicket', created)).toEqual(solved);
    const opened = await call('reopenTicket', created);
    expect(opened).toMatchObject({ status: 'open', reopenCount: 1 });
    expect(await call('reopenTicket', created)).toEqual(opened);
  });

  test('mark it as spam until it is reopened', async () => {
    const created = await tenant.createTicket(ada);

    expect(await call('markTicketSpam', created)).toMatchObject({ status: 'closed', isSpam: true });
    const { tickets } = await service.call('listTickets', { filter: 'isSpam = true' }, tenant.caller);
    expect(tickets.map(({ id }) => id)).toEqual([created.id]);
    const { groups } = await service.call('aggregateTickets', { groupBy: ['isSpam'] }, tenant.caller);
    expect(groups).toMatchObject([{ count: 1 }]);
    expect(await call('reopenTicket', created)).toMatchObject({ status: 'open', isSpam: undefined });
  });

  test('change nothing with an old etag', async () => {
    const { id, etag } = await tenant.createTicket(ada);
    await tenant.reply(id);

    const late = service.call('setTicketStatus', { id, etag, change: { status: 'pending' } }, tenant.caller);
    await expect(late).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  });
});

test('the timelines of the requester and of the ticket have the ticket and its entries', async () => {
  const created = await tenant.createTicket(ada);
  const { entry } = await tenant.note(created.id, 'Ask for the plan.');
  const kinds = [TimelineKind.TICKET, TimelineKind.TICKET_ENTRY];

  const customer = await service.call('listCustomerTimeline', { id: ada, kinds }, tenant.caller);
  expect(customer.entries).toMatchObject([{ record: { type: 'ticket', id: created.id }, summary: 'The export stops' }]);
  const own = await service.call('listTicketTimeline', { id: created.id, kinds }, tenant.caller);
  expect(own.entries).toMatchObject([{ record: { type: 'ticketEntry', id: entry?.id } }]);
});

describe('redacting an entry', () => {
  const redact = (id: string, spans: { start: number; end: number }[], reason?: string) =>
    service.call('redactTicketEntry', { id, redaction: { spans, reason } }, tenant.caller);

  test('makes a part of the text unreadable, and leaves it nowhere', async () => {
    const { id } = await tenant.createTicket(ada);
    const { entry } = await tenant.reply(id, { text: 'Card 4111-1111, thanks', html: '<p>Card 4111-1111</p>' });
    const redacted = await redact(entry!.id, [{ start: 5, end: 14 }], 'a card');

    expect(redacted).toMatchObject({ text: 'Card █████████, thanks', html: undefined });
    expect(redacted.redactions).toMatchObject([
      { start: 5, end: 14, redactedBy: tenant.caller.principalId, reason: 'a card' },
    ]);
    const superuser = await service.connectAsSuperuser();
    const { rows } = await superuser.query(
      `select 1 from ticket_entry where (ticket_entry::text) like '%4111-1111%'
       union all select 1 from outbox where (outbox::text) like '%4111-1111%'
       union all select 1 from change_log where (change_log::text) like '%4111-1111%'`,
    );
    await superuser.end();
    expect(rows).toEqual([]);
  });

  test('refuses a part outside the text', async () => {
    const { id } = await tenant.createTicket(ada);
    const { entry } = await tenant.reply(id, { text: 'Short' });

    await expect(redact(entry!.id, [{ start: 2, end: 6 }])).rejects.toMatchObject({
      violations: [{ field: 'redaction.spans[0]', reason: 'OUT_OF_RANGE' }],
    });
    await expect(redact(entry!.id, [{ start: 2, end: 2 }])).rejects.toMatchObject({
      violations: [{ field: 'redaction.spans[0]', reason: 'END_BEFORE_START' }],
    });
  });
});
