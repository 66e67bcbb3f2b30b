import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { ExchangeTenant, type Run } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const addressOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@example.com`;

test('every pair is linked, whatever numbers what was found has', async () => {
  const tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
  const people = await PeopleTable.create(tenant);
  const all = Array.from({ length: 160 }, (_, index) => `Ada Lovelace ${index}x`);
  for (const name of all) await people.insert(name, 'Analyst', addressOf(name));
  const items = all.map((name) => ({
    customer: { kind: 'PERSON', displayName: name, emails: [{ address: addressOf(name) }] },
  }));
  await tenant.api.ok('POST', '/v1/customers:batchCreate', { items: items.slice(0, 80) });
  await tenant.api.ok('POST', '/v1/customers:batchCreate', { items: items.slice(80) });
  const mapping = await people.map({ state: 'PAUSED' });
  // From now on they soon have one digit more.
  await tenant.api.query(
    `select setval(numbers, (10 ^ ceil(log(nextval(numbers) + 500)))::bigint - 300)
     from pg_get_serial_sequence('sync_match', 'id') as numbers`,
  );

  const { id } = await tenant.api.ok<Run>('POST', `/v1/mappings/${mapping}:pair`, {});
  const run = await tenant.ended(id);

  expect(run.pairing).toMatchObject({ pairs: 160, questions: 0 });
  const linked = await tenant.api.query('select from sync_link where mapping_id = $1 and customer_id is not null', [
    mapping,
  ]);
  expect(linked).toHaveLength(160);
});
