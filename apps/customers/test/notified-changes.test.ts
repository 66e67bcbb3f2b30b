import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { ClaimedDigest } from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import {
  NotificationPreferences,
  type Notification,
  type NotificationDigest,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { Task } from '@rapport/contracts/rapport/work/v1/task';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { sharedCustomers, sharedMailCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { idOf } from './scoped-tenant.js';
import { superuserOf } from './superuser.js';
import { ref, WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;
let sales: SalesTenant;
let ada: Caller;
let bo: Caller;

beforeEach(() => {
  tenant = new WorkTenant(service);
  sales = new SalesTenant(service, tenant.caller);
  ada = { ...tenant.caller, principalId: `user:${v7()}` };
  bo = { ...tenant.caller, principalId: `user:${v7()}` };
});

const list = async (caller: Caller) => (await service.call('listNotifications', {}, caller)).notifications;
const shown = (notifications: Notification[]) =>
  notifications.map(({ recordType, recordId, title }) => [recordType, recordId, title]);

/** What the recipient is notified of, all about one customer. */
async function notifiedOf(customer: { id: string }) {
  const ownerId = idOf(bo);
  const related = [ref('customer', customer)];
  const lead = await sales.createLead(customer.id, { ownerId, company: 'Cobol Systems' });
  const pipeline = await sales.createPipeline();
  const deal = await sales.createDeal(pipeline, { ownerId, customerId: customer.id, title: '50 seats' });
  const task = await tenant.createTask({ subject: 'Call Eve', ownerId, related }, ada);
  const note = await tenant.createNote({ body: `@[Bo](users/${ownerId}) knows Eve`, related }, ada);
  return { lead, deal, task, note };
}

test('a merge of customers and its undo notify nobody again, and keep the notifications of the moved records', async () => {
  const [eve, twin] = [await tenant.createPerson(), await tenant.createPerson()];
  const { lead, deal, task, note } = await notifiedOf(twin);
  const before = await list(bo);
  expect(shown(before)).toEqual([
    ['note', note.id, '@Bo knows Eve'],
    ['task', task.id, 'Call Eve'],
    ['deal', deal.id, '50 seats'],
    ['lead', lead.id, expect.any(String)],
  ]);

  const merge = { mergedId: twin.id, mergedEtag: undefined, preferMerged: [] };
  const merged = await service.call('mergeCustomers', { id: eve.id, merge }, ada);
  expect((await service.call('getTask', { id: task.id }, bo)).customerId).toBe(eve.id);
  expect(await list(bo)).toEqual(before);

  await service.call('unmergeCustomers', { id: merged.merge?.id ?? '' }, ada);
  expect((await service.call('getTask', { id: task.id }, bo)).customerId).toBe(twin.id);
  expect(await list(bo)).toEqual(before);
  expect(await list(ada)).toEqual([]);
});

test('the erasure of a customer leaves no text of it in notifications, notifies nobody, and hides what it removes', async () => {
  const eve = await tenant.createPerson();
  const { deal, task, note } = await notifiedOf(eve);
  const before = await list(bo);

  await service.call('eraseCustomer', { id: eve.id, erasure: { reason: 'case 4711' } }, ada);

  const after = await list(bo);
  expect(after.map(({ id, position }) => [id, position])).toEqual(before.map(({ id, position }) => [id, position]));
  expect(shown(after).slice(0, 3)).toEqual([
    ['note', note.id, expect.not.stringContaining('Eve')],
    ['task', task.id, expect.not.stringContaining('Eve')],
    ['deal', deal.id, expect.not.stringContaining('seats')],
  ]);
  expect(after[3]).toMatchObject({ recordType: 'lead', recordId: undefined, title: undefined, actor: undefined });
  expect(await list(ada)).toEqual([]);
  const superuser = await superuserOf(service.urls.ownerUrl);
  const { rows } = await superuser.query<{ row: string }>(
    'select to_json(notification)::text as row from notification where tenant_id = $1',
    [tenant.caller.tenantId],
  );
  await superuser.end();
  expect(rows).toHaveLength(4);
  for (const { row } of rows) expect(row).not.toMatch(/Eve|seats|Cobol/);
});

test('a thousand notifications are kept, and the count ends at 100', async () => {
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query(
    `with inbox as (insert into notification_inbox (tenant_id, user_id, last_position) values ($1, $2, 1000))
     insert into notification (tenant_id, id, user_id, position, kind, cause, time, record_type, record_id)
     select $1, gen_random_uuid(), $2, n, 'ASSIGNED', n, now(), 'task', $1 from generate_series(1, 1000) n`,
    [bo.tenantId, idOf(bo)],
  );
  await superuser.end();
  const task = { ...Task.decode(new Uint8Array()), subject: 'T', ownerId: idOf(bo) };
  const batch = { items: Array.from({ length: 100 }, () => ({ task })), mode: BatchMode.ATOMIC };
  await service.call('batchCreateTasks', { batch }, ada);

  expect(await service.call('countNotifications', {}, bo)).toEqual({ unread: 100, newestPosition: 1_100 });
  expect(await oldest(bo)).toBe(101);
});

/** The position of the oldest kept notification. */
async function oldest(caller: Caller): Promise<number> {
  let [pageToken, position] = [undefined as string | undefined, 0];
  do {
    const page = await service.call('listNotifications', { pageSize: 100, pageToken }, caller);
    position = page.notifications.at(-1)?.position ?? position;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return position;
}

/** A user of a tenant with a mailbox, and the digest of the user. */
class DigestUser {
  private constructor(
    readonly mail: MailTenant,
    readonly caller: Caller,
  ) {}

  static async create(): Promise<DigestUser> {
    const mail = await MailTenant.create(await sharedMailCustomers());
    return new DigestUser(mail, { ...mail.caller, principalId: `user:${v7()}` });
  }

  set(digest: Partial<NotificationDigest> | undefined, caller = this.caller): Promise<NotificationPreferences> {
    const preferences = {
      ...NotificationPreferences.decode(new Uint8Array()),
      digest: digest && { hour: undefined, timeZone: undefined, ...digest },
    };
    const request = { preferences, updateMask: ['digest'] };
    return this.mail.service.call('updateNotificationPreferences', request, caller);
  }

  notify(subject: string) {
    return new WorkTenant(this.mail.service, this.mail.caller).createTask({ subject, ownerId: idOf(this.caller) });
  }

  /** The times of timers that wait, in hours of UTC. */
  async due(): Promise<number[]> {
    const rows = await this.query<{ due: Date }>(
      `select due_time as due from timer where tenant_id = $1 and kind = 'notification.digest' and state = 'PENDING'`,
    );
    expect(rows.every(({ due }) => due.getTime() > Date.now() && due.getTime() <= Date.now() + 86_400_000)).toBe(true);
    return rows.map(({ due }) => due.getUTCHours());
  }

  /** Lets the time of the digest come. */
  async fire(): Promise<void> {
    await this.query(
      `with due as (update timer set due_time = now() - interval '3 days' where tenant_id = $1 and state = 'PENDING'
         and kind = 'notification.digest' returning id)
       update timer_job set next_time = now() from due where tenant_id = $1 and timer_id = due.id`,
    );
    const late = `select from timer where tenant_id = $1 and state = 'PENDING' and due_time < now()`;
    await expect.poll(() => this.query(late), { timeout: 60_000 }).toEqual([]);
  }

  async claim(): Promise<ClaimedDigest[]> {
    const { tenantId, mailboxId } = this.mail;
    return (await this.mail.service.call('claimDigests', { tenantId, mailboxIds: [mailboxId] })).digests;
  }

  settle({ userId, attempt, afterPosition }: ClaimedDigest, outcome: MailOutcome): Promise<unknown> {
    const items = [{ userId, attempt, afterPosition, outcome, deferSeconds: undefined }];
    return this.mail.service.call('settleDigests', { tenantId: this.mail.tenantId, items });
  }

  async query<Row extends object>(sql: string): Promise<Row[]> {
    const superuser = await this.mail.service.connectAsSuperuser();
    const { rows } = await superuser.query<Row>(sql, [this.mail.tenantId]);
    await superuser.end();
    return rows;
  }
}

test('a digest is off by default, is set by users alone, and ends with its preference', async () => {
  const user = await DigestUser.create();
  const { service } = user.mail;
  expect(await service.call('getNotificationPreferences', {}, user.caller)).toMatchObject({ digest: undefined });
  const set = await user.set({ hour: 8, timeZone: 'asia/shanghai' });
  expect(set).toMatchObject({ assigned: { inApp: true }, digest: { hour: 8, timeZone: 'Asia/Shanghai' } });
  expect(await service.call('getNotificationPreferences', {}, user.caller)).toEqual(set);
  expect(await user.due()).toEqual([0]);
  expect(await user.set({ hour: 0 })).toMatchObject({ digest: { hour: 0, timeZone: undefined } });
  expect(await user.due()).toEqual([0]);
  await user.set({ hour: 23, timeZone: 'UTC' });
  expect(await user.due()).toEqual([23]);
  expect(await user.set(undefined)).toMatchObject({ digest: undefined });
  expect(await user.due()).toEqual([]);

  const refused = (field: string, reason: string) => ({ violations: [{ field, reason }] });
  const digest = 'preferences.digest';
  await expect(user.set({ timeZone: 'Mars/Base' })).rejects.toMatchObject(
    refused(`${digest}.timeZone`, 'TIME_ZONE_UNKNOWN'),
  );
  await expect(user.set({ hour: 24 })).rejects.toMatchObject(refused(`${digest}.hour`, 'TOO_LARGE'));
  await expect(user.set({}, user.mail.caller)).rejects.toMatchObject(refused(digest, 'NOT_ALLOWED'));
});

test('a notification is in one digest: a claim ends with its lease, and only what was deferred is claimed again', async () => {
  const user = await DigestUser.create();
  const { tenantId, mailboxId, service } = user.mail;
  await user.notify('Before');
  await user.set({});
  await user.fire();
  // What was unread before is in none, and days of an outage are one.
  expect(await user.claim()).toEqual([]);
  expect(await user.due()).toEqual([8]);

  await user.notify('First');
  await service.call('deleteMailAddress', { tenantId, mailboxId });
  await user.fire();
  expect(await user.query(`select from mail_job where tenant_id = $1`)).toEqual([]);
  await user.mail.putMailbox(mailboxId, 'support@kestrel.example');
  await user.fire();
  const [first, ...others] = await user.claim();
  expect(others).toEqual([]);
  expect(first).toMatchObject({ userId: idOf(user.caller), attempt: 1, afterPosition: 1, upToPosition: 2 });
  expect(first).toMatchObject({ fromAddress: 'support@kestrel.example', fromName: 'Kestrel' });
  expect(first?.headers).toContainEqual({ name: 'Auto-Submitted', value: 'auto-generated' });
  expect(await user.claim()).toEqual([]);
  await user.settle(first!, MailOutcome.DEFERRED);
  const [second] = await user.claim();
  expect(second).toMatchObject({ attempt: 2, afterPosition: 1, upToPosition: 2 });
  await user.settle(first!, MailOutcome.DEFERRED);
  expect(await user.claim()).toEqual([]);

  // As if the worker had died.
  await user.query(`update mail_job set lease_end_time = now() where tenant_id = $1`);
  expect(await user.claim()).toEqual([]);
  expect(await user.query(`select from mail_job where tenant_id = $1`)).toEqual([]);
  await user.notify('Second');
  await user.fire();
  expect(await user.claim()).toMatchObject([{ attempt: 1, afterPosition: 2, upToPosition: 3 }]);

  // The next digest comes while the ended claim of the last one was not given up yet.
  await user.query(`update mail_job set lease_end_time = now() where tenant_id = $1`);
  await user.notify('Third');
  await user.fire();
  const [third] = await user.claim();
  expect(third).toMatchObject({ attempt: 2, afterPosition: 3, upToPosition: 4 });
  await user.settle(third!, MailOutcome.HANDED_OVER);
  await user.fire();
  expect(await user.query(`select from mail_job where tenant_id = $1`)).toEqual([]);
});
