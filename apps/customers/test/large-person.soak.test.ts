import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { Consent, ConsentState, ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, expect, test } from 'vitest';
import { person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { superuserOf } from './superuser.js';

/** Of each kind: more than a page and a step. */
const records = sizeOf('LARGE_PERSON_RECORDS', { short: 1_100, long: 50_000 });

const service = await sharedCustomers();
const superuser = await superuserOf(service.urls.appUrl);
afterAll(() => superuser.end());

/** A person with this many deals, consents and associations, and stored responses that name the deals. */
async function largePerson(tenant: SalesTenant): Promise<string> {
  const { caller } = tenant;
  const { tenantId } = caller;
  const [{ id }, friend] = await Promise.all([service.create(caller, person()), service.create(caller, person())]);
  const deal = await tenant.createDeal(await tenant.createPipeline(), { title: 'Zebedee', customerId: id });
  const consent = {
    ...Consent.decode(new Uint8Array()),
    ...{ purpose: 'news', channel: ContactChannel.EMAIL, state: ConsentState.GIVEN, legalBasis: 1, source: 'x' },
  };
  const said = await service.call('createConsent', { customerId: id, consent }, caller);
  await copy('deal', deal.id, `'id', uuidv7(), 'title', 'Zebedee ' || n`);
  await copy('consent', said.id, `'id', uuidv7(), 'time', now() - make_interval(secs => n)`);
  await superuser.query(
    `insert into customer_association
       (tenant_id, id, from_customer_id, type, to_customer_id, role, labels, version, create_time, update_time)
     select $1, uuidv7(), $2, 'knows' || n, $3, null, '{}', 1, now(), now() from generate_series(1, $4::int) n`,
    [tenantId, id, friend.id, records],
  );
  await superuser.query(
    `insert into idempotency_key (tenant_id, principal_id, key, request_hash, response, create_time)
     select tenant_id, 'user:x', id::text, 'x', convert_to('An answer about ' || id || '.', 'UTF8'), now()
     from deal where tenant_id = $1`,
    [tenantId],
  );
  return id;
}

/** Copies a row. @param changes pairs of SQL, in which n is the number of the copy */
async function copy(table: string, id: string, changes: string): Promise<void> {
  await superuser.query(
    `insert into ${table}
     select copied.* from ${table} own, generate_series(1, $2::int) n,
       jsonb_populate_record(own, jsonb_build_object(${changes}, 'n', n)) copied where own.id = $1`,
    [id, records],
  );
}

async function exported(tenant: SalesTenant, id: string): Promise<Record<string, unknown[]>> {
  const options = { context: service.outgoing(tenant.caller), deadlineMs: soakTimeoutMs };
  const pieces = [];
  for await (const piece of service.streams.stream(PrivacyServiceService.exportPersonalData.path, { id }, options)) {
    pieces.push(Buffer.from((piece as HttpBody).data));
  }
  return JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown[]>;
}

test('a person with very many records is exported completely, and erased', { timeout: soakTimeoutMs }, async () => {
  const tenant = new SalesTenant(service);
  const id = await largePerson(tenant);
  const begun = Date.now();
  const consents = await service.call('listConsents', { customerId: id, currentOnly: true }, tenant.caller);
  expect(consents.consents).toHaveLength(1);
  const listed = Date.now();

  const lists = await exported(tenant, id);
  const counts = ['deals', 'consents', 'associations'].map((name) => lists[name]?.length);
  expect(counts).toEqual([records + 1, records + 1, records]);
  expect(new Set(lists['deals']?.map((deal) => (deal as { id: string }).id)).size).toBe(records + 1);
  const read = Date.now();

  const erasure = { reason: 'case 4711' };
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
  const options = { context: service.outgoing(tenant.caller), deadlineMs: soakTimeoutMs };
  const receipt = (await service.streams
    .unary(PrivacyServiceService.eraseCustomer.path, { id, erasure }, options)
    .finally(() => clearInterval(watch))) as { erased: { dataClass: string; count: number }[] };
  printTally('large person', {
    ...{ records, listMs: listed - begun, exportMs: read - listed, eraseMs: Date.now() - read },
    ...{ peakMiB: Math.round((peak - before) / 2 ** 20) },
  });

  const { rows } = await superuser.query<{ left: string }>(
    `select (select count(*) from deal where tenant_id = $1 and title <> 'erased')
       + (select count(*) from consent where tenant_id = $1) + (select count(*) from customer_association where tenant_id = $1)
       + (select count(*) from idempotency_key where tenant_id = $1 and response <> '' and principal_id = 'user:x')
       + (select count(*) from change_log where tenant_id = $1 and position('Zebedee' in change_log::text) > 0)
       + (select count(*) from outbox where tenant_id = $1 and position('Zebedee' in outbox::text) > 0) as left`,
    [tenant.caller.tenantId],
  );
  expect(rows).toEqual([{ left: '0' }]);
  const erased = Object.fromEntries(receipt.erased.map(({ dataClass, count }) => [dataClass, count]));
  expect(erased).toMatchObject({ deals: records + 1, consents: records + 1, associations: records });
});
