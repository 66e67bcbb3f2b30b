import { MacroVisibility } from '@rapport/contracts/rapport/support/v1/macro';
import { QueueOrder } from '@rapport/contracts/rapport/support/v1/queue';
import { AssignmentMember, AssignmentMethod, AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { addMailbox, addMailboxes } from './mail-tenant.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';
import { SupportTenant } from './support-tenant.js';

const service = await sharedCustomers();
let tenant: SupportTenant;

beforeEach(() => {
  tenant = new SupportTenant(service);
});

describe('a queue', () => {
  test('leases the oldest ticket for ten minutes unless it says otherwise', async () => {
    const mailboxIds = [await addMailbox(service, tenant.caller.tenantId)];
    const created = await tenant.createQueue('billing', { mailboxIds, teamIds: [v7()] });
    expect(created).toMatchObject({ leaseOrder: QueueOrder.OLDEST, leaseSeconds: 600, etag: '"1"' });
    expect(await service.call('getQueue', { id: created.id }, tenant.caller)).toEqual(created);

    const other = await tenant.createQueue('urgent', { leaseOrder: QueueOrder.DUE, leaseSeconds: 30 });
    expect(other).toMatchObject({ leaseOrder: QueueOrder.DUE, leaseSeconds: 30 });
  });

  test('has a key that no other live queue has', async () => {
    await tenant.createQueue('billing');
    await expect(tenant.createQueue('billing')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('has no mailbox that does not exist, and keeps one that was removed', async () => {
    const { tenantId } = tenant.caller;
    const [known] = await addMailboxes(service, tenantId, 1);
    const foreign = await addMailbox(service, newCaller().tenantId);
    for (const unknown of [v7(), foreign]) {
      await expect(tenant.createQueue('billing', { mailboxIds: [known!, unknown] })).rejects.toMatchObject({
        violations: [{ field: 'queue.mailboxIds[1]', reason: 'MAILBOX_UNKNOWN' }],
      });
    }
    const { id } = await tenant.createQueue('billing', { mailboxIds: [known!] });
    const superuser = await service.connectAsSuperuser();
    await superuser.query('delete from mail_address where tenant_id = $1', [tenantId]);
    await superuser.end();
    expect(await tenant.updateQueue(id, { name: 'Billing' })).toMatchObject({ name: 'Billing', mailboxIds: [known] });
  });

  test('has no mailbox of another live queue', async () => {
    const [one, other] = await addMailboxes(service, tenant.caller.tenantId, 2);
    const billing = await tenant.createQueue('billing', { mailboxIds: [one!] });
    const sales = await tenant.createQueue('sales', { mailboxIds: [other!] });
    const taken = {
      ...{ code: 'ALREADY_EXISTS', reason: 'MAILBOX_TAKEN' },
      violations: [{ field: 'queue.mailboxIds', reason: 'MAILBOX_TAKEN' }],
    };
    await expect(tenant.updateQueue(sales.id, { mailboxIds: [other!, one!] })).rejects.toMatchObject(taken);

    await service.call('deleteQueue', { id: billing.id }, tenant.caller);
    await tenant.updateQueue(sales.id, { mailboxIds: [other!, one!] });
    await expect(service.call('undeleteQueue', { id: billing.id }, tenant.caller)).rejects.toMatchObject(taken);
    await tenant.updateQueue(sales.id, { mailboxIds: [other!] });
    expect(await service.call('undeleteQueue', { id: billing.id }, tenant.caller)).toMatchObject({ mailboxIds: [one] });
  });

  test('gets a mailbox that several are given at the same time alone', async () => {
    const mailboxIds = await addMailboxes(service, tenant.caller.tenantId, 1);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const created = await Promise.allSettled(keys.map((key) => tenant.createQueue(key, { mailboxIds })));
    const refused = created.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(refused).toHaveLength(keys.length - 1);
    for (const reason of refused) expect(reason).toMatchObject({ reason: 'MAILBOX_TAKEN' });
  });

  test('assigns its tickets by its own rule first', async () => {
    const tickets = new TicketTenant(service, tenant.caller);
    const customerId = await tickets.createRequester();
    const [one, other] = [v7(), v7()];
    const rule = async (userId: string, position: number) => {
      const members = [{ ...AssignmentMember.decode(new Uint8Array()), userId }];
      const content = { name: 'rule', recordType: 'ticket', method: AssignmentMethod.FIXED, members, position };
      const assignmentRule = { ...AssignmentRule.decode(new Uint8Array()), ...content };
      return (await service.call('createAssignmentRule', { assignmentRule }, tenant.caller)).id;
    };
    await rule(one, 1);
    const mailboxId = await addMailbox(service, tenant.caller.tenantId);
    const given = { assignmentRuleId: await rule(other, 2), mailboxIds: [mailboxId] };
    const { id: queueId } = await tenant.createQueue('billing', given);
    expect((await tickets.createTicket(customerId)).ownerId).toBe(one);
    expect((await tickets.createTicket(customerId, { queueId })).ownerId).toBe(other);
    expect((await tickets.createTicket(customerId, { mailboxId })).ownerId).toBe(other);
  });

  test('is a fact of its tickets, by which filters and assignment rules choose', async () => {
    const tickets = new TicketTenant(service, tenant.caller);
    const [customerId, mailboxId] = [
      await tickets.createRequester(),
      await addMailbox(service, tenant.caller.tenantId),
    ];
    const { id: queueId } = await tenant.createQueue('billing', { mailboxIds: [mailboxId] });
    const members = [{ ...AssignmentMember.decode(new Uint8Array()), userId: v7() }];
    const chosen = { name: 'billing', recordType: 'ticket', filter: `queueId = ${queueId}`, members };
    const assignmentRule = {
      ...AssignmentRule.decode(new Uint8Array()),
      ...{ ...chosen, method: AssignmentMethod.FIXED },
    };
    await service.call('createAssignmentRule', { assignmentRule }, tenant.caller);
    expect((await tickets.createTicket(customerId)).ownerId).toBeUndefined();
    const ticket = await tickets.createTicket(customerId, { mailboxId });
    expect(ticket).toMatchObject({ queueId, ownerId: members[0]!.userId });
    const found = await service.call('listTickets', { filter: `queueId = ${queueId}` }, tenant.caller);
    expect(found.tickets).toEqual([ticket]);
    const { groups } = await service.call('aggregateTickets', { groupBy: ['queueId'] }, tenant.caller);
    expect(groups.map(({ count, values }) => [values[0]?.value, count])).toContainEqual([queueId, 1]);
  });

  test('has no assignment rule for other records', async () => {
    const member = { ...AssignmentMember.decode(new Uint8Array()), userId: v7() };
    const rule = (recordType: string) => {
      const assignmentRule = {
        ...AssignmentRule.decode(new Uint8Array()),
        ...{ name: recordType, recordType, method: AssignmentMethod.FIXED, members: [member] },
      };
      return service.call('createAssignmentRule', { assignmentRule }, tenant.caller);
    };
    const { id: assignmentRuleId } = await rule('lead');
    await expect(tenant.createQueue('billing', { assignmentRuleId })).rejects.toMatchObject({
      violations: [{ field: 'queue.assignmentRuleId', reason: 'RECORD_TYPE_DIFFERS' }],
    });
  });
});

describe('a macro', () => {
  test('is for everyone, and is read as it was created', async () => {
    const created = await tenant.createMacro([{ setStatus: { status: 'pending' } }, { addTags: { tags: ['vip'] } }]);
    expect(created.visibility).toBe(MacroVisibility.EVERYONE);
    expect(await service.call('getMacro', { id: created.id }, tenant.caller)).toEqual(created);
  });

  test.each([
    [{}, 'macro.actions[0]', 'REQUIRED'],
    [{ setStatus: { status: 'open' }, addNote: { text: 'x' } }, 'macro.actions[0].addNote', 'CONFLICTING_FIELDS'],
    [{ reply: { text: undefined, templateId: undefined } }, 'macro.actions[0].reply.text', 'REQUIRED'],
    [{ reply: { text: 'x', templateId: v7() } }, 'macro.actions[0].reply.templateId', 'CONFLICTING_FIELDS'],
  ])('has one thing to do in each action: not %j', async (action, field, reason) => {
    await expect(tenant.createMacro([action])).rejects.toMatchObject({ violations: [{ field, reason }] });
  });

  test('names teams if it is for teams, and only then', async () => {
    await expect(tenant.createMacro(undefined, { visibility: MacroVisibility.TEAMS })).rejects.toMatchObject({
      violations: [{ field: 'macro.teamIds', reason: 'REQUIRED' }],
    });
    await expect(tenant.createMacro(undefined, { teamIds: [v7()] })).rejects.toMatchObject({
      violations: [{ field: 'macro.teamIds', reason: 'NOT_ALLOWED' }],
    });
  });
});
