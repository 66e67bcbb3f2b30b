import type { Notification } from '@rapport/contracts/rapport/work/v1/notifications_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
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
