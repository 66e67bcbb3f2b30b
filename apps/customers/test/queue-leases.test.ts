import { QueueOrder } from '@rapport/contracts/rapport/support/v1/queue';
import { NoTicketReason, type NextTicketResponse } from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import { TicketPriority } from '@rapport/contracts/rapport/support/v1/ticket';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { addMailbox } from './mail-tenant.js';
import { sharedCustomers } from './running-customers.js';
import { SupportTenant } from './support-tenant.js';
import { TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();
let tenant: TicketTenant;
let support: SupportTenant;
let customerId: string;

beforeEach(async () => {
  tenant = new TicketTenant(service);
  support = new SupportTenant(service, tenant.caller);
  customerId = await tenant.createRequester();
});

function agent(given: Partial<Caller> = {}): Caller {
  return { ...tenant.caller, principalId: `user:${v7()}`, ...given };
}

function next(queueId: string, caller: Caller, skippedTicketIds: string[] = []): Promise<NextTicketResponse> {
  return service.call('nextTicket', { id: queueId, wish: { skippedTicketIds } }, caller);
}

/** Creates tickets one after the other. */
async function createTickets(queueId: string, count: number) {
  const created = [];
  for (let index = 0; index < count; index += 1) created.push(await tenant.createTicket(customerId, { queueId }));
  return created;
}

test('agents are leased the oldest tickets, each another one', async () => {
  const queue = await support.createQueue('billing');
  const [first, second] = await createTickets(queue.id, 2);
  const [one, other] = [agent(), agent()];

  expect((await next(queue.id, one)).ticket).toEqual(first);
  expect((await next(queue.id, other)).ticket).toEqual(second);
  // A repeated call is safe.
  expect((await next(queue.id, one)).ticket).toEqual(first);
  expect(await next(queue.id, agent())).toMatchObject({ ticket: undefined, reason: NoTicketReason.NONE_WAITING });
});

test('a lease ends when it expires, is given back or is not wanted', async () => {
  const queue = await support.createQueue('billing');
  const [first, second] = await createTickets(queue.id, 2);
  const [dead, one, other] = [agent(), agent(), agent()];
  await next(queue.id, dead);
  await expireLeases(queue.id);
  expect((await next(queue.id, one)).ticket).toEqual(first);

  expect((await next(queue.id, one, [first!.id])).ticket).toEqual(second);
  expect((await next(queue.id, other)).ticket).toEqual(first);

  const giveBack = (caller: Caller) =>
    service.call('returnTicket', { id: queue.id, return: { ticketId: first!.id } }, caller);
  expect(await giveBack(one)).toEqual({ returned: false });
  expect(await giveBack(other)).toEqual({ returned: true });
  expect((await next(queue.id, agent())).ticket).toEqual(first);
});

test('a lease ends when its ticket is taken, solved or moved', async () => {
  const queue = await support.createQueue('billing');
  const elsewhere = await support.createQueue('sales');
  const [taken, solved, moved] = await createTickets(queue.id, 3);
  const one = agent();
  await next(queue.id, one);
  await service.call('takeTicket', { id: taken!.id, etag: undefined }, one);
  expect((await next(queue.id, one)).ticket?.id).toBe(solved!.id);
  await service.call('solveTicket', { id: solved!.id, etag: undefined }, one);
  expect((await next(queue.id, one)).ticket?.id).toBe(moved!.id);
  await tenant.updateTicket(moved!.id, { queueId: elsewhere.id });
  expect((await next(queue.id, one)).ticket).toBeUndefined();
  expect((await next(elsewhere.id, agent())).ticket?.id).toBe(moved!.id);
});

test('an agent with as many tickets as the capacity allows is leased no other one', async () => {
  const queue = await support.createQueue('billing', { capacity: 1 });
  const [first] = await createTickets(queue.id, 2);
  const one = agent();
  expect((await next(queue.id, one)).ticket).toEqual(first);
  await service.call('takeTicket', { id: first!.id, etag: undefined }, one);
  expect(await next(queue.id, one)).toMatchObject({ ticket: undefined, reason: NoTicketReason.AT_CAPACITY });
  expect((await next(queue.id, agent())).ticket).toBeDefined();
});

test('a queue is for the members of its teams', async () => {
  const team = v7();
  const queue = await support.createQueue('billing', { teamIds: [team] });
  await createTickets(queue.id, 1);
  await expect(next(queue.id, agent({ teamIds: [v7()] }))).rejects.toMatchObject({ reason: 'NOT_IN_QUEUE_TEAMS' });
  expect((await next(queue.id, agent({ teamIds: [team] }))).ticket).toBeDefined();
});

test('a queue leases by priority if it says so', async () => {
  const queue = await support.createQueue('billing', { leaseOrder: QueueOrder.PRIORITY });
  const priorities = [TicketPriority.LOW, TicketPriority.URGENT, TicketPriority.HIGH, TicketPriority.URGENT];
  const created = [];
  for (const priority of priorities)
    created.push(await tenant.createTicket(customerId, { queueId: queue.id, priority }));
  const leased = [];
  for (const caller of [agent(), agent(), agent(), agent()]) leased.push((await next(queue.id, caller)).ticket);
  expect(leased).toEqual([created[1], created[3], created[2], created[0]]);
});

test('a ticket of a mailbox enters the queue of the mailbox, unless it has one', async () => {
  const mailboxId = await addMailbox(service, tenant.caller.tenantId);
  const queue = await support.createQueue('billing', { mailboxIds: [mailboxId] });
  const other = await support.createQueue('sales');
  expect((await tenant.createTicket(customerId, { mailboxId })).queueId).toBe(queue.id);
  expect((await tenant.createTicket(customerId, { mailboxId, queueId: other.id })).queueId).toBe(other.id);
  expect((await tenant.createTicket(customerId, { mailboxId: v7() })).queueId).toBeUndefined();
});

test('figures of a queue count what waits, what is leased and what is assigned', async () => {
  const queue = await support.createQueue('billing');
  const [first, second, third] = await createTickets(queue.id, 4);
  const one = agent();
  await next(queue.id, one);
  await service.call('assignTicket', { id: second!.id, assignment: { userId: ownerOf(one) } }, tenant.caller);
  await service.call('setTicketStatus', { id: third!.id, change: { status: 'pending' } }, tenant.caller);
  expect(await service.call('getQueueStats', { id: queue.id }, tenant.caller)).toMatchObject({
    ...{ waitingCount: 1, leasedCount: 1, assignedCount: 1, pausedCount: 1, breachedCount: 0 },
    oldestWaitingTime: first!.createTime,
    agents: [{ userId: ownerOf(one), assignedCount: 1, leasedCount: 1 }],
  });
});

function ownerOf({ principalId }: Caller): string {
  return principalId.slice('user:'.length);
}

/** Lets the time of the leases pass. */
async function expireLeases(queueId: string): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query('update ticket_lease set expire_time = now() where queue_id = $1', [queueId]);
  await superuser.end();
}
