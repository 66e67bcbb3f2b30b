import { beforeEach, expect, test } from 'vitest';
import { v7 } from 'uuid';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import type { Task } from '@rapport/contracts/rapport/work/v1/task';
import { sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { ref, WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: WorkTenant;

beforeEach(() => {
  tenant = new WorkTenant(service);
});

const merging = (mergedId: string) => ({ mergedId, mergedEtag: undefined, preferMerged: [] });

function merge(id: string, mergedId: string) {
  return service.call('mergeCustomers', { id, merge: merging(mergedId) }, tenant.caller);
}

function erase(id: string) {
  return service.call('eraseCustomer', { id, erasure: { reason: 'case 4711' } }, tenant.caller);
}

async function deal() {
  const sales = new SalesTenant(service, tenant.caller);
  return sales.createDeal(await sales.createPipeline());
}

test('a task is found by each record that it is about, by type and id', async () => {
  const [ada, sale] = [await tenant.createPerson(), await deal()];
  const task = await tenant.createTask({ subject: 'both', related: [ref('deal', sale), ref('customer', ada)] });
  await tenant.createTask({ subject: 'one', related: [ref('customer', ada)] });
  await tenant.createTask({ subject: 'none' });

  expect(task).toMatchObject({ customerId: ada.id, related: [ref('deal', sale), ref('customer', ada)] });
  expect(await tenant.tasks(`related.deal = "${sale.id}"`)).toEqual(['both']);
  expect(await tenant.tasks(`related.customer = "${ada.id}"`)).toEqual(['both', 'one']);
  expect(await tenant.tasks(`related.deal = "${ada.id}"`)).toEqual([]);
  expect(await tenant.tasks(`related.deal:*`)).toEqual(['both']);
  expect(await tenant.tasks(`related.deal != "${sale.id}"`)).toEqual(['none', 'one']);
  await expect(tenant.tasks(`related.deal = "no id"`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(tenant.tasks(`related.planet = "${v7()}"`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a reference to an unknown type, a missing record or one that the caller cannot see is refused', async () => {
  const [ada, stranger] = [await tenant.createPerson(), await new WorkTenant(service).createPerson()];
  const refused = (related: Task['related'], violations: object[]) =>
    expect(tenant.createTask({ related })).rejects.toMatchObject({ violations });

  await refused([{ type: 'planet', id: v7() }], [{ field: 'task.related[0].type', reason: 'RECORD_TYPE_UNKNOWN' }]);
  await refused(
    [ref('customer', ada), ref('customer', stranger), { type: 'deal', id: v7() }],
    [
      { field: 'task.related[1].id', reason: 'CUSTOMER_NOT_FOUND' },
      { field: 'task.related[2].id', reason: 'DEAL_NOT_FOUND' },
    ],
  );
  await refused([ref('customer', ada), ref('customer', ada)], [{ field: 'task.related[1]', reason: 'DUPLICATE' }]);
  const own = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' as const };
  await expect(tenant.createTask({ related: [ref('customer', ada)] }, own)).rejects.toMatchObject({
    violations: [{ field: 'task.related[0].id', reason: 'CUSTOMER_NOT_FOUND' }],
  });
});

test('a reference to a deleted record stays, and a new one is refused', async () => {
  const ada = await tenant.createPerson();
  const task = await tenant.createTask({ related: [ref('customer', ada)] });
  await service.delete(tenant.caller, ada.id);

  const changed = await tenant.updateTask(task.id, { subject: 'Changed', related: [ref('customer', ada)] });
  expect(changed).toMatchObject({ customerId: ada.id, related: [ref('customer', ada)], etag: '"2"' });
  await expect(tenant.createTask({ related: [ref('customer', ada)] })).rejects.toMatchObject({
    violations: [{ reason: 'CUSTOMER_NOT_FOUND' }],
  });
});

test('references move with a merged customer, also those of deleted records, and back to the place they had', async () => {
  const [kept, merged, bob] = [await tenant.createPerson(), await tenant.createPerson(), await tenant.createPerson()];
  const all: Task[] = [];
  for (const related of [[merged], [bob, merged], [merged, kept], [bob, kept, merged], [kept]]) {
    all.push(await tenant.createTask({ related: related.map((each) => ref('customer', each)) }));
  }
  const deleted = await tenant.createTask({ related: [ref('customer', merged)] });
  await service.call('deleteTask', { id: deleted.id }, tenant.caller);

  const { merge: made } = await merge(kept.id, merged.id);

  const moved = await Promise.all(all.map(({ id }) => tenant.getTask(id)));
  expect(moved.map(({ related }) => related.map(({ id }) => id))).toEqual([
    [kept.id],
    [bob.id, kept.id],
    [kept.id],
    [bob.id, kept.id],
    [kept.id],
  ]);
  expect(moved.map(({ customerId }) => customerId)).toEqual([kept.id, bob.id, kept.id, bob.id, kept.id]);
  expect(moved.map(({ etag }) => etag)).toEqual(['"2"', '"2"', '"2"', '"2"', '"1"']);
  const restored = await service.call('undeleteTask', { id: deleted.id }, tenant.caller);
  expect(restored.customerId).toBe(kept.id);

  await service.call('unmergeCustomers', { id: made?.id ?? '' }, tenant.caller);
  for (const task of all) {
    const { etag, updateTime } = await tenant.getTask(task.id);
    expect(await tenant.getTask(task.id)).toEqual({ ...task, etag, updateTime });
  }
});

test('an erased customer takes along the personal data of work about it, and only the reference of other work', async () => {
  const [ada, bob] = [await tenant.createPerson(), await tenant.createPerson()];
  const related = [ref('customer', ada), ref('customer', bob)];
  const task = await tenant.createTask({ subject: 'about Ada first', description: 'secret', related });
  const note = await tenant.createNote({ body: 'about Ada', related });
  const email = await tenant.createEmail({ toAddresses: ['ada@example.com'], related });
  const other = await tenant.createTask({ subject: 'about Bob first', related: related.toReversed() });
  const deleted = await tenant.createTask({ subject: 'deleted', related: related.toReversed() });
  await service.call('deleteTask', { id: deleted.id }, tenant.caller);

  await erase(ada.id);

  const kept = { related: [ref('customer', bob)], customerId: bob.id };
  expect(await tenant.getTask(task.id)).toMatchObject({ ...kept, subject: 'erased', description: undefined });
  expect(await service.call('getNote', { id: note.id }, tenant.caller)).toMatchObject({
    ...{ ...kept, title: 'erased', body: 'erased' },
  });
  expect(await service.call('getEmail', { id: email.id }, tenant.caller)).toMatchObject({
    ...{ ...kept, subject: 'erased', toAddresses: [] },
  });
  expect(await tenant.getTask(other.id)).toMatchObject({ ...kept, subject: 'about Bob first' });
  expect(await service.call('undeleteTask', { id: deleted.id }, tenant.caller)).toMatchObject(kept);
});

test('the personal export of a customer has all work that refers to it', async () => {
  const [ada, bob] = [await tenant.createPerson(), await tenant.createPerson()];
  const task = await tenant.createTask({ related: [ref('customer', bob), ref('customer', ada)] });
  const call = await tenant.createCall({ number: '+4930123456', related: [ref('customer', ada)] });
  await tenant.createNote({ related: [ref('customer', bob)] });

  const { path } = PrivacyServiceService.exportPersonalData;
  const parts = service.streams.stream(
    path,
    { id: ada.id },
    { context: service.outgoing(tenant.caller), deadlineMs: 20_000 },
  );
  let text = '';
  for await (const { data } of parts as AsyncIterable<HttpBody>) text += Buffer.from(data).toString();

  expect(JSON.parse(text)).toMatchObject({ tasks: [{ id: task.id }], calls: [{ id: call.id }], notes: [] });
});
