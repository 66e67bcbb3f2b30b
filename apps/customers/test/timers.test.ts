import { TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { TimerState, type ListTimersRequest } from '@rapport/contracts/rapport/work/v1/timers_service';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const times = ['2099-01-01T09:00:00.000Z', '2099-01-02T09:00:00.000Z', '2099-01-03T09:00:00.000Z'] as const;

const anyText: unknown = expect.any(String);

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

const list = (request: Partial<ListTimersRequest> = {}, as = tenant.caller) => service.call('listTimers', request, as);

test('timers of records are listed in the order of their times, page by page', async () => {
  const [, later, latest] = times;
  const { id } = await tenant.createTask({ dueTime: latest, reminders: [{ beforeSeconds: undefined, time: later }] });
  const other = await tenant.createTask({ dueTime: times[0] });
  const { timers, nextPageToken } = await list({ pageSize: 2 });
  const next = await list({ pageSize: 2, pageToken: nextPageToken! });

  const unset = { createTime: anyText, endTime: undefined, id: anyText };
  const timer = { recordType: 'task', state: TimerState.PENDING, ...unset };
  expect([...timers, ...next.timers]).toEqual([
    { ...timer, recordId: other.id, kind: 'task.due', purpose: 'due', dueTime: times[0] },
    { ...timer, recordId: id, kind: 'task.reminder', purpose: 'next', dueTime: later },
    { ...timer, recordId: id, kind: 'task.due', purpose: 'due', dueTime: latest },
  ]);
  expect(next.nextPageToken).toBeUndefined();
  expect((await list({ record: `task/${other.id}` })).timers).toHaveLength(1);
});

test('a task that is closed or moved cancels and moves its timers', async () => {
  const moved = await tenant.createTask({ dueTime: times[0] });
  const closed = await tenant.createTask({ dueTime: times[0] });
  await tenant.updateTask(moved.id, { dueTime: times[1] });
  await tenant.updateTask(closed.id, { status: TaskStatus.DONE });

  expect((await list()).timers).toMatchObject([{ recordId: moved.id, dueTime: times[1] }]);
  const { timers } = await list({ states: [TimerState.CANCELLED, TimerState.FIRED] });
  expect(timers).toMatchObject([{ recordId: closed.id, state: TimerState.CANCELLED, endTime: anyText }]);
});

test('timers of records that the caller can not read are left out', async () => {
  const owner = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' as const, teamIds: [] };
  await tenant.createTask({ dueTime: times[0] });
  const own = await tenant.createTask({ dueTime: times[1] }, owner);
  const deleted = await tenant.createTask({ dueTime: times[2] });
  await service.call('deleteTask', { id: deleted.id }, tenant.caller);

  expect((await list({}, owner)).timers).toMatchObject([{ recordId: own.id }]);
  expect((await list()).timers).toHaveLength(2);
  expect((await list({}, { ...tenant.caller, permissions: ['timers.read'] })).timers).toEqual([]);
  expect((await list({}, { ...tenant.caller, tenantId: v7() })).timers).toEqual([]);
});
