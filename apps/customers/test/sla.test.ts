import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import {
  SlaClock,
  SlaMetric,
  SlaPolicy,
  SlaPolicyState,
  SlaTarget,
} from '@rapport/contracts/rapport/support/v1/sla_policy';
import { SlaTimerEnd, SlaTimerState, type SlaTimer } from '@rapport/contracts/rapport/support/v1/sla_timer';
import { TicketCategory, TicketPriority, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { beforeEach, describe, expect, test } from 'vitest';
import { newCalendar } from './new-calendar.js';
import { sharedCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();
let tenant: TicketTenant;
let ada: string;
let calendarId: string;

beforeEach(async () => {
  tenant = new TicketTenant(service);
  ada = await tenant.createRequester();
  calendarId = (await service.call('createCalendar', { calendar: newCalendar() }, tenant.caller)).id;
});

function target(metric: SlaMetric, withinSeconds: number, given: Partial<SlaTarget> = {}): SlaTarget {
  return { ...SlaTarget.decode(new Uint8Array()), metric, withinSeconds, clock: SlaClock.WALL, ...given };
}

function createPolicy(targets: SlaTarget[], given: Partial<SlaPolicy> = {}): Promise<SlaPolicy> {
  const slaPolicy = { ...SlaPolicy.decode(new Uint8Array()), key: 'all', name: 'All', calendarId, targets, ...given };
  return service.call('createSlaPolicy', { slaPolicy }, tenant.caller);
}

const activate = ({ id }: Pick<SlaPolicy, 'id'>, openTickets = OpenTickets.KEEP, validateOnly = false) =>
  service.call('activateSlaPolicy', { id, activation: { openTickets }, validateOnly }, tenant.caller);

async function activePolicy(targets: SlaTarget[], given: Partial<SlaPolicy> = {}): Promise<SlaPolicy> {
  return (await activate(await createPolicy(targets, given))).policy!;
}

/** The timers of a ticket by metric and cycle, each of which equals what its history gives. */
async function timersOf({ id }: Pick<Ticket, 'id'>): Promise<Record<string, SlaTimer>> {
  const request = { filter: `ticketId = ${id}`, pageSize: 200 };
  const { slaTimers } = await service.call('listSlaTimers', request, tenant.caller);
  for (const timer of slaTimers) {
    const { computed, ...verified } = await service.call('verifySlaTimer', { id: timer.id }, tenant.caller);
    expect(verified, JSON.stringify({ timer, computed })).toMatchObject({ equal: true, differingFields: [] });
  }
  return Object.fromEntries(slaTimers.map((timer) => [`${SlaMetric[timer.metric]} ${timer.cycle}`, timer]));
}

describe('a policy', () => {
  test('rules the tickets that are created once it is active, and that meet its filter', async () => {
    const policy = await createPolicy([target(SlaMetric.RESOLUTION, 3_600)], { filter: 'priority >= HIGH' });
    expect(policy).toMatchObject({ state: SlaPolicyState.DRAFT, activeVersion: undefined });
    const draft = await tenant.createTicket(ada, { priority: TicketPriority.HIGH });
    await activate(policy);
    const low = await tenant.createTicket(ada);
    const high = await tenant.createTicket(ada, { priority: TicketPriority.HIGH });

    expect(await timersOf(draft)).toEqual({});
    expect(await timersOf(low)).toEqual({});
    const dueTime = new Date(Date.parse(high.createTime!) + 3_600_000).toISOString();
    expect(await timersOf(high)).toMatchObject({
      'RESOLUTION 1': { policyId: policy.id, policyVersion: 1, state: SlaTimerState.RUNNING, dueTime },
    });
    expect(high.nextDueTime).toBe(dueTime);

    const raised = await tenant.updateTicket(low.id, { priority: TicketPriority.URGENT });
    expect(await timersOf(low)).toMatchObject({ 'RESOLUTION 1': { startTime: low.createTime } });
    expect(raised.nextDueTime).toBe(new Date(Date.parse(low.createTime!) + 3_600_000).toISOString());
  });

  test('is tried in the order of its position, and explained', async () => {
    const all = await activePolicy([target(SlaMetric.RESOLUTION, 60)]);
    const first = await activePolicy([target(SlaMetric.RESOLUTION, 30)], {
      key: 'first',
      position: 1,
      filter: 'type = TASK',
    });
    const ticket = await tenant.createTicket(ada);
    expect(await service.call('explainTicketSla', { id: ticket.id }, tenant.caller)).toMatchObject({
      policyId: all.id,
      policyVersion: 1,
      verdicts: [
        { policyId: first.id, verdict: 2, filter: 'type = TASK' },
        { policyId: all.id, verdict: 1 },
      ],
    });
    await service.call('retireSlaPolicy', { id: all.id }, tenant.caller);
    const explained = await service.call('explainTicketSla', { id: ticket.id }, tenant.caller);
    expect(explained).toMatchObject({ policyId: all.id, verdicts: [{ policyId: first.id }] });
  });

  test('changes open tickets at an activation only if that is asked for, and says how many', async () => {
    const policy = await activePolicy([target(SlaMetric.RESOLUTION, 3_600)]);
    const ticket = await tenant.createTicket(ada);
    await tenant.createTicket(ada, { status: 'solved' });
    const targets = [target(SlaMetric.RESOLUTION, 7_200)];
    await service.call(
      'updateSlaPolicy',
      { id: policy.id, slaPolicy: { ...policy, targets }, updateMask: ['targets'] },
      tenant.caller,
    );
    expect(await activate(policy, OpenTickets.RECOMPUTE, true)).toMatchObject({
      checkedTickets: 1,
      affectedTickets: 1,
    });
    expect(await activate(policy)).toMatchObject({ policy: { activeVersion: 2 } });
    await tenant.updateTicket(ticket.id, { subject: 'Another subject' });
    expect(await timersOf(ticket)).toMatchObject({ 'RESOLUTION 1': { policyVersion: 1 } });

    await activate(policy, OpenTickets.RECOMPUTE);
    const due = new Date(Date.parse(ticket.createTime!) + 7_200_000).toISOString();
    await expect.poll(async () => (await tenant.getTicket(ticket.id)).nextDueTime, { timeout: 60_000 }).toBe(due);
    expect(await timersOf(ticket)).toMatchObject({
      'RESOLUTION 1': { policyVersion: 3, segments: [{}, { cause: `slaPolicies/${policy.id}@3` }] },
    });
  });

  test.each<[Partial<SlaPolicy>, string, string]>([
    [{ filter: 'nothing = 1' }, 'slaPolicy.filter', 'FILTER_FIELD_UNKNOWN'],
    [{ filter: 'ownerId = me' }, 'slaPolicy.filter', 'FILTER_WITHOUT_USER'],
    [
      { targets: [target(SlaMetric.RESOLUTION, 60), target(SlaMetric.RESOLUTION, 90)] },
      'slaPolicy.targets[1]',
      'DUPLICATE',
    ],
    [
      { targets: [target(SlaMetric.RESOLUTION, 60, { calendarId: crypto.randomUUID() })] },
      'slaPolicy.targets[0].calendarId',
      'NOT_ALLOWED',
    ],
    [
      { targets: [target(SlaMetric.RESOLUTION, 60, { clock: SlaClock.BUSINESS, calendarId: crypto.randomUUID() })] },
      'slaPolicy.targets[0].calendarId',
      'CALENDAR_NOT_FOUND',
    ],
  ])('with %j is refused at %s: %s', async (given, field, reason) => {
    await expect(createPolicy(given.targets ?? [target(SlaMetric.RESOLUTION, 60)], given)).rejects.toMatchObject({
      violations: [{ field, reason }],
    });
  });

  test('is simulated over past tickets', async () => {
    const ticket = await tenant.createTicket(ada);
    await tenant.reply(ticket.id);
    await tenant.createTicket(ada);
    const targets = [target(SlaMetric.FIRST_RESPONSE, 3_600), target(SlaMetric.RESOLUTION, 3_600)];
    const policy = await createPolicy(targets);
    const simulation = { since: '2020-01-01T00:00:00Z', until: undefined };
    expect(await service.call('simulateSlaPolicy', { id: policy.id, simulation }, tenant.caller)).toMatchObject({
      ticketCount: 2,
      truncated: false,
      outcomes: [
        { metric: SlaMetric.FIRST_RESPONSE, timers: 2, met: 1, open: 1, breached: 0, medianSeconds: 0 },
        { metric: SlaMetric.RESOLUTION, timers: 2, met: 0, open: 2, medianSeconds: undefined },
      ],
    });
  });

  test('tells nothing about tickets to callers that can not read them', async () => {
    const ticket = await tenant.createTicket(ada);
    const policy = await createPolicy([target(SlaMetric.RESOLUTION, 3_600)]);
    const permissions = tenant.caller.permissions.filter((permission) => permission !== 'tickets.read');
    const other = { ...tenant.caller, permissions };
    const simulation = { since: '2020-01-01T00:00:00Z', until: undefined };

    const refusal = { code: 'PERMISSION_DENIED', metadata: { permission: 'tickets.read' } };
    await expect(service.call('simulateSlaPolicy', { id: policy.id, simulation }, other)).rejects.toMatchObject(
      refusal,
    );
    await expect(service.call('explainTicketSla', { id: ticket.id }, other)).rejects.toMatchObject(refusal);
  });
});

describe('timers', () => {
  test('are met by replies and solutions, paused by categories, and go on when a ticket is reopened', async () => {
    const pauseIn = [TicketCategory.PENDING];
    await activePolicy([
      target(SlaMetric.FIRST_RESPONSE, 3_600),
      target(SlaMetric.NEXT_RESPONSE, 3_600),
      target(SlaMetric.RESOLUTION, 3_600, { pauseIn }),
    ]);
    const ticket = await tenant.createTicket(ada);
    await tenant.note(ticket.id, 'Looking.');
    expect(await timersOf(ticket)).toMatchObject({ 'FIRST_RESPONSE 1': { state: SlaTimerState.RUNNING } });
    await tenant.reply(ticket.id, { thenStatus: 'pending' });
    expect((await tenant.getTicket(ticket.id)).nextDueTime).toBeUndefined();
    await tenant.message(ticket.id);
    expect(await timersOf(ticket)).toMatchObject({
      'FIRST_RESPONSE 1': { state: SlaTimerState.MET, endReason: SlaTimerEnd.ANSWERED, endCause: 'tickets@2' },
      'NEXT_RESPONSE 1': { state: SlaTimerState.RUNNING },
      'RESOLUTION 1': { state: SlaTimerState.RUNNING, segments: [{}, { state: SlaTimerState.PAUSED }, {}] },
    });
    await service.call('solveTicket', { id: ticket.id }, tenant.caller);
    await service.call('reopenTicket', { id: ticket.id }, tenant.caller);
    expect(await timersOf(ticket)).toMatchObject({
      'NEXT_RESPONSE 1': { state: SlaTimerState.CANCELLED, endReason: SlaTimerEnd.SOLVED },
      'RESOLUTION 1': { state: SlaTimerState.MET },
      'RESOLUTION 2': { state: SlaTimerState.RUNNING, startTime: ticket.createTime },
    });
  });

  test('warn and are breached at their due times, each by one change', async () => {
    await activePolicy([target(SlaMetric.RESOLUTION, 2, { warnBeforeSeconds: [1] })]);
    const ticket = await tenant.createTicket(ada);
    const at = (seconds: number) => new Date(Date.parse(ticket.createTime!) + seconds * 1_000).toISOString();
    await expect.poll(async () => (await tenant.getTicket(ticket.id)).isBreached, { timeout: 60_000 }).toBe(true);

    const { 'RESOLUTION 1': timer } = await timersOf(ticket);
    expect(timer).toMatchObject({ state: SlaTimerState.BREACHED, breachTime: at(2), live: true, etag: '"3"' });
    expect(timer!.warnings).toEqual([{ beforeSeconds: 1, time: at(1) }]);
    const solved = await service.call('solveTicket', { id: ticket.id }, tenant.caller);
    expect(solved).toMatchObject({ isBreached: true, nextDueTime: undefined });
    expect(await timersOf(ticket)).toMatchObject({
      'RESOLUTION 1': { state: SlaTimerState.BREACHED, breachTime: at(2), metTime: solved.updateTime, live: false },
    });
  });

  test('follow a change of their calendar from then on, unless they have ended', async () => {
    const weekly = newCalendar().weekly.map(({ day }) => ({ day, opens: '00:00', closes: '24:00' }));
    const business = target(SlaMetric.RESOLUTION, 100 * 3_600, { clock: SlaClock.BUSINESS });
    const policy = await activePolicy([business]);
    const ticket = await tenant.createTicket(ada);
    const solved = await tenant.createTicket(ada);
    await service.call('solveTicket', { id: solved.id }, tenant.caller);
    const before = await timersOf(ticket);
    const calendar = newCalendar({ weekly });
    await service.call('updateCalendar', { id: calendarId, calendar, updateMask: ['weekly'] }, tenant.caller);

    await expect
      .poll(async () => (await timersOf(ticket))['RESOLUTION 1']!.segments.at(-1)!.cause, { timeout: 60_000 })
      .toBe(`calendars/${calendarId}@2`);
    const { 'RESOLUTION 1': after } = await timersOf(ticket);
    expect(Date.parse(after!.dueTime!)).toBeLessThan(Date.parse(before['RESOLUTION 1']!.dueTime!));
    expect(after).toMatchObject({ policyId: policy.id, calendarId });
    expect((await tenant.getTicket(ticket.id)).nextDueTime).toBe(after!.dueTime);
    expect(await timersOf(solved)).toMatchObject({ 'RESOLUTION 1': { etag: '"2"', segments: [{}] } });
  });

  test('end with a deleted ticket, and come back with it', async () => {
    await activePolicy([target(SlaMetric.RESOLUTION, 3_600)]);
    const ticket = await tenant.createTicket(ada);
    const { 'RESOLUTION 1': before } = await timersOf(ticket);
    await service.call('deleteTicket', { id: ticket.id }, tenant.caller);
    expect(await timersOf(ticket)).toMatchObject({
      'RESOLUTION 1': { state: SlaTimerState.CANCELLED, endReason: SlaTimerEnd.DELETED },
    });
    await service.call('undeleteTicket', { id: ticket.id }, tenant.caller);
    const { dueTime, segments, state } = before!;
    expect(await timersOf(ticket)).toMatchObject({ 'RESOLUTION 1': { dueTime, segments, state } });
  });

  test('are hidden from callers who do not see their ticket, and kept by them', async () => {
    await activePolicy([target(SlaMetric.RESOLUTION, 3_600)]);
    const ownerId = crypto.randomUUID();
    const ticket = await tenant.createTicket(ada, { ownerId });
    const narrow = (id: string) => ({ ...tenant.caller, principalId: `user:${id}`, recordScope: 'OWN' as const });
    const list = async (id: string) => (await service.call('listSlaTimers', {}, narrow(id))).slaTimers.length;
    expect([await list(ownerId), await list(crypto.randomUUID())]).toEqual([1, 0]);
    await service.call('solveTicket', { id: ticket.id }, narrow(ownerId));
    expect(await timersOf(ticket)).toMatchObject({ 'RESOLUTION 1': { state: SlaTimerState.MET } });
  });
});
