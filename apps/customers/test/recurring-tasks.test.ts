import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import {
  Task,
  TaskRecurrence,
  TaskRecurrence_Missed as Missed,
  TaskRecurrence_Mode as Mode,
  TaskStatus,
} from '@rapport/contracts/rapport/work/v1/task';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { ref, WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

const weekly = TaskRecurrence.create({ rule: 'FREQ=WEEKLY' });
const dayMs = 86_400_000;
const dayOf = (fromNow: number) => new Date(Date.now() + fromNow * dayMs).toISOString().slice(0, 10);

test('the next task has the content of the completed one, its next day, and the live records of it', async () => {
  const [ada, bob] = [await tenant.createPerson(), await tenant.createPerson()];
  const ownerId = v7();
  const task = await tenant.createTask({
    ...{ subject: 'Call', description: 'About prices', tags: ['vip'], priority: 3, ownerId, timeZone: 'Europe/Berlin' },
    ...{ dueDate: dayOf(3), recurrence: weekly, related: [ref('customer', bob), ref('customer', ada)] },
    reminders: [
      { beforeSeconds: 3_600, time: undefined },
      { beforeSeconds: undefined, time: '2026-01-31T09:30:00Z' },
    ],
  });
  await service.delete(tenant.caller, bob.id);

  const { task: done, nextTask } = await tenant.complete(task.id);

  expect(done).toMatchObject({ status: TaskStatus.DONE, nextTaskId: nextTask?.id, seriesId: task.id, etag: '"2"' });
  expect(Date.parse(done?.completeTime ?? '')).toBeLessThanOrEqual(Date.parse(done?.updateTime ?? ''));
  const { subject, description, tags, priority, timeZone, recurrence, customerId } = { ...task, customerId: ada.id };
  expect(nextTask).toMatchObject({
    ...{ subject, description, tags, priority, ownerId, timeZone, recurrence, customerId },
    ...{ status: TaskStatus.OPEN, seriesId: task.id, dueDate: dayOf(10), occurrence: dayOf(10), etag: '"1"' },
    ...{ related: [ref('customer', ada)], reminders: [{ beforeSeconds: 3_600 }], completeTime: undefined },
  });
  expect(await tenant.series(task.id)).toEqual([done, nextTask]);
});

test('a task at a time of day keeps it over a clock change', async () => {
  const [dueTime, timeZone] = ['2090-03-25T08:00:00.000Z', 'Europe/Berlin'];
  const recurrence = TaskRecurrence.create({ rule: 'FREQ=DAILY', missed: Missed.ALL });
  const { id } = await tenant.createTask({ dueTime, timeZone, recurrence });

  const { nextTask } = await tenant.complete(id);
  const { nextTask: third } = await tenant.complete(nextTask?.id ?? '');

  expect([nextTask?.dueTime, third?.dueTime]).toEqual(['2090-03-26T07:00:00.000Z', '2090-03-27T07:00:00.000Z']);
});

// First three weeks ago: two occurrences have passed since, and that of today has not.
test.each<[string, Partial<TaskRecurrence>, number]>([
  ['the first that has not passed', { missed: Missed.SKIP }, 0],
  ['the last that has passed', { missed: Missed.ONE }, -7],
  ['by default the last that has passed', {}, -7],
  ['each', { missed: Missed.ALL }, -14],
  ['a week after the completion', { mode: Mode.AFTER_COMPLETION }, 7],
])('the next task is for %s', async (_, given, days) => {
  const { id } = await tenant.createTask({ dueDate: dayOf(-21), recurrence: { ...weekly, ...given } });

  expect((await tenant.complete(id)).nextTask?.dueDate).toBe(dayOf(days));
});

test('a skipped task is cancelled, and the last one has no next', async () => {
  const recurrence = TaskRecurrence.create({ rule: 'FREQ=DAILY;COUNT=2', missed: Missed.ALL });
  const { id } = await tenant.createTask({ dueDate: dayOf(1), recurrence });

  const { task, nextTask } = await tenant.skip(id);
  expect(task).toMatchObject({ status: TaskStatus.CANCELLED, completeTime: expect.any(String) as string });
  const last = await tenant.skip(nextTask?.id ?? '');

  expect(last).toMatchObject({ task: { nextTaskId: undefined }, nextTask: undefined });
  expect(await tenant.skip(id)).toMatchObject({ task: { etag: '"2"' }, nextTask: { id: nextTask?.id } });
  await expect(tenant.complete(id)).rejects.toMatchObject({ reason: 'TASK_CLOSED' });
  const { id: once } = await tenant.createTask();
  await expect(tenant.skip(once)).rejects.toMatchObject({ reason: 'TASK_NOT_RECURRING' });
});

test('one of many calls at once, with keys and without, creates the next task', async () => {
  const { id } = await tenant.createTask({ dueDate: dayOf(1), recurrence: weekly });

  const calls = Array.from({ length: 16 }, (_, call) =>
    call % 3 === 0 ? tenant.skip(id) : tenant.complete(id, call % 2 > 0 ? { requestId: `key ${call}` } : {}),
  );
  const answers = (await Promise.allSettled(calls)).flatMap((call) => (call.status === 'fulfilled' ? call.value : []));

  expect(new Set(answers.map(({ nextTask }) => nextTask?.id)).size).toBe(1);
  expect(await tenant.series(id)).toHaveLength(2);
});

test('a task that is reopened and completed again has one next task', async () => {
  const { id } = await tenant.createTask({ dueDate: dayOf(1), recurrence: weekly });
  const { nextTask } = await tenant.complete(id);

  const reopened = await service.call('reopenTask', { id }, tenant.caller);
  expect(reopened).toMatchObject({ status: TaskStatus.OPEN, completeTime: undefined, nextTaskId: nextTask?.id });
  expect(await tenant.complete(id)).toMatchObject({ task: { status: TaskStatus.DONE }, nextTask });
  expect(await tenant.series(id)).toHaveLength(2);
});

test('no other write closes a recurring task without its next one', async () => {
  const refused = { violations: [{ field: 'task.status', reason: 'RECURRING' }] };
  const { id } = await tenant.createTask({ dueDate: dayOf(1), recurrence: weekly });

  await expect(tenant.updateTask(id, { status: TaskStatus.DONE })).rejects.toMatchObject(refused);
  await expect(
    tenant.createTask({ dueDate: dayOf(1), recurrence: weekly, status: TaskStatus.CANCELLED }),
  ).rejects.toMatchObject(refused);
  const { task } = await tenant.complete(id);
  await service.call('reopenTask', { id }, tenant.caller);
  expect(await tenant.updateTask(id, { status: TaskStatus.DONE })).toMatchObject({ nextTaskId: task?.nextTaskId });
});

test('a rule that is moved to a later start goes on from there', async () => {
  const { id } = await tenant.createTask({ dueDate: dayOf(1), recurrence: weekly });

  const moved = await tenant.updateTask(id, { dueDate: dayOf(20), recurrence: weekly });
  expect(moved).toMatchObject({ recurrence: { start: dayOf(20) }, occurrence: dayOf(1) });
  expect((await tenant.complete(id)).nextTask).toMatchObject({ dueDate: dayOf(27) });
});

test.each<[Partial<TaskRecurrence>, string]>([
  [{ rule: 'FREQ=SOMETIMES' }, 'recurrence.rule'],
  [{ start: '2026-02-30' }, 'recurrence.start'],
  [{ exdates: ['2026-02-30'] }, 'recurrence.exdates[0]'],
  [{ rule: 'FREQ=DAILY;COUNT=2', mode: Mode.AFTER_COMPLETION }, 'recurrence.rule'],
])('the recurrence %j is refused', async (given, field) => {
  const task: Partial<Task> = { dueDate: '2026-01-31', recurrence: { ...weekly, ...given } };
  await expect(tenant.createTask(task)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: `task.${field}` }],
  });
});

test('reminders are held back until a time in the future', async () => {
  const { id } = await tenant.createTask();
  const snooze = (until?: string, durationSeconds?: number) =>
    service.call('snoozeTask', { id, snooze: { until, durationSeconds } }, tenant.caller);

  const until = new Date(Date.now() + dayMs).toISOString();
  expect(await snooze(until)).toMatchObject({ snoozeTime: until, etag: '"2"' });
  const { snoozeTime = '' } = await snooze(undefined, 3_600);
  expect(Date.parse(snoozeTime) - Date.now()).toBeGreaterThan(3_500_000);
  await expect(snooze('2026-01-31T09:30:00Z')).rejects.toMatchObject({ violations: [{ reason: 'IN_PAST' }] });
  await expect(snooze()).rejects.toMatchObject({ violations: [{ field: 'snooze', reason: 'BAD_FORMAT' }] });
  await tenant.complete(id);
  await expect(snooze(until)).rejects.toMatchObject({ reason: 'TASK_CLOSED' });
});

test('a batch of tasks whose rules never occur is refused before the deadline of the call', async () => {
  const recurrence = TaskRecurrence.create({ rule: 'FREQ=WEEKLY;BYMONTH=2;BYDAY=MO,TU,WE;BYSETPOS=5,6,7' });
  const items = Array.from({ length: 100 }, (_, index) => ({
    task: Task.create({ subject: `Never ${index}`, dueDate: dayOf(index), recurrence }),
  }));
  const { results } = await service.call(
    'batchCreateTasks',
    { batch: { items, mode: BatchMode.PER_ITEM }, requestId: v7() },
    tenant.caller,
  );
  const reasons = results.map(({ problem }) => problem?.violations.map(({ reason }) => reason));
  expect(reasons).toEqual(items.map(() => ['NEVER_OCCURS']));
});
