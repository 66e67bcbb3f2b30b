import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImportTenant, counts, issues, none, rowsOf } from './import-tenant.js';
import { customerOf, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: ImportTenant;

beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

/** A day in UTC, from today on. */
function dayAfter(days: number): string {
  return new Date(Date.now() + days * 24 * 3_600_000).toISOString().slice(0, 10);
}

const refusal = {
  code: 'INVALID_ARGUMENT',
  violations: [{ field: 'customer.birthDate', reason: 'IN_FUTURE' }],
};

test('a birth date is at most tomorrow in UTC, which is today in the first zone', async () => {
  const { id } = await customers.create(tenant.caller, person({ birthDate: dayAfter(1) }));
  const emails = [{ address: 'ada@x.example', label: undefined }];
  const late = person({ birthDate: dayAfter(3), emails });

  await expect(customers.create(tenant.caller, late)).rejects.toMatchObject(refusal);
  await expect(customers.update(tenant.caller, id, { birthDate: dayAfter(3) })).rejects.toMatchObject(refusal);
  const upsert = { customer: customerOf(late), match: UpsertMatch.EMAIL };
  await expect(customers.call('upsertCustomer', upsert, tenant.caller)).rejects.toMatchObject(refusal);
  const batch = { items: [{ customer: customerOf(late) }], mode: 1 };
  await expect(customers.call('batchCreateCustomers', { batch }, tenant.caller)).rejects.toMatchObject({
    violations: [{ field: 'batch.items[0].customer.birthDate', reason: 'IN_FUTURE' }],
  });
  const imported = await tenant.importFile(rowsOf([{ email: 'ada@x.example', birth_date: dayAfter(3) }]));
  expect(counts(imported)).toEqual({ ...none, created: 1 });
  expect(issues(imported)).toEqual([[1, 'IN_FUTURE', 'birthDate']]);
});

test('a stored birth date in the future stays when other fields change', async () => {
  const { id } = await customers.create(tenant.caller, person({ birthDate: '1815-12-10' }));
  await tenant.database.query('update customer set birth_date = $1 where id = $2', ['2999-01-01', id]);

  const { jobTitle, birthDate, kind } = await customers.update(tenant.caller, id, { jobTitle: 'Countess' });

  expect({ jobTitle, birthDate, kind }).toEqual({
    ...{ jobTitle: 'Countess', birthDate: '2999-01-01', kind: CustomerKind.PERSON },
  });
  await expect(customers.update(tenant.caller, id, { birthDate: '2998-01-01' })).rejects.toMatchObject(refusal);
});
