import { ConsentState } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { BatchMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EncryptedTenant, everythingIn, personalValues, someone, valuesIn } from './encrypted-tenant.js';
import { newKeys, type Keys } from './databases.js';
import { repeatWhile } from './repeat-while.js';
import { customerOf, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let keys: Keys;

// A service of its own: it has keys, and the test reads the whole database.
beforeAll(async () => {
  keys = await newKeys();
  customers = await RunningCustomers.start({ keys, encryptionStalenessMs: 200 });
});
afterAll(() => customers.stop());

test('concurrent writes while encryption is enabled leave no plaintext, and no write is lost', async () => {
  const tenant = new EncryptedTenant(customers);
  const made = new Map<string, string>();
  let isOver = false;
  const write = async (name: string) => {
    for (let n = 0; !isOver; n += 1) {
      const wanted = someone(`glimwurm${name}${n}x`);
      const customer = await untilDone(() => tenant.create(wanted, `${name}-${n}`));
      const changed = await untilDone(() =>
        customers.update(tenant.caller, customer.id, { familyName: `glimwurm${name}changed` }),
      );
      made.set(customer.id, changed.etag);
      const twin = { ...someone('glimwurmtwin'), emails: wanted.emails! };
      await expect(untilDone(() => tenant.create(twin))).rejects.toMatchObject({ reason: 'EMAIL_TAKEN' });
    }
  };
  const writers = ['a', 'b'].map(write);
  await expect.poll(() => made.size, { timeout: 60_000 }).toBeGreaterThan(10);

  const operation = await tenant.encrypt();

  const counted = made.size;
  await expect.poll(() => made.size, { timeout: 60_000 }).toBeGreaterThan(counted + 4);
  isOver = true;
  await Promise.all(writers);
  expect(operation.state).toBe(State.SUCCEEDED);
  const text = await everythingIn([customers.urls.ownerUrl, keys.databaseUrl]);
  expect(valuesIn(text, ['glimwurm'])).toEqual([]);
  for (const [id, etag] of made) expect((await customers.get(tenant.caller, id)).etag).toBe(etag);
});

test('an interrupted encryption is resumed by the next process', async () => {
  const tenant = new EncryptedTenant(customers);
  const people = Array.from({ length: 60 }, (_, n) => someone(`plumtuft${n}x`));
  const items = people.map((each) => ({ customer: customerOf(each) }));
  await customers.call('batchCreateCustomers', { batch: { items, mode: BatchMode.ATOMIC } }, tenant.caller);
  // Encryption waits for transactions that may have begun before it.
  const owner = new pg.Client(customers.urls.ownerUrl);
  await owner.connect();
  await owner.query('begin; select pg_current_xact_id()');
  const { id } = await customers.call('encryptPersonalData', {}, tenant.caller);
  const paused = await customers.call('pauseOperation', { id }, tenant.caller);
  await owner.end();
  expect(paused).toMatchObject({ state: State.PAUSED, counts: { rows: 0 } });
  const late = await tenant.create(someone('plumtuftlate'));
  expect(await tenant.find('emails = "plumtuft7xmail@example.com"')).toHaveLength(1);
  await expect(customers.call('cancelOperation', { id }, tenant.caller)).rejects.toMatchObject({
    reason: 'OPERATION_STATE',
  });

  await customers.call('resumeOperation', { id }, tenant.caller);

  expect((await tenant.untilEnded(id)).state).toBe(State.SUCCEEDED);
  const text = await everythingIn([customers.urls.ownerUrl]);
  expect(valuesIn(text, people.flatMap(personalValues))).toEqual([]);
  expect((await customers.get(tenant.caller, late.id)).displayName).toBe('plumtuftlateshown');
});

/** Retries a write while encryption conflicts with it. */
const untilDone = <Answer>(write: () => Promise<Answer>) => repeatWhile('CONCURRENT_WRITE', write);

test('the undo of a merge keeps a withdrawal, whose evidence is encrypted too', async () => {
  const tenant = new EncryptedTenant(customers);
  await tenant.encrypt();
  const [{ id }, twin] = [await tenant.create(someone('ada')), await tenant.create(someone('twin'))];
  const { merge } = await customers.call(
    'mergeCustomers',
    { id, merge: { mergedId: twin.id, preferMerged: [] } },
    tenant.caller,
  );
  await tenant.consent(id, 'She says so.', ConsentState.WITHDRAWN);

  await customers.call('unmergeCustomers', { id: merge!.id }, tenant.caller);

  const { consents } = await customers.call('listConsents', { customerId: twin.id }, tenant.caller);
  const evidence = `Said of the customer ${id}, with which this one was merged.`;
  expect(consents).toMatchObject([{ purpose: 'news', state: ConsentState.WITHDRAWN, source: 'form', evidence }]);
  expect(valuesIn(await everythingIn([customers.urls.ownerUrl]), [evidence.toLowerCase()])).toEqual([]);
});

test('an encrypted address is one in each spelling of its domain, also one that was stored before', async () => {
  const tenant = new EncryptedTenant(customers);
  const { caller } = tenant;
  const [inUnicode, inAscii] = ['ada@bücher.example', 'ada@xn--bcher-kva.example'];
  await customers.create(caller, person({ emails: [{ address: inUnicode }] }));
  await tenant.encrypt();
  await customers.create(caller, person({ emails: [{ address: `b${inAscii}` }] }));

  for (const address of [inUnicode, inAscii, `b${inUnicode}`]) {
    const again = customers.create(caller, person({ emails: [{ address }] }));
    await expect(again).rejects.toMatchObject({ reason: 'EMAIL_TAKEN' });
  }
});
