import type { Caller } from '@rapport/platform';
import { beforeEach, expect, test } from 'vitest';
import { company, customerOf, newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

test('deleting a company clears the company of its people, deleted ones included', async () => {
  const [firm, other] = [await customers.create(caller, company()), await customers.create(caller, company())];
  const ada = await customers.create(caller, person({ companyId: firm.id, companyName: 'As typed' }));
  const bob = await customers.create(caller, person({ companyId: other.id }));
  const gone = await customers.create(caller, person({ companyId: firm.id }));
  await customers.delete(caller, gone.id);

  await customers.call('deleteCustomer', { id: firm.id, validateOnly: true }, caller);
  expect(await customers.get(caller, ada.id)).toEqual(ada);
  await customers.delete(caller, firm.id);

  const left = await customers.get(caller, ada.id);
  expect(left).toEqual({ ...ada, companyId: undefined, etag: '"2"', updateTime: left.updateTime });
  expect(await customers.get(caller, bob.id)).toEqual(bob);
  expect((await customers.call('undeleteCustomer', { id: gone.id }, caller)).companyId).toBeUndefined();
  await customers.call('undeleteCustomer', { id: firm.id }, caller);
  expect(await customers.names(caller, { filter: `company_id = ${firm.id}` })).toEqual([]);
});

test('a batch that deletes companies clears the company of their people', async () => {
  const firms = [await customers.create(caller, company()), await customers.create(caller, company())];
  const people = [];
  for (const { id } of firms) people.push(await customers.create(caller, person({ companyId: id })));

  const items = firms.map(({ id }) => ({ id, etag: undefined }));
  await customers.call('batchDeleteCustomers', { batch: { items, mode: 1 } }, caller);

  for (const { id } of people) expect((await customers.get(caller, id)).companyId).toBeUndefined();
});

test('the company of people hidden from the caller is cleared too', async () => {
  const firm = await customers.create(caller, company());
  const hidden = await customers.create(caller, person({ companyId: firm.id }));
  const own: Caller = { ...newCaller(), tenantId: caller.tenantId, recordScope: 'OWN' };
  await customers.update(caller, firm.id, { ownerId: own.principalId.split(':')[1] });

  await customers.delete(own, firm.id);

  expect((await customers.get(caller, hidden.id)).companyId).toBeUndefined();
});

test('no person refers to a company that is deleted concurrently', async () => {
  for (let round = 0; round < 15; round += 1) {
    const firm = await customers.create(caller, company());
    const ada = await customers.create(caller, person());
    const [, created, updated] = await Promise.allSettled([
      customers.delete(caller, firm.id),
      customers.create(caller, person({ companyId: firm.id })),
      customers.update(caller, ada.id, { companyId: firm.id }),
      customers.call(
        'batchCreateCustomers',
        { batch: { items: [{ customer: customerOf(person({ companyId: firm.id })) }], mode: 1 } },
        caller,
      ),
    ]);
    for (const result of [created, updated]) {
      if (result?.status !== 'fulfilled') continue;
      const { companyId } = await customers.get(caller, (result.value as { id: string }).id);
      expect(companyId).toBeUndefined();
    }
  }
});
