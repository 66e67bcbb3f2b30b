import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { LeadStatus } from '@rapport/contracts/rapport/sales/v1/lead';
import { AssignmentDecision, AssignmentSkipReason } from '@rapport/contracts/rapport/work/v1/assignment';
import {
  AssignmentMethod,
  AssignmentRuleState,
  type AssignmentRule,
} from '@rapport/contracts/rapport/work/v1/assignment_rule';
import type { Calendar, CalendarDay } from '@rapport/contracts/rapport/work/v1/calendar';
import { Task } from '@rapport/contracts/rapport/work/v1/task';
import { beforeEach, describe, expect, test } from 'vitest';
import { newCalendar } from './new-calendar.js';
import { OperationTenant } from './operation-tenant.js';
import { person, sharedCustomers, sharedMailCustomers } from './running-customers.js';
import { lead, rule, SalesTenant } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let customerId: string;
let users: [string, string, string];

beforeEach(async () => {
  tenant = new SalesTenant(service);
  customerId = (await service.create(tenant.caller, person())).id;
  users = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
});

/** The owners of new leads, one after the other, by their places among the users; -1 for none. */
async function ownersOf(count: number, given: Parameters<typeof lead>[0] = {}): Promise<number[]> {
  const places: number[] = [];
  for (let made = 0; made < count; made += 1) {
    const { ownerId } = await tenant.createLead(customerId, given);
    places.push(users.indexOf(ownerId ?? ''));
  }
  return places;
}

describe('a rule of assignment', () => {
  test('gives new records to its members in turn, and logs each choice', async () => {
    const { id: ruleId } = await tenant.createRule(users);

    expect(await ownersOf(4)).toEqual([0, 1, 2, 0]);
    const [first] = await tenant.leads();
    const [choice] = await tenant.assignments(`recordId = ${first?.id}`);
    expect(choice).toMatchObject({
      ...{ recordType: 'lead', recordId: first?.id, ruleId, ruleVersion: 1, userId: users[0], skipped: [] },
      ...{ method: AssignmentMethod.ROUND_ROBIN, decision: AssignmentDecision.TURN },
    });
  });

  test('is deleted in a batch by the connection that has assigned by it', async () => {
    const rules = [await tenant.createRule(users), await tenant.createRule(users)];
    await ownersOf(1);

    const batch = { mode: BatchMode.ATOMIC, items: rules.map(({ id }) => ({ id })) };
    const { results } = await service.call('batchDeleteAssignmentRules', { batch }, tenant.caller);
    expect(results).toHaveLength(2);
  });

  test('applies to no record with an owner, and to none of a caller with a narrow scope', async () => {
    await tenant.createRule(users);
    const [, , other] = users;

    expect((await tenant.createLead(customerId, { ownerId: other })).ownerId).toBe(other);
    const own = { ...tenant.caller, recordScope: 'OWN' as const };
    const mine = await service.call('createLead', { lead: lead({ customerId }) }, own).catch(() => undefined);
    expect(users).not.toContain(mine?.ownerId);
    expect(await tenant.assignments()).toEqual([]);
  });

  test('applies to records that meet its filter, in the order of positions', async () => {
    const [one, two, three] = users;
    await tenant.createRule([three]);
    await tenant.createRule([two], { position: 2, filter: 'source = "web form"' });
    await tenant.createRule([one], { position: 1, filter: 'source = "web form" AND score >= 50' });

    expect(await ownersOf(1, { source: 'Web Form', score: 50 })).toEqual([0]);
    expect(await ownersOf(1, { source: 'Web Form', score: 49 })).toEqual([1]);
    expect(await ownersOf(1)).toEqual([2]);
  });

  test('gives members that join or return one turn at once, and none in arrears', async () => {
    const { id } = await tenant.createRule(users.slice(0, 2));
    const update = (given: Parameters<typeof rule>[1], ids = users as readonly string[]) => {
      const assignmentRule = rule(ids, given);
      return service.call('updateAssignmentRule', { id, assignmentRule, updateMask: ['members'] }, tenant.caller);
    };

    expect(await ownersOf(4)).toEqual([0, 1, 0, 1]);
    await update({});
    expect(await ownersOf(4)).toEqual([2, 0, 1, 2]);
    await update({}, users.slice(0, 2));
    expect(await ownersOf(3)).toEqual([0, 1, 0]);
    await update({});
    expect(await ownersOf(4)).toEqual([2, 1, 0, 2]);
  });

  test('divides records in proportion to weights', async () => {
    const members = rule(users).members.map((member, index) => ({ ...member, weight: index + 1 }));
    await tenant.createRule([], { method: AssignmentMethod.WEIGHTED, members });

    const places = await ownersOf(12);

    expect([0, 1, 2].map((place) => places.filter((each) => each === place).length)).toEqual([2, 4, 6]);
  });

  test('skips paused members and those at capacity with a reason, and falls back', async () => {
    const [one, two, fallbackUserId] = users;
    const [first, second] = rule([one, two]).members;
    const members = [
      { ...first!, paused: true },
      { ...second!, capacity: 1 },
    ];
    await tenant.createRule([], { members, fallbackUserId });

    expect(await ownersOf(2)).toEqual([1, 2]);
    const [, last] = await tenant.assignments();
    expect(last).toMatchObject({
      decision: AssignmentDecision.FALLBACK,
      skipped: [
        { userId: one, reason: AssignmentSkipReason.PAUSED },
        { userId: two, reason: AssignmentSkipReason.AT_CAPACITY },
      ],
    });
    const [open] = await tenant.leads();
    await tenant.updateLead(open!.id, { status: LeadStatus.UNQUALIFIED, disqualifyReason: 'spam' });
    expect(await ownersOf(1)).toEqual([1]);
  });

  test('skips members outside of the hours of their calendars, also of those deleted since', async () => {
    const days = [1, 2, 3, 4, 5, 6, 7] satisfies CalendarDay[];
    const calendarOf = async (weekly: Calendar['weekly']) =>
      (await service.call('createCalendar', { calendar: newCalendar({ weekly }) }, tenant.caller)).id;
    const always = await calendarOf(days.map((day) => ({ day, opens: '00:00', closes: '24:00' })));
    const never = await calendarOf([]);
    const [first, second, third] = rule(users).members;
    const members = [{ ...first!, calendarId: never }, { ...second!, calendarId: always }, third!];
    const { id } = await tenant.createRule([], { members });

    expect(await ownersOf(3)).toEqual([1, 2, 1]);
    await service.call('deleteCalendar', { id: never }, tenant.caller);
    expect(await ownersOf(1)).toEqual([2]);
    const skipped = [{ userId: users[0], reason: AssignmentSkipReason.OFF_HOURS }];
    expect((await tenant.assignments()).map((each) => each.skipped)).toEqual([skipped, skipped, skipped, skipped]);
    const [lead] = await tenant.leads();
    expect(
      await service.call('testAssignmentRule', { id, trial: { recordId: lead!.id } }, tenant.caller),
    ).toMatchObject({ userId: users[1], skipped });
  });

  test('skips members and a fallback that are disabled or deleted, until they are enabled', async () => {
    const ofSync = await sharedMailCustomers();
    tenant = new SalesTenant(ofSync);
    customerId = (await ofSync.create(tenant.caller, person())).id;
    const [one, two, three] = users;
    const report = (position: string, isInactive: boolean, ...userIds: string[]) => {
      const states = userIds.map((userId) => ({ userId, position, isInactive }));
      return ofSync.call('reportUserStates', { tenantId: tenant.caller.tenantId, states });
    };
    const { id } = await tenant.createRule([one, two], { fallbackUserId: three });
    const at = await tenant.createLead(customerId, { ownerId: two });
    const skippedOf = (...userIds: string[]) =>
      userIds.map((userId) => ({ userId, reason: AssignmentSkipReason.INACTIVE }));

    await report('10', true, one);
    expect(await ownersOf(2)).toEqual([1, 1]);
    const trial = await ofSync.call('testAssignmentRule', { id, trial: { recordId: at.id } }, tenant.caller);
    expect(trial).toMatchObject({ userId: two, skipped: skippedOf(one) });
    await report('11', true, two);
    expect(await ownersOf(1)).toEqual([2]);
    await report('12', true, three);
    expect(await ownersOf(1)).toEqual([-1]);
    const target = { recordType: 'lead', recordId: at.id };
    expect(await ofSync.call('assignRecord', { target }, tenant.caller)).toMatchObject({
      assignment: { userId: undefined, decision: AssignmentDecision.NO_MEMBER, skipped: skippedOf(one, two, three) },
      ownerId: two,
    });

    // What arrives late changes nothing.
    await report('9', false, one);
    expect(await ownersOf(1)).toEqual([-1]);
    await report('1730000000000000', false, one, two);
    await report('12', true, one, two);
    expect(await ownersOf(2)).toEqual([0, 1]);
  });

  test('refers to live calendars only when a member gets one', async () => {
    const [first] = rule(users).members;
    const unknown = { violations: [{ field: 'assignmentRule.members[0].calendarId', reason: 'CALENDAR_NOT_FOUND' }] };
    const { id: calendarId } = await service.call('createCalendar', { calendar: newCalendar() }, tenant.caller);
    const created = await tenant.createRule([], { members: [{ ...first!, calendarId }] });
    await service.call('deleteCalendar', { id: calendarId }, tenant.caller);
    const update = (members: AssignmentRule['members']) => {
      const request = { id: created.id, assignmentRule: rule([], { members }), updateMask: ['members'] };
      return service.call('updateAssignmentRule', request, tenant.caller);
    };

    await expect(tenant.createRule([], { members: [{ ...first!, calendarId }] })).rejects.toMatchObject(unknown);
    expect(await update([{ ...first!, calendarId, paused: true }])).toMatchObject({ members: [{ calendarId }] });
    await expect(update([{ ...first!, calendarId: crypto.randomUUID() }])).rejects.toMatchObject(unknown);
  });

  test('leaves a record without owner when no member can get it', async () => {
    const members = rule(users).members.map((member) => ({ ...member, paused: true }));
    await tenant.createRule([], { members });

    expect(await ownersOf(1)).toEqual([-1]);
    expect(await tenant.assignments()).toMatchObject([{ userId: undefined, decision: AssignmentDecision.NO_MEMBER }]);
  });

  test('gives records to the member with the fewest open ones', async () => {
    const [one, two] = users;
    await tenant.createLead(customerId, { ownerId: one });
    await tenant.createLead(customerId, { ownerId: one });
    await tenant.createLead(customerId, { ownerId: two });
    await tenant.createRule(users, { method: AssignmentMethod.LEAST_OPEN });

    expect(await ownersOf(5)).toEqual([2, 1, 2, 0, 1]);
  });

  test('keeps the records of a customer with one member', async () => {
    const [one, two, three] = users;
    await tenant.createRule([one, two], { method: AssignmentMethod.STICKY });
    const { id: owned } = await service.create(tenant.caller, person({ ownerId: two }));
    const { id: foreign } = await service.create(tenant.caller, person({ ownerId: three }));

    expect(await ownersOf(2)).toEqual([0, 0]);
    expect((await tenant.createLead(owned)).ownerId).toBe(two);
    expect((await tenant.createLead(foreign)).ownerId).toBe(two);
    const decisions = (await tenant.assignments()).map(({ decision }) => decision);
    const { TURN, SAME_CUSTOMER, CUSTOMER_OWNER } = AssignmentDecision;
    expect(decisions).toEqual([TURN, SAME_CUSTOMER, CUSTOMER_OWNER, TURN]);
  });

  test('applies to tasks, whose customer is the first one in related', async () => {
    const [one, two] = users;
    await tenant.createRule([one, two], { recordType: 'task', method: AssignmentMethod.STICKY });
    const { id: owned } = await service.create(tenant.caller, person({ ownerId: two }));
    const task = { ...Task.decode(new Uint8Array()), subject: 'Call', related: [{ type: 'customer', id: owned }] };

    expect((await service.call('createTask', { task }, tenant.caller)).ownerId).toBe(two);
    const members = rule([one]).members.map((member) => ({ ...member, capacity: 1 }));
    await tenant.createRule([], { recordType: 'task', position: 1, members, fallbackUserId: two });
    const first = await service.call('createTask', { task }, tenant.caller);
    expect([first.ownerId, (await service.call('createTask', { task }, tenant.caller)).ownerId]).toEqual([one, two]);
    await service.call('completeTask', { id: first.id }, tenant.caller);
    expect((await service.call('createTask', { task }, tenant.caller)).ownerId).toBe(one);
  });

  test('applies to batches, upserts and imports', async () => {
    await tenant.createRule(users);
    const items = Array.from({ length: 4 }, () => ({ lead: lead({ customerId }) }));
    const upserted = lead({ customerId, externalIds: [{ system: 'erp', value: '1' }] });

    const { results } = await service.call(
      'batchCreateLeads',
      { batch: { mode: BatchMode.ATOMIC, items } },
      tenant.caller,
    );
    await service.call('upsertLead', { lead: upserted, matchSystem: 'erp' }, tenant.caller);
    await service.call('upsertLead', { lead: upserted, matchSystem: 'erp' }, tenant.caller);
    const operations = await OperationTenant.create(service, tenant.caller);
    await operations.run(`customer_id,source\n${customerId},one\n${customerId},two\n`, { recordType: 'lead' });
    await operations.close();

    expect(results.map((result) => users.indexOf(result.lead?.ownerId ?? ''))).toEqual([0, 1, 2, 0]);
    expect((await tenant.leads()).map(({ ownerId }) => users.indexOf(ownerId ?? ''))).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(await tenant.assignments()).toHaveLength(7);
  });

  test('gives an existing record to its choice, once for a key, and logs it', async () => {
    const { id: ruleId } = await tenant.createRule(users, { filter: 'source = fair' });
    const [, , other] = users;
    const at = await tenant.createLead(customerId, { source: 'fair', ownerId: other });
    const off = await tenant.createLead(customerId, { ownerId: other });
    const assign = (recordId: string, more: object = {}, caller = tenant.caller) =>
      service.call('assignRecord', { target: { recordType: 'lead', recordId }, ...more }, caller);

    expect(await assign(at.id, { validateOnly: true })).toMatchObject({ ownerId: users[0] });
    const first = await assign(at.id, { requestId: 'a', etag: at.etag });
    expect(first).toMatchObject({ assignment: { ruleId, recordId: at.id, userId: users[0] }, ownerId: users[0] });
    expect(await assign(at.id, { requestId: 'a', etag: at.etag })).toEqual(first);
    expect(await service.call('getLead', { id: at.id }, tenant.caller)).toMatchObject({
      ...{ ownerId: users[0], etag: first.recordEtag },
    });
    expect(await tenant.assignments(`recordId = ${at.id}`)).toEqual([first.assignment]);
    expect(await assign(at.id)).toMatchObject({ ownerId: users[1] });

    expect(await assign(off.id)).toEqual({ assignment: undefined, ownerId: other, recordEtag: off.etag });
    await expect(assign(at.id, { etag: at.etag })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(assign(crypto.randomUUID())).rejects.toMatchObject({ reason: 'LEAD_NOT_FOUND' });
    const target = { recordType: 'pipeline', recordId: at.id };
    await expect(service.call('assignRecord', { target }, tenant.caller)).rejects.toMatchObject({
      violations: [{ field: 'target.recordType', reason: 'RECORD_TYPE_UNKNOWN' }],
    });
    const reader = { ...tenant.caller, permissions: ['assignmentRules.read', 'leads.read'] };
    await expect(assign(at.id, {}, reader)).rejects.toMatchObject({ metadata: { permission: 'leads.write' } });
  });

  test('does not apply while paused or after its deletion', async () => {
    const { id } = await tenant.createRule(users);
    const assignmentRule = { ...rule(users), state: AssignmentRuleState.PAUSED };

    await service.call('updateAssignmentRule', { id, assignmentRule, updateMask: ['state'] }, tenant.caller);
    expect(await ownersOf(1)).toEqual([-1]);
    await tenant.createRule(users);
    const { assignmentRules } = await service.call('listAssignmentRules', {}, tenant.caller);
    for (const each of assignmentRules) await service.call('deleteAssignmentRule', { id: each.id }, tenant.caller);
    expect(await ownersOf(1)).toEqual([-1]);
  });

  test.each([
    [{ recordType: 'pipeline' }, { field: 'assignmentRule.recordType', reason: 'RECORD_TYPE_UNKNOWN' }],
    [{ filter: 'nothing = 1' }, { field: 'assignmentRule.filter', reason: 'FILTER_FIELD_UNKNOWN' }],
    [{ filter: 'source =' }, { field: 'assignmentRule.filter', reason: 'FILTER_SYNTAX' }],
  ])('is refused with %j', async (given, violation) => {
    await expect(tenant.createRule(users, given)).rejects.toMatchObject({ violations: [violation] });
  });

  test('is refused with a member twice', async () => {
    const [one] = users;

    await expect(tenant.createRule([one, one])).rejects.toMatchObject({
      violations: [{ field: 'assignmentRule.members[1].userId', reason: 'DUPLICATE' }],
    });
  });

  test('is tried on a record without a turn', async () => {
    const { id } = await tenant.createRule(users, { filter: 'source = fair' });
    const at = await tenant.createLead(customerId, { source: 'fair' });
    const off = await tenant.createLead(customerId);
    const trial = (recordId: string, caller = tenant.caller) =>
      service.call('testAssignmentRule', { id, trial: { recordId } }, caller);

    expect(await trial(at.id)).toMatchObject({ matches: true, userId: users[1], decision: AssignmentDecision.TURN });
    expect(await trial(at.id)).toMatchObject({ matches: true, userId: users[1] });
    expect(await trial(off.id)).toEqual({ matches: false, userId: undefined, decision: undefined, skipped: [] });
    await expect(trial(crypto.randomUUID())).rejects.toMatchObject({
      violations: [{ field: 'trial.recordId', reason: 'RECORD_NOT_FOUND' }],
    });
    await expect(trial(at.id, { ...tenant.caller, permissions: ['assignmentRules.read'] })).rejects.toMatchObject({
      metadata: { permission: 'leads.read' },
    });
  });
});
