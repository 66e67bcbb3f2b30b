import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { Note } from '@rapport/contracts/rapport/work/v1/note';
import {
  NotificationKind as Kind,
  NotificationPreferences,
  NotificationsServiceService as Methods,
  type ListNotificationsRequest,
  type Notification,
  type WatchNotificationsResponse,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { Task, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { etagVersion } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { OperationTenant } from './operation-tenant.js';
import { sharedCustomers, sharedMailCustomers } from './running-customers.js';
import { idOf } from './scoped-tenant.js';
import { TicketTenant } from './ticket-tenant.js';
import { WorkTenant } from './work-tenant.js';

const patience = { timeout: 60_000 };
const anyText: unknown = expect.any(String);
const nothing = new Uint8Array();
const blank = Task.decode(nothing);

const service = await sharedCustomers();
let tenant: WorkTenant;
let ada: Caller;
let bo: Caller;

beforeEach(() => {
  tenant = new WorkTenant(service);
  ada = { ...tenant.caller, principalId: `user:${v7()}` };
  bo = { ...tenant.caller, principalId: `user:${v7()}` };
});

const list = async (caller: Caller, request: Partial<ListNotificationsRequest> = {}) =>
  (await service.call('listNotifications', request, caller)).notifications;
const titles = (notifications: Notification[]) => notifications.map(({ title }) => title);
const taskFor = (owner: Caller, subject: string, by = ada) => tenant.createTask({ subject, ownerId: idOf(owner) }, by);

function mute(caller: Caller, field: keyof NotificationPreferences, inApp: boolean | undefined) {
  const preferences = { ...NotificationPreferences.decode(nothing), [field]: { inApp } };
  return service.call('updateNotificationPreferences', { preferences, updateMask: [field] }, caller);
}

test('the new owner of open work is notified once, by others only', async () => {
  const task = await taskFor(bo, 'Call Eve');
  await taskFor(bo, 'My own', bo);
  const unowned = await tenant.createTask({ subject: 'Later' }, ada);
  await tenant.createNote({ ownerId: idOf(bo) }, ada);

  expect(await list(bo)).toEqual([
    {
      ...{ id: anyText, kind: Kind.ASSIGNED, time: anyText, position: 1, readTime: undefined },
      ...{ recordType: 'task', recordId: task.id, title: 'Call Eve', actor: ada.principalId, version: 1 },
    },
  ]);
  expect(await list(ada)).toEqual([]);

  await tenant.updateTask(unowned.id, { ownerId: idOf(bo) });
  await tenant.updateTask(unowned.id, { ownerId: idOf(bo), subject: 'Later, again' });
  expect(titles(await list(bo))).toEqual(['Later, again', 'Call Eve']);
});

test('a batch gives its notifications positions in its order, and a repeated request none', async () => {
  const items = ['A', 'B', 'C'].map((subject) => ({ task: { ...blank, subject, ownerId: idOf(bo) } }));
  const request = { batch: { items, mode: BatchMode.ATOMIC }, requestId: v7() };
  for (let time = 0; time < 2; time += 1) await service.call('batchCreateTasks', request, ada);

  expect((await list(bo)).map(({ title, position }) => [title, position])).toEqual([
    ['C', 3],
    ['B', 2],
    ['A', 1],
  ]);
});

test('a mention notifies each user once for each record', async () => {
  const [mention, other] = [bo, ada].map((caller) => `@[Someone](users/${idOf(caller)})`);
  const { id } = await tenant.createNote({ body: `Ask ${mention} and ${mention}, not @[x](users/1)` }, ada);
  const update = (body: string) =>
    service.call('updateNote', { id, note: { ...Note.decode(nothing), body }, updateMask: ['body'] }, ada);
  await update('Nobody');
  await update(`Ask ${mention} and myself, ${other}`);

  const note = { recordType: 'note', recordId: id, version: 1, title: 'Ask @Someone and myself, @Someone' };
  expect(await list(bo)).toMatchObject([{ kind: Kind.MENTIONED, ...note }]);
  expect(await list(ada)).toEqual([]);
});

test('a reminder and the due time of an open task notify its owner, as of their times', async () => {
  const [reminded, due] = [400, 500].map((ms) => new Date(Date.now() + ms).toISOString());
  const reminders = [{ beforeSeconds: undefined, time: reminded }];
  const more = { reminders, dueTime: due };
  const task = await tenant.createTask({ subject: 'Call', ownerId: idOf(bo), ...more }, bo);
  const closed = { ...more, status: TaskStatus.DONE };
  await tenant.createTask({ subject: 'Done', ownerId: idOf(bo), ...closed }, bo);

  await expect.poll(async () => (await list(bo)).length, patience).toBe(2);
  const seen = (await list(bo)).map(({ kind, time, recordId, actor }) => ({ kind, time, recordId, actor }));
  expect(seen).toEqual(
    expect.arrayContaining([
      { kind: Kind.REMINDER, time: reminded, recordId: task.id, actor: 'service:timers' },
      { kind: Kind.DUE, time: due, recordId: task.id, actor: 'service:timers' },
    ]),
  );
});

test('an import that fails notifies the user that started it, and its records nobody', async () => {
  const operations = await OperationTenant.create(service, ada);
  const { id } = await operations.run('"subject\n', { recordType: 'task', map: ['subject=subject'] });
  await operations.run(`subject,ownerId\nImported,${idOf(bo)}\n`, { recordType: 'task' });
  await operations.close();

  expect(await list(ada)).toMatchObject([{ kind: Kind.OPERATION_FAILED, recordType: 'operation', recordId: id }]);
  expect(await list(bo)).toEqual([]);
});

test('an approval notifies those for whose decision it waits, once, until it does not wait for them any more', async () => {
  const ofSync = await sharedMailCustomers();
  const approval = { tenantId: tenant.caller.tenantId, approvalId: v7(), actor: ada.principalId };
  const waitFor = (...approvers: Caller[]) =>
    ofSync.call('notifyApprovers', { ...approval, approverIds: approvers.map((caller) => idOf(caller) ?? '') });
  const listed = async (caller: Caller) => (await ofSync.call('listNotifications', {}, caller)).notifications;
  const [first, second] = [ada, bo].map((caller) => ({
    ...caller,
    permissions: [...caller.permissions, 'approvals.read'],
  }));
  await waitFor(ada, bo);
  await waitFor(ada, bo);

  const asked = { kind: Kind.APPROVAL_REQUESTED, recordType: 'approval', recordId: approval.approvalId };
  const unread = { ...asked, title: undefined, actor: ada.principalId, readTime: undefined };
  expect(await listed(first!)).toMatchObject([unread]);
  expect(await listed(ada)).toMatchObject([{ recordType: 'approval', recordId: undefined, actor: undefined }]);
  await waitFor(bo);
  expect(await listed(first!)).toMatchObject([{ ...asked, readTime: anyText }]);
  expect(await listed(second!)).toMatchObject([unread]);
  await waitFor();
  expect(await ofSync.call('countNotifications', {}, bo)).toEqual({ unread: 0, newestPosition: 1 });

  // The shared service takes its callers for the edge.
  await expect(service.call('notifyApprovers', { ...approval, approverIds: [] })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
  });
});

test('what is marked as read up to a position leaves newer ones unread', async () => {
  for (const subject of ['A', 'B', 'C']) await taskFor(bo, subject);
  const [, second] = await list(bo);
  const last = await service.call('markAllNotificationsRead', { seen: { upToPosition: second!.position } }, bo);

  expect(last).toEqual({ unread: 1, newestPosition: 3 });
  expect(titles(await list(bo, { unread: true }))).toEqual(['C']);
  const { id, readTime } = await service.call('markNotificationRead', { id: second!.id }, bo);
  expect(readTime).toBe((await list(bo))[1]!.readTime);
  expect(await service.call('markNotificationUnread', { id }, bo)).toMatchObject({ title: 'B', readTime: undefined });
  await service.call('deleteNotification', { id }, bo);
  expect(titles(await list(bo, { unread: false }))).toEqual(['A']);
  const missing = { code: 'NOT_FOUND', reason: 'NOTIFICATION_NOT_FOUND' };
  await expect(service.call('getNotification', { id }, bo)).rejects.toMatchObject(missing);
});

test('pages and filters are of the caller alone', async () => {
  for (const subject of ['A', 'B', 'C']) await taskFor(bo, subject);
  await tenant.createNote({ body: `For @[Bo](users/${idOf(bo)})` }, ada);
  const first = await service.call('listNotifications', { pageSize: 2, recordType: 'task' }, bo);
  expect(titles(first.notifications)).toEqual(['C', 'B']);
  const next = { pageSize: 2, recordType: 'task', pageToken: first.nextPageToken! };
  expect(await service.call('listNotifications', next, bo)).toMatchObject({
    ...{ notifications: [{ title: 'A' }], nextPageToken: undefined },
  });
  await expect(service.call('listNotifications', next, ada)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await list(bo, { kinds: [Kind.MENTIONED] })).toHaveLength(1);

  const { id } = first.notifications[0]!;
  const missing = { reason: 'NOTIFICATION_NOT_FOUND' };
  const stranger = { ...bo, tenantId: v7() };
  for (const caller of [ada, stranger]) {
    for (const method of ['getNotification', 'markNotificationRead', 'deleteNotification'] as const) {
      await expect(service.call(method, { id }, caller)).rejects.toMatchObject(missing);
    }
  }
  const program = { ...bo, principalId: 'client:app' };
  await expect(list(program)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'USER_NEEDED' });
});

test('a record that the recipient can not read, or that is deleted, shows only its type', async () => {
  const task = await taskFor(bo, 'Secret');
  const note = await tenant.createNote({ body: `@[Bo](users/${idOf(bo)}) look` }, ada);
  const hidden = { recordId: undefined, title: undefined, actor: undefined, version: undefined };
  const typesOnly = [
    { recordType: 'note', ...hidden },
    { recordType: 'task', ...hidden },
  ];
  expect(await list({ ...bo, permissions: ['notifications.read'] })).toMatchObject(typesOnly);

  const given = { task: { ...blank, ownerId: idOf(ada) }, updateMask: ['ownerId'] };
  await service.call('updateTask', { id: task.id, ...given }, ada);
  const narrow = { ...bo, recordScope: 'OWN' as const, teamIds: [] };
  expect(await list(narrow)).toMatchObject(typesOnly);

  await service.call('deleteTask', { id: task.id }, ada);
  await service.call('deleteNote', { id: note.id }, ada);
  expect(await list(bo)).toMatchObject(typesOnly);
  await service.call('undeleteNote', { id: note.id }, ada);
  expect(await list(bo)).toMatchObject([{ recordId: note.id, actor: ada.principalId }, typesOnly[1]]);
});

test('a muted kind makes no notifications until it is restored', async () => {
  const on = { inApp: true };
  const others = { customerMessage: on, statusChanged: on, approvalRequested: on };
  const all = { assigned: on, mentioned: on, due: on, reminder: on, operationFailed: on, ...others };
  expect(await service.call('getNotificationPreferences', {}, bo)).toEqual(all);
  expect(await mute(bo, 'assigned', false)).toEqual({ ...all, assigned: { inApp: false } });
  await taskFor(bo, 'Unseen');
  expect(await mute(bo, 'assigned', undefined)).toEqual(all);
  await taskFor(bo, 'Seen');

  expect(titles(await list(bo))).toEqual(['Seen']);
});

test('messages of customers and changes of the status notify those who own or follow a ticket, and owners of customers', async () => {
  const desk = new TicketTenant(service, tenant.caller);
  const [eve, requester] = [{ ...tenant.caller, principalId: `user:${v7()}` }, await desk.createRequester()];
  const customer = { ...Customer.decode(nothing), ownerId: idOf(eve) };
  await service.call('updateCustomer', { id: requester, customer, updateMask: ['ownerId'] }, tenant.caller);
  const { id } = await desk.createTicket(requester, { ownerId: idOf(ada), followerIds: [idOf(bo)] });

  await service.call('solveTicket', { id }, ada);
  const { ticket } = await desk.message(id);
  await desk.note(id, 'It is the old plan.');
  await mute(bo, 'customerMessage', false);
  await desk.message(id, 'And it is slow.');

  const kindsOf = async (caller: Caller) => (await list(caller)).map(({ kind }) => kind);
  expect(await kindsOf(ada)).toEqual([Kind.CUSTOMER_MESSAGE, Kind.CUSTOMER_MESSAGE, Kind.ASSIGNED]);
  expect(await kindsOf(bo)).toEqual([Kind.CUSTOMER_MESSAGE, Kind.STATUS_CHANGED]);
  expect(await kindsOf(eve)).toEqual([Kind.CUSTOMER_MESSAGE, Kind.CUSTOMER_MESSAGE]);
  expect((await list(bo))[0]).toMatchObject({
    ...{ recordType: 'ticket', recordId: id, title: ticket!.subject, actor: tenant.caller.principalId },
    version: etagVersion(ticket!.etag),
  });
});

test('the stream has each new notification once, resumes after a cursor, and follows the count', async () => {
  await taskFor(bo, 'Before');
  const first = watch(bo);
  expect(await first.next()).toMatchObject({ notification: undefined, count: { unread: 1 }, cursor: '1' });
  await taskFor(bo, 'While open');
  expect(await first.next()).toMatchObject({ notification: { title: 'While open' }, cursor: '2' });
  await service.call('markAllNotificationsRead', { seen: { upToPosition: 2 } }, bo);
  expect(await first.next()).toMatchObject({ notification: undefined, count: { unread: 0 }, cursor: '2' });
  await first.close();

  await Promise.all(['A', 'B', 'C'].map((subject) => taskFor(bo, subject)));
  const resumed = watch(bo, '2');
  await resumed.next();
  const received = [await resumed.next(), await resumed.next(), await resumed.next()];
  await resumed.close();
  expect(received.map((message) => message?.cursor)).toEqual(['3', '4', '5']);
  expect(received.map((message) => message?.notification?.title).toSorted()).toEqual(['A', 'B', 'C']);
});

function watch(caller: Caller, cursor?: string) {
  const options = { context: service.outgoing(caller), deadlineMs: 60_000 };
  const messages = service.streams.stream(Methods.watchNotifications.path, { cursor }, options);
  const iterator = messages[Symbol.asyncIterator]() as AsyncIterator<WatchNotificationsResponse>;
  return {
    next: async () => (await iterator.next()).value as WatchNotificationsResponse | undefined,
    close: () => iterator.return?.(),
  };
}
