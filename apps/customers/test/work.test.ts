import { CallDirection } from '@rapport/contracts/rapport/work/v1/call';
import { TaskPriority, TaskRecurrence, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { beforeEach, expect, test } from 'vitest';
import { titleOf } from '../src/domain/work/notes.js';
import { sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

const reminder = { beforeSeconds: undefined, time: undefined };

test('a task is open and of normal priority by default, and its deadline is the end of its day in its zone', async () => {
  const task = await tenant.createTask({ dueDate: '2026-03-29', timeZone: 'Europe/Berlin' });

  expect(task).toMatchObject({ status: TaskStatus.OPEN, priority: TaskPriority.NORMAL, completeTime: undefined });
  // The day has 23 hours.
  expect(task.deadline).toBe('2026-03-29T22:00:00.000Z');
  const moved = await tenant.updateTask(task.id, { dueDate: undefined, dueTime: '2026-03-30T09:00:00.000Z' });
  expect(moved.deadline).toBe('2026-03-30T09:00:00.000Z');
  expect(await tenant.tasks('priority >= NORMAL AND status = OPEN AND deadline < 2026-04-01')).toHaveLength(1);
  expect((await tenant.updateTask(task.id, { dueTime: undefined })).deadline).toBeUndefined();
});

test('the complete time of a task follows its status', async () => {
  const { id } = await tenant.createTask();

  const done = await tenant.updateTask(id, { status: TaskStatus.DONE });
  expect(done.completeTime).toBe(done.updateTime);
  expect((await tenant.updateTask(id, { subject: 'Renamed' })).completeTime).toBe(done.completeTime);
  expect((await tenant.updateTask(id, { status: TaskStatus.IN_PROGRESS })).completeTime).toBeUndefined();
});

test('a task with contradictory times is refused', async () => {
  const refused = (given: Parameters<WorkTenant['createTask']>[0], field: string, reason: string) =>
    expect(tenant.createTask(given)).rejects.toMatchObject({ violations: [{ field: `task.${field}`, reason }] });
  const [dueTime, dueDate] = ['2026-03-30T09:00:00Z', '2026-03-30'];

  await refused({ dueTime, dueDate }, 'dueDate', 'CONFLICTING_FIELDS');
  await refused({ dueDate, timeZone: 'Europe/Atlantis' }, 'timeZone', 'TIME_ZONE_UNKNOWN');
  await refused({ reminders: [{ ...reminder, beforeSeconds: 60 }] }, 'reminders[0]', 'NOT_ALLOWED');
  await refused({ dueTime, reminders: [reminder] }, 'reminders[0]', 'BAD_FORMAT');
  await refused({ recurrence: TaskRecurrence.create({ rule: 'FREQ=DAILY' }) }, 'recurrence', 'NOT_ALLOWED');
});

test('a meeting has times or days, in order', async () => {
  const refused = (given: Parameters<WorkTenant['createMeeting']>[0], field: string, reason: string) =>
    expect(tenant.createMeeting(given)).rejects.toMatchObject({ violations: [{ field: `meeting.${field}`, reason }] });
  const [startTime, startDate] = ['2026-03-30T09:00:00.000Z', '2026-03-30'];

  expect(await tenant.createMeeting({ startTime, endTime: startTime })).toMatchObject({ startTime });
  expect(await tenant.createMeeting({ allDay: true, startDate })).toMatchObject({ startDate });
  await refused({}, 'startTime', 'REQUIRED');
  await refused({ allDay: true }, 'startDate', 'REQUIRED');
  await refused({ startTime, startDate }, 'startDate', 'NOT_ALLOWED');
  await refused({ allDay: true, startDate, startTime }, 'startTime', 'NOT_ALLOWED');
  await refused({ startTime, endTime: '2026-03-30T08:59:59Z' }, 'endTime', 'END_BEFORE_START');
  await refused({ allDay: true, startDate, endDate: '2026-03-29' }, 'endDate', 'END_BEFORE_START');
});

test('the title of a note is its first line with text, without Markdown', async () => {
  const body = '\n## **Price** talk\n\n- 50 seats';
  expect(await tenant.createNote({ body })).toMatchObject({ title: 'Price talk', body: body.trim() });
  expect(titleOf('> quoted')).toBe('quoted');
  expect(titleOf('***')).toBe('***');
  expect(titleOf('😀'.repeat(101))).toBe('😀'.repeat(100));
});

test('an e-mail is logged once', async () => {
  const messageId = '4711@mail.example.com';
  const email = await tenant.createEmail({ messageId, toAddresses: ['ada@example.com'] });

  await expect(tenant.createEmail({ messageId })).rejects.toMatchObject({
    reason: 'MESSAGE_ID_TAKEN',
    metadata: { emailId: email.id },
  });
  const found = await service.call('listEmails', { filter: 'toAddresses:ada@example.com' }, tenant.caller);
  expect(found.emails).toEqual([email]);
});

test('a call is found by the digits of its number, and durations are summed', async () => {
  const number = '+4930123456';
  await tenant.createCall({ number, direction: CallDirection.INBOUND, durationSeconds: 40 });
  await tenant.createCall({ direction: CallDirection.INBOUND, durationSeconds: 2 });

  const { calls } = await service.call('listCalls', { filter: 'number = "030 123456"' }, tenant.caller);
  expect(calls).toMatchObject([{ number }]);
  const request = { groupBy: ['direction'], sum: ['duration_seconds'] };
  const { groups } = await service.call('aggregateCalls', request, tenant.caller);
  expect(groups).toMatchObject([{ count: 2, sums: [{ value: '42' }] }]);
  await expect(tenant.createCall({ number: '030 123456' })).rejects.toMatchObject({
    violations: [{ field: 'call.number', reason: 'BAD_FORMAT' }],
  });
});
