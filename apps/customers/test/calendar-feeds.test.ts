import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { Meeting, MeetingOutcome } from '@rapport/contracts/rapport/work/v1/meeting';
import { Task, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { ownerIdOf, type Caller } from '@rapport/platform';
import ICAL from 'ical.js';
import ical, { type VEvent } from 'node-ical';
import { describe, expect, test } from 'vitest';
import { v7 } from 'uuid';
import { readPage } from './public-pages.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
const notFound = { code: 'NOT_FOUND', reason: 'PAGE_NOT_FOUND' };

async function newFeed(caller: Caller): Promise<{ id: string; token: string }> {
  const { feed, path } = await service.call('createCalendarFeed', {}, caller);
  const [, token = ''] = /^\/cal\/([\w-]{43})\.ics$/.exec(path) ?? [];
  return { id: feed?.id ?? '', token };
}

const show = (token: string) => readPage(service, 'showCalendarFeed', { token });

/** The events of a feed by their summaries, as node-ical reads them. */
async function eventsOf(token: string): Promise<Map<string, VEvent>> {
  const { text } = await show(token);
  const parsed = Object.values(ical.sync.parseICS(text)).filter((each) => each?.type === 'VEVENT');
  return new Map(parsed.map((each) => [JSON.parse(JSON.stringify(each.summary)) as string, each]));
}

const hour = 3_600_000;
const inHours = (hours: number) => new Date(Math.floor(Date.now() / 1_000) * 1_000 + hours * hour).toISOString();
const inDays = (days: number) => inHours(24 * days).slice(0, 10);

describe('a calendar feed', () => {
  test('has the open tasks and the meetings of its owner, and nothing of others', async () => {
    const tenant = new WorkTenant(service);
    const ownerId = ownerIdOf(tenant.caller.principalId);
    const [start, end] = [inHours(5), inHours(6)];
    const meeting = await tenant.createMeeting({
      ...{
        subject: 'Review; with, "all" \\ of us',
        startTime: start,
        endTime: end,
        ownerId,
        location: 'Room 1\n2nd floor',
      },
      ...{
        description: 'Agenda:\n- costs, 薇薇的 ' + '長い説明'.repeat(40),
        joinUrl: 'https://meet.example/a?b=c,d;e',
      },
    });
    await tenant.createMeeting({ subject: 'Fair', allDay: true, startDate: inDays(3), endDate: inDays(5), ownerId });
    await tenant.createMeeting({ subject: 'Off', startTime: start, ownerId, outcome: MeetingOutcome.CANCELLED });
    await tenant.createTask({ subject: 'Call back', dueTime: inHours(2), ownerId });
    await tenant.createTask({ subject: 'Pay', dueDate: inDays(1), ownerId });
    await tenant.createTask({ subject: 'Done', dueDate: inDays(1), ownerId, status: TaskStatus.DONE });
    await tenant.createTask({ subject: 'Without a day', ownerId });
    await tenant.createTask({ subject: 'Of another', dueDate: inDays(1), ownerId: v7() });
    await tenant.createTask({ subject: 'Far away', dueDate: inDays(700), ownerId });
    const { token } = await newFeed(tenant.caller);

    const events = await eventsOf(token);
    expect([...events.keys()].toSorted()).toEqual(['Call back', 'Fair', 'Off', 'Pay', 'Review; with, "all" \\ of us']);
    const review = events.get(meeting.subject);
    expect(review).toMatchObject({
      ...{ uid: `${meeting.id}@rapport`, location: 'Room 1\n2nd floor', description: meeting.description },
      ...{ url: 'https://meet.example/a?b=c,d;e', status: 'CONFIRMED', transparency: 'OPAQUE' },
    });
    expect([review?.start.toISOString(), review?.end?.toISOString()]).toEqual([start, end]);
    expect(events.get('Off')?.status).toBe('CANCELLED');
    expect(events.get('Fair')?.datetype).toBe('date');
    expect(events.get('Call back')).toMatchObject({ transparency: 'TRANSPARENT' });
    const fair = new ICAL.Component(ICAL.parse((await show(token)).text) as unknown[])
      .getAllSubcomponents('vevent')
      .find((each) => each.getFirstPropertyValue('summary') === 'Fair');
    // The end is the day after the last one.
    expect(['dtstart', 'dtend'].map((name) => String(fair?.getFirstPropertyValue(name)))).toEqual([
      inDays(3),
      inDays(6),
    ]);
  });

  test('has the newest version of an event', async () => {
    const tenant = new WorkTenant(service);
    const ownerId = ownerIdOf(tenant.caller.principalId);
    const { id } = await tenant.createTask({ subject: 'First', dueDate: inDays(1), ownerId });
    const { token } = await newFeed(tenant.caller);
    expect((await eventsOf(token)).get('First')?.sequence).toBe(0);
    await tenant.updateTask(id, { subject: 'Second' });
    expect((await eventsOf(token)).get('Second')).toMatchObject({ uid: `${id}@rapport`, sequence: 1 });
  });

  test('ends when it is deleted, by its owner or one who configures the workspace', async () => {
    const caller = newCaller();
    const feed = await newFeed(caller);
    const colleague = {
      ...caller,
      principalId: `user:${v7()}`,
      permissions: ['meetings.read', 'tasks.read'],
      inConsole: true,
    };
    const missing = { code: 'NOT_FOUND', reason: 'CALENDAR_FEED_NOT_FOUND' };
    await expect(service.call('deleteCalendarFeed', { id: feed.id }, colleague)).rejects.toMatchObject(missing);
    await expect(service.call('deleteCalendarFeed', { id: feed.id }, newCaller())).rejects.toMatchObject(missing);
    const theirs = await newFeed(colleague);
    expect((await service.call('listCalendarFeeds', {}, caller)).feeds.map(({ id }) => id)).toEqual([feed.id]);

    for (const { id } of [feed, theirs]) await service.call('deleteCalendarFeed', { id }, caller);
    for (const { token } of [feed, theirs]) await expect(show(token)).rejects.toMatchObject(notFound);
    await expect(show('never-made')).rejects.toMatchObject(notFound);
  });

  test('has what is open of an owner who has done more than it can have', async () => {
    const tenant = new WorkTenant(service);
    const ownerId = ownerIdOf(tenant.caller.principalId);
    const done = { subject: 'Done', dueDate: inDays(-20), ownerId, status: TaskStatus.DONE };
    const items = Array.from({ length: 100 }, () => ({ task: { ...Task.decode(new Uint8Array()), ...done } }));
    const batch = { items, mode: BatchMode.ATOMIC };
    for (let call = 0; call < 7; call++) await service.call('batchCreateTasks', { batch }, tenant.caller);
    await tenant.createTask({ subject: 'Next', dueDate: inDays(1), ownerId });
    const { token } = await newFeed(tenant.caller);

    expect([...(await eventsOf(token)).keys()]).toEqual(['Next']);
  });

  test('has what is near and ahead of an owner with more meetings than it can have', async () => {
    const tenant = new WorkTenant(service);
    const ownerId = ownerIdOf(tenant.caller.principalId);
    const empty = Meeting.decode(new Uint8Array());
    const create = async (count: number, given: Partial<Meeting>) => {
      const items = Array.from({ length: count }, () => ({ meeting: { ...empty, ownerId, ...given } }));
      await service.call('batchCreateMeetings', { batch: { items, mode: BatchMode.ATOMIC } }, tenant.caller);
    };
    for (let call = 0; call < 6; call++) await create(100, { subject: 'Long ago', startTime: inHours(-28 * 24) });
    for (let call = 0; call < 6; call++)
      await create(100, { subject: 'Fair', allDay: true, startDate: inDays(-28), endDate: inDays(-28) });
    await create(1, { subject: 'Last week', startTime: inHours(-7 * 24) });
    await create(1, { subject: 'Now', startTime: inHours(-1) });
    await create(1, { subject: 'Next month', startTime: inHours(30 * 24) });
    await create(1, { subject: 'Holiday', allDay: true, startDate: inDays(2), endDate: inDays(2) });
    const { token } = await newFeed(tenant.caller);

    const kept = [...(await eventsOf(token)).keys()];
    expect(kept.toSorted()).toEqual(['Fair', 'Holiday', 'Last week', 'Long ago', 'Next month', 'Now']);
    for (let call = 0; call < 6; call++) await create(100, { subject: 'Soon', startTime: inHours(24 + call) });
    await create(1, { subject: 'Too far', startTime: inHours(40 * 24) });
    expect([...(await eventsOf(token)).keys()].toSorted()).toEqual(['Fair', 'Holiday', 'Now', 'Soon']);
  });

  test('is refused to callers who own or see no such records, and beyond ten', async () => {
    const caller = newCaller();
    const refusals: [Partial<Caller>, string][] = [
      [{ principalId: `client:${v7()}` }, 'USER_NEEDED'],
      // An app that the user has let act: the link would outlast the consent.
      [{ principalId: `user:${v7()}` }, 'API_KEY_NEEDED'],
      [{ permissions: ['meetings.read'] }, 'PERMISSION_MISSING'],
      [{ hidesPii: true }, 'PERSONAL_DATA_HIDDEN'],
    ];
    for (const [change, reason] of refusals) {
      const create = service.call('createCalendarFeed', {}, { ...caller, ...change });
      await expect(create).rejects.toMatchObject({ reason });
    }
    const made = await Promise.allSettled(Array.from({ length: 12 }, () => newFeed(caller)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });

  test('is no page of a quote, and a quote none of it', async () => {
    const { token } = await newFeed(newCaller());
    await expect(readPage(service, 'showQuotePage', { token })).rejects.toMatchObject(notFound);
  });
});
