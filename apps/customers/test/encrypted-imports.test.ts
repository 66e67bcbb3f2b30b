import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newKeys, type Keys } from './databases.js';
import { EncryptedTenant, everythingIn, personalValues, rowCounts, someone, valuesIn } from './encrypted-tenant.js';
import { counts, csv, endOfFile, ImportTenant, issues, none, pieces, rowsOf } from './import-tenant.js';
import { RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

let customers: RunningCustomers;
let keys: Keys;
let tenant: ImportTenant;
let encrypted: EncryptedTenant;

// A service of its own: it has keys, and the tests read the whole database.
beforeAll(async () => {
  keys = await newKeys();
  customers = await RunningCustomers.start({ keys, encryptionStalenessMs: 20, bulkLimits: { importChunkRows: 20 } });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
  encrypted = new EncryptedTenant(customers, tenant.caller);
});
afterEach(() => tenant.close());

const counted = () => rowCounts([customers.urls.ownerUrl, keys.databaseUrl]);
const stored = () => everythingIn([customers.urls.ownerUrl, keys.databaseUrl]);

/** A row of a file with the values of a person. */
function rowOf(of: ReturnType<typeof someone>) {
  const { displayName, givenName, familyName, emails = [], phones = [], addresses = [] } = of;
  return {
    ...{ name: displayName, first_name: givenName, last_name: familyName, email: emails[0]?.address },
    ...{ phone: phones[0]?.number, street: addresses[0]?.street, city: 'Berlin' },
  };
}

test('an import into an encrypted tenant leaves no personal value in any table, and the same file changes nothing', async () => {
  const known = await encrypted.create(someone('wumboldold'));
  await encrypted.encrypt();
  const people = Array.from({ length: 30 }, (_, index) => someone(`wumboldrow${index}x`));
  const file = rowsOf([
    ...people.map(rowOf),
    { email: known.emails[0]!.address.toUpperCase(), first_name: 'wumboldchanged' },
    { name: 'wumboldkeyless', city: 'Berlin' },
  ]);

  const answer = await tenant.importFile(file);

  expect(counts(answer)).toEqual({ ...none, created: 31, updated: 1 });
  const values = [...personalValues(known), ...people.flatMap(personalValues), 'wumbold'];
  expect(valuesIn(await stored(), values)).toEqual([]);
  expect(await customers.get(tenant.caller, known.id)).toMatchObject({ givenName: 'wumboldchanged' });
  const [found] = await encrypted.find(`emails = "${people[7]!.emails![0]!.address}"`);
  expect(await customers.get(tenant.caller, found!)).toMatchObject({ displayName: people[7]!.displayName });
  expect(counts(await tenant.importFile(file))).toEqual({ ...none, unchanged: 32 });
});

test('an erasure of an imported person destroys its key', async () => {
  await encrypted.encrypt();
  await tenant.importFile(rowsOf([rowOf(someone('wumboldgone'))]));
  const [id] = await encrypted.find('emails = "wumboldgonemail@example.com"');
  const isDestroyed = async () => {
    const superuser = await superuserOf(keys.databaseUrl);
    const { rows } = await superuser.query<{ destroyed: boolean }>(
      'select wrapped is null as destroyed from subject_key where customer_id = $1',
      [id],
    );
    await superuser.end();
    return rows.map(({ destroyed }) => destroyed);
  };
  expect(await isDestroyed()).toEqual([false]);

  await encrypted.erase(id!);

  await expect.poll(isDestroyed).toEqual([true]);
});

test('a dry run stores nothing, and an issue quotes the value of its row', async () => {
  await encrypted.encrypt();
  const ada = await encrypted.create(someone('wumboldada'));
  const eve = await encrypted.create(someone('wumboldeve'));
  const before = await tenant.storedRows();

  const answer = await tenant.importFile(
    rowsOf([{ id: ada.id, email: eve.emails[0]!.address }, rowOf(someone('wumboldnew'))], { validateOnly: true }),
  );

  expect(counts(answer)).toEqual({ ...none, created: 1, unchanged: 1 });
  expect(issues(answer)).toEqual([[1, 'KEY_CONFLICT', 'emails[0].address']]);
  expect(answer.issues[0]!.message).toBe('"wumboldevemail@example.com" belongs to another customer and was omitted.');
  expect(await tenant.storedRows()).toEqual(before);
});

const manyRows = () => Array.from({ length: 50 }, (_, index) => rowOf(someone(`wumboldmany${index}x`)));

test('an import that rolls back leaves no row in any table, nor a key: a dry run, and one that fails at its end', async () => {
  await encrypted.encrypt();
  await encrypted.create(someone('wumboldada'));
  const before = await counted();
  expect(before).toHaveProperty('subject_key');

  expect(counts(await tenant.importFile(rowsOf(manyRows(), { validateOnly: true })))).toMatchObject({ created: 50 });
  expect(await counted()).toEqual(before);

  // The rows of the first chunks are written before the end of the file is read.
  const data = JSON.stringify(manyRows()).slice(0, -1);
  await expect(tenant.importFile({ contentType: 'application/json', data })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  expect(await counted()).toEqual(before);
});

test('rows whose step is repeated leave one key for each record', async () => {
  await encrypted.encrypt();
  const { subject_key: before = 0 } = await counted();

  const answer = await tenant.importFileSlowly(rowsOf(manyRows().slice(0, 13)));

  expect(counts(answer)).toEqual({ ...none, created: 13 });
  expect(await counted()).toMatchObject({ subject_key: before + 13 });
});

test('the parts of a large file that are stored during its upload are encrypted, also of a tenant that is not', async () => {
  const row = (index: number) => `wumboldupload${index},u${index}@x.example,${'wumbold'.repeat(500)}\n`;
  const rows = Array.from({ length: 450 }, (_, index) => row(index)).join('');
  const { promise: answer, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<ImportTenant['importFile']>>>();
  const call = tenant.open((error, value) => (error ? reject(error) : resolve(value!)));
  for (const message of pieces(csv(`name,email,padding\n${rows}`))) call.write(message);
  const parts = async () => (await tenant.database.query<{ data: Buffer }>('select data from import_piece')).rows;
  await expect.poll(parts).not.toEqual([]);

  const found = (await parts()).filter(({ data }) => data.includes('wumbold'));

  call.write(endOfFile);
  call.end();
  expect(found).toEqual([]);
  expect(counts(await answer)).toEqual({ ...none, created: 450 });
  expect(await customers.names(tenant.caller, { pageSize: 1, orderBy: 'create_time' })).toEqual(['wumboldupload0']);
});
