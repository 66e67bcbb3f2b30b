import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { Task, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { beforeEach, describe, expect, test } from 'vitest';
import { nextReminderMs } from '../src/domain/work/task-reminders.js';
import { changesOf } from './change-feeds.js';
import { sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

test('a due reminder changes the task as of its due time, and the next one waits', async () => {
  const soon = new Date(Date.now() + 400).toISOString();
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const reminders = [soon, later].map((time) => ({ beforeSeconds: undefined, time }));
  const { id } = await tenant.createTask({ subject: 'Call', reminders });

  await expect.poll(async () => (await tenant.getTask(id)).remindedTime, { timeout: 60_000 }).toBe(soon);

  expect(await tenant.getTask(id)).toMatchObject({ subject: 'Call', etag: '"2"', updatedBy: 'service:timers' });
  const changes = await changesOf(service, tenant.caller, 2);
  expect(changes[1]).toMatchObject({
    ...{ operation: ChangeOperation.UPDATE, changedFields: ['remindedTime'], after: { remindedTime: soon } },
  });
});

describe('the next reminder', () => {
  const [dueTime, createTime] = ['2026-03-30T09:00:00.000Z', '2026-03-01T00:00:00.000Z'];
  const before = (...seconds: number[]) => seconds.map((beforeSeconds) => ({ beforeSeconds, time: undefined }));
  const at = (given: Partial<Task>) => {
    const next = nextReminderMs(Task.create({ status: TaskStatus.OPEN, createTime, dueTime, ...given }));
    return next === undefined ? undefined : new Date(next).toISOString();
  };

  test.each<[string, Partial<Task>, string | undefined]>([
    ['is the first of all', { reminders: before(0, 3_600) }, '2026-03-30T08:00:00.000Z'],
    [
      'is after the last one',
      { reminders: before(0, 3_600), remindedTime: '2026-03-30T08:00:00.000Z' },
      '2026-03-30T09:00:00.000Z',
    ],
    [
      'counts from the start of a day',
      { dueTime: undefined, dueDate: '2026-03-30', timeZone: 'Europe/Berlin', reminders: before(60) },
      '2026-03-29T21:59:00.000Z',
    ],
    [
      'is held back while the task is snoozed',
      { reminders: before(0), snoozeTime: '2026-04-02T00:00:00.000Z' },
      '2026-04-02T00:00:00.000Z',
    ],
    ['comes at the end of a snooze', { snoozeTime: '2026-03-02T00:00:00.000Z' }, '2026-03-02T00:00:00.000Z'],
    ['is not before the task was created', { reminders: before(40 * 86_400) }, undefined],
    ['is none for a completed task', { reminders: before(0), status: TaskStatus.DONE }, undefined],
    ['is none for a deleted task', { reminders: before(0), deleteTime: createTime }, undefined],
  ])('%s', (_, given, expected) => {
    expect(at(given)).toBe(expected);
  });
});
