import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { TimelineKind as Kind, type TimelineEntry } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { FilesTenant } from './files-tenant.js';
import { sharedCustomers } from './running-customers.js';
import { deal, SalesTenant } from './sales-tenant.js';
import { ref, WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

type Given = { kinds?: Kind[]; pageSize?: number };

async function timeline(method: 'Customer' | 'Deal' | 'Lead', id: string, given: Given = {}, as = tenant.caller) {
  const entries: TimelineEntry[] = [];
  let pageToken: string | undefined;
  do {
    const page = await service.call(`list${method}Timeline`, { id, ...given, pageToken }, as);
    expect(page.entries.length).toBeLessThanOrEqual(given.pageSize ?? 20);
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return entries;
}

/** A customer with a deal, and something of each kind around both. */
async function busy() {
  const { caller } = tenant;
  const sales = new SalesTenant(service, caller);
  const [ada, bob] = [await tenant.createPerson(), await tenant.createPerson({ displayName: 'Bob' })];
  const deal = await sales.createDeal(await sales.createPipeline(), { title: '50 seats', customerId: ada.id });
  const related = [ref('customer', ada), ref('deal', deal)];
  const task = await tenant.createTask({ subject: 'Offer', related });
  const note = await tenant.createNote({ body: '# Prices', related });
  const call = await tenant.createCall({ subject: 'Asked', startTime: '2026-01-05T10:00:00.000Z', related });
  const meeting = await tenant.createMeeting({ subject: 'Demo', allDay: true, startDate: '2099-01-05', related });
  const email = await tenant.createEmail({ subject: 'Hello', sentTime: '2026-01-04T10:00:00.000Z', related });
  await tenant.createTask({ subject: 'Of Bob', related: [ref('customer', bob)] });
  const files = await FilesTenant.create(service, caller);
  const file = await files.addFile(`customers/${ada.id}`, 'x');
  await files.close();
  const association = {
    ...Association.decode(new Uint8Array()),
    fromCustomerId: ada.id,
    type: 'knows',
    toCustomerId: bob.id,
  };
  await service.call('createAssociation', { association }, caller);
  return { ada, bob, deal, task, note, call, meeting, email, file };
}

test('a customer has an entry for everything that refers to it, the newest first, over any pages', async () => {
  const { ada, bob, deal, task, note, call, meeting, email, file } = await busy();
  await service.update(tenant.caller, ada.id, { jobTitle: 'Countess' });
  await expect.poll(() => timeline('Customer', ada.id, { kinds: [Kind.CHANGE] })).toHaveLength(2);

  const entries = await timeline('Customer', ada.id);

  const shown = entries.map(({ kind, record, summary }) => [kind, record?.type, record?.id, summary]);
  expect(shown.toSorted()).toEqual(
    [
      [Kind.TASK, 'task', task.id, 'Offer'],
      [Kind.NOTE, 'note', note.id, 'Prices'],
      [Kind.CALL, 'call', call.id, 'Asked'],
      [Kind.MEETING, 'meeting', meeting.id, 'Demo'],
      [Kind.EMAIL, 'email', email.id, 'Hello'],
      [Kind.DEAL, 'deal', deal.id, '50 seats'],
      [Kind.STAGE, 'deal', deal.id, 'new'],
      [Kind.FILE, 'file', file.id, file.name],
      [Kind.ASSOCIATION, 'customer', bob.id, 'knows'],
      [Kind.CHANGE, 'customer', ada.id, undefined],
      [Kind.CHANGE, 'customer', ada.id, undefined],
    ].toSorted(),
  );
  expect(entries[0]).toMatchObject({ kind: Kind.MEETING, time: '2099-01-05T00:00:00.000Z' });
  expect(entries.slice(-2).map(({ kind }) => kind)).toEqual([Kind.CALL, Kind.EMAIL]);
  expect(entries.map(({ time = '' }) => Date.parse(time))).toEqual(
    entries.map(({ time = '' }) => Date.parse(time)).toSorted((one, other) => other - one),
  );
  expect(entries.find(({ changedFields }) => changedFields.length > 0)).toMatchObject({
    ...{ kind: Kind.CHANGE, changedFields: ['jobTitle'], version: 2, actor: tenant.caller.principalId },
  });
  for (const pageSize of [1, 4]) expect(await timeline('Customer', ada.id, { pageSize })).toEqual(entries);
});

test('a deal has the work about it and its stages, and a deleted record leaves', async () => {
  const { deal, note } = await busy();
  const kinds = async () => (await timeline('Deal', deal.id)).map(({ kind }) => Kind[kind]).toSorted();
  await expect.poll(kinds).toEqual(['CALL', 'CHANGE', 'EMAIL', 'MEETING', 'NOTE', 'STAGE', 'TASK']);

  await service.call('deleteNote', { id: note.id }, tenant.caller);

  expect(await kinds()).toEqual(['CALL', 'CHANGE', 'EMAIL', 'MEETING', 'STAGE', 'TASK']);
  expect(await timeline('Deal', deal.id, { kinds: [Kind.CALL, Kind.NOTE] })).toMatchObject([{ kind: Kind.CALL }]);
});

test('a lead has the work about it, and the deal that it was qualified for with its stages', async () => {
  const sales = new SalesTenant(service, tenant.caller);
  const lead = await sales.createLead((await tenant.createPerson()).id, { company: 'Cobol Systems' });
  const task = await tenant.createTask({ subject: 'Call back', related: [ref('lead', lead)] });
  const { id: pipelineId } = await sales.createPipeline();
  const other = await sales.createDeal(await sales.createPipeline(), { customerId: lead.customerId });
  const qualification = { deal: deal({ title: '50 seats', pipelineId }), dealId: undefined };
  const { deal: made } = await service.call('qualifyLead', { id: lead.id, qualification }, tenant.caller);
  await expect.poll(() => timeline('Lead', lead.id, { kinds: [Kind.CHANGE] })).toHaveLength(2);

  const entries = await timeline('Lead', lead.id);

  expect(entries.map(({ kind, record, summary }) => [kind, record?.id, summary]).toSorted()).toEqual(
    [
      [Kind.TASK, task.id, 'Call back'],
      [Kind.DEAL, made?.id, '50 seats'],
      [Kind.STAGE, made?.id, 'new'],
      [Kind.CHANGE, lead.id, undefined],
      [Kind.CHANGE, lead.id, undefined],
    ].toSorted(),
  );
  for (const pageSize of [1, 2]) expect(await timeline('Lead', lead.id, { pageSize })).toEqual(entries);
  const narrow = { ...tenant.caller, permissions: ['leads.read', 'tasks.read'] };
  expect((await timeline('Lead', lead.id, {}, narrow)).filter(({ kind }) => kind === Kind.DEAL)).toEqual([]);
  await service.call('deleteDeal', { id: made!.id }, tenant.caller);
  expect(await timeline('Lead', lead.id, { kinds: [Kind.DEAL, Kind.STAGE] })).toEqual([]);
  await expect(timeline('Lead', other.id)).rejects.toMatchObject({ reason: 'LEAD_NOT_FOUND' });
});

test('a caller sees the kinds and records that it can read', async () => {
  const { ada, deal } = await busy();
  const permissions = ['customers.read', 'notes.read'];
  const narrow = { ...tenant.caller, permissions };
  const own = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' as const };
  const kinds = async (as: typeof narrow) =>
    new Set((await timeline('Customer', ada.id, {}, as)).map(({ kind }) => kind));

  await expect.poll(() => kinds(narrow)).toEqual(new Set([Kind.NOTE, Kind.ASSOCIATION, Kind.CHANGE]));
  await expect(timeline('Customer', ada.id, { kinds: [Kind.NOTE, Kind.TASK] }, narrow)).rejects.toMatchObject({
    ...{ code: 'PERMISSION_DENIED', reason: 'PERMISSION_MISSING', metadata: { permission: 'tasks.read' } },
  });
  await expect(timeline('Customer', ada.id, {}, own)).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  await expect(timeline('Deal', deal.id, {}, own)).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  const mine = await service.create(own, { kind: 1, displayName: 'Mine' });
  await tenant.createNote({ body: 'Of another owner', ownerId: v7(), related: [ref('customer', mine)] });
  await tenant.createNote({ body: 'Mine', ownerId: own.principalId.slice(5), related: [ref('customer', mine)] });
  expect(await timeline('Customer', mine.id, { kinds: [Kind.NOTE] }, own)).toMatchObject([{ summary: 'Mine' }]);
  const [blind] = await timeline('Customer', ada.id, { kinds: [Kind.NOTE] }, { ...tenant.caller, hidesPii: true });
  expect(blind?.summary).toBe('***');
});

test('a page token is of one record and its kinds, and a deleted or merged record has no timeline', async () => {
  const { ada, bob } = await busy();
  const call = (id: string, given: object) => service.call('listCustomerTimeline', { id, ...given }, tenant.caller);
  const { nextPageToken: pageToken } = await call(ada.id, { pageSize: 1 });

  for (const [id, given] of [
    [bob.id, {}],
    [ada.id, { kinds: [Kind.TASK] }],
  ] as const) {
    await expect(call(id, { ...given, pageToken })).rejects.toMatchObject({ violations: [{ field: 'pageToken' }] });
  }
  await service.delete(tenant.caller, bob.id);
  await expect(call(bob.id, {})).rejects.toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
});
