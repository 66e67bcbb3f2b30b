import { MacroVisibility } from '@rapport/contracts/rapport/support/v1/macro';
import { QueueOrder } from '@rapport/contracts/rapport/support/v1/queue';
import { AssignmentMember, AssignmentMethod, AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';
import { SupportTenant } from './support-tenant.js';

const service = await sharedCustomers();
let tenant: SupportTenant;

beforeEach(() => {
  tenant = new SupportTenant(service);
});

describe('a queue', () => {
  test('leases the oldest ticket for ten minutes unless it says otherwise', async () => {
    const created = await tenant.createQueue('billing', { mailboxIds: [v7()], teamIds: [v7()] });
    expect(created).toMatchObject({ leaseOrder: QueueOrder.OLDEST, leaseSeconds: 600, etag: '"1"' });
    expect(await service.call('getQueue', { id: created.id }, tenant.caller)).toEqual(created);

    const other = await tenant.createQueue('urgent', { leaseOrder: QueueOrder.DUE, leaseSeconds: 30 });
    expect(other).toMatchObject({ leaseOrder: QueueOrder.DUE, leaseSeconds: 30 });
  });

  test('has a key that no other live queue has', async () => {
    await tenant.createQueue('billing');
    await expect(tenant.createQueue('billing')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
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
    const { id: queueId } = await tenant.createQueue('billing', { assignmentRuleId: await rule(other, 2) });
    expect((await tickets.createTicket(customerId)).ownerId).toBe(one);
    expect((await tickets.createTicket(customerId, { queueId })).ownerId).toBe(other);
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
