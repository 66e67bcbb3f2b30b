import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { expect, test } from 'vitest';
import { csv, ImportTenant } from './import-tenant.js';
import { MailTenant } from './mail-tenant.js';
import { company, customerOf, newCaller, person, sharedCustomers, sharedMailCustomers } from './running-customers.js';

const inUnicode = 'ada@bücher.example';
const inAscii = 'ada@xn--bcher-kva.example';
const spellings = [
  [inUnicode, inAscii],
  [inAscii, inUnicode],
  [inUnicode, 'ADA@BÜCHER.example'],
] as const;
const mailOf = (address: string) => person({ emails: [{ address }] });
const taken = {
  reason: 'EMAIL_TAKEN',
  violations: [
    { field: 'customer.emails[0].address', reason: 'EMAIL_TAKEN', description: expect.any(String) as string },
  ],
};

test.each(spellings)('only one customer has an address, and a company its domain: %s, %s', async (one, other) => {
  const service = await sharedCustomers();
  const caller = newCaller();
  const first = await service.create(caller, mailOf(one));
  await expect(service.create(caller, mailOf(other))).rejects.toMatchObject(taken);
  const second = await service.create(caller, person());
  await expect(service.update(caller, second.id, { emails: [{ address: other }] })).rejects.toMatchObject(taken);
  await service.update(caller, first.id, { emails: [{ address: other }] });
  await expect(service.create(caller, mailOf(one))).rejects.toMatchObject(taken);
  await service.delete(caller, first.id);
  await service.create(caller, mailOf(one));

  const domainOf = (address: string) => address.slice(4).toLowerCase();
  await service.create(caller, company({ domains: [domainOf(one)] }));
  const same = service.create(caller, company({ domains: [domainOf(other)] }));
  await expect(same).rejects.toMatchObject({ reason: 'DOMAIN_TAKEN' });
});

test('a customer has an address once, and is found by each spelling', async () => {
  const service = await sharedCustomers();
  const tenant = await ImportTenant.create(service);
  const { caller } = tenant;
  const given = person({
    emails: [{ address: inUnicode }, { address: inAscii }, { address: 'b@xn--bcher-kva.example' }],
  });
  const { id, emails } = await service.create(caller, given);
  expect(emails.map(({ address }) => address)).toEqual([inUnicode, 'b@xn--bcher-kva.example']);
  const update = { customer: customerOf(mailOf(inAscii)), match: UpsertMatch.EMAIL };
  expect((await service.call('upsertCustomer', update, caller)).customer?.id).toBe(id);
  const rows = await tenant.importFile(csv(`kind,emails,jobTitle\nPERSON,${inAscii},Analyst\n`));
  expect(rows).toMatchObject({ created: 0, updated: 1 });
  expect(await service.get(caller, id)).toMatchObject({ jobTitle: 'Analyst', emails });
});

test.each(spellings)('a customer of an earlier release keeps its address from others: %s, %s', async (one, other) => {
  const service = await sharedCustomers();
  const caller = newCaller();
  const { id } = await service.create(caller, mailOf(one));
  const superuser = await service.connectAsSuperuser();
  await superuser.query(`delete from customer_key where customer_id = $1 and value <> $2`, [id, one]);
  await superuser.end();

  for (const address of [one, other])
    await expect(service.create(caller, mailOf(address))).rejects.toMatchObject(taken);
  const update = { customer: customerOf({ ...mailOf(one), jobTitle: 'Analyst' }), match: UpsertMatch.EMAIL };
  expect((await service.call('upsertCustomer', update, caller)).customer?.id).toBe(id);
});

test('a mail is of the customer with its address in another spelling', async () => {
  const service = await sharedMailCustomers();
  const tenant = await MailTenant.create(service, 'support@bücher.example');
  const { id } = await service.create(tenant.caller, mailOf(inUnicode));
  const { ticketId } = await tenant.receive({ fromAddress: inAscii });
  expect(await tenant.ticket(ticketId)).toMatchObject({ customerId: id });
  const own = await tenant.receive({ fromAddress: 'support@xn--bcher-kva.example' });
  expect(own.message).toMatchObject({ stateReason: 'OWN_ADDRESS' });
});
