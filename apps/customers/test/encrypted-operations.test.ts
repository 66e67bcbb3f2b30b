import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ImportColumn_Reason as Reason } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newKeys, type Keys } from './databases.js';
import { EncryptedTenant, everythingIn, personalValues, someone, valuesIn } from './encrypted-tenant.js';
import { OperationTenant, people } from './operation-tenant.js';
import { OtherWrite } from './other-write.js';
import { RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

let customers: RunningCustomers;
let keys: Keys;
let tenant: OperationTenant;
let encrypted: EncryptedTenant;

const options = { encryptionStalenessMs: 20, jobLookMs: 50, bulkLimits: { importChunkRows: 20 } };

// A service of its own: it has keys, and the tests read the whole database.
beforeAll(async () => {
  keys = await newKeys();
  customers = await RunningCustomers.start({ keys, ...options });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
  encrypted = new EncryptedTenant(customers, tenant.caller);
});
afterEach(() => tenant.close());

const stored = () => everythingIn([customers.urls.ownerUrl, keys.databaseUrl]);

/** A file of people, whose header and invalid values are personal too. */
function csvOf(marked: readonly Partial<Customer>[], mark: string, ids = ''): string {
  const rows = marked.map(({ displayName, givenName, familyName, emails, phones, addresses }, index) => {
    const phone = index % 7 === 6 ? `${mark}nophone` : phones![0]!.number;
    const address = [emails![0]!.address, phone, addresses![0]!.street];
    return [ids && `${ids}${index}`, displayName, givenName, familyName, ...address, `${mark}x`].join(',');
  });
  return [`externalId.import,name,given name,family name,email,phone,street,${mark} header`, ...rows, ''].join('\n');
}

const marked = (mark: string, count: number) =>
  Array.from({ length: count }, (_, index) => someone(`${mark}${index}x`));

/** Holds a customer, so that an import waits at its row. */
async function hold(id: string): Promise<OtherWrite> {
  await tenant.database.query('begin');
  await tenant.database.query('select from customer where id = $1 for update', [id]);
  return new OtherWrite(tenant.database);
}

/** Whether the keys of subjects are destroyed. */
async function areDestroyed(subjects: readonly (string | null)[]): Promise<boolean[]> {
  const database = await superuserOf(keys.databaseUrl);
  const { rows } = await database.query<{ destroyed: boolean }>(
    'select wrapped is null as destroyed from subject_key where customer_id = any ($1)',
    [subjects],
  );
  await database.end();
  return rows.map(({ destroyed }) => destroyed);
}

async function reportKeyOf(id: string): Promise<string | null> {
  const { rows } = await tenant.database.query<{ subject: string | null }>(
    'select key_subject as subject from operation where id = $1',
    [id],
  );
  return rows[0]!.subject;
}

async function fileKeyOf(id: string): Promise<string> {
  const query = 'select distinct key_subject as subject from import_piece where operation_id = $1';
  const { rows } = await tenant.database.query<{ subject: string }>(query, [id]);
  expect(rows).toHaveLength(1);
  return rows[0]!.subject;
}

async function exportOf(id: string): Promise<string> {
  const context = { context: customers.outgoing(tenant.caller), deadlineMs: 20_000 };
  const pieces: Uint8Array[] = [];
  for await (const piece of customers.streams.stream(PrivacyServiceService.exportPersonalData.path, { id }, context)) {
    pieces.push((piece as HttpBody).data);
  }
  return Buffer.concat(pieces).toString();
}

const messagesOf = async (id: string) =>
  (await customers.call('listOperationIssues', { id, pageSize: 1_000 }, tenant.caller)).issues;

/** Imports people up to one who is held, and pauses there. */
async function pausedImport(known: Customer, mark: string): Promise<Operation> {
  const rows = marked(mark, 70);
  rows[50] = { ...rows[50], emails: known.emails };
  const held = await hold(known.id);
  const { id } = await tenant.start(csvOf(rows, mark));
  await held.untilWaiting(1);
  const answer = customers.call('pauseOperation', { id }, tenant.caller);
  await held.untilWaiting(2);
  expect(valuesIn(await stored(), [mark, ...rows.flatMap(personalValues)])).toEqual([]);
  await held.release();
  return answer;
}

test('an import and its dry run leave no personal value in any table, from the upload to the undo', async () => {
  const mark = 'drumbolt';
  const known = await encrypted.create(someone(`${mark}known`));
  await encrypted.encrypt();
  const rows = marked(mark, 60);
  const file = `${csvOf([...rows, { ...rows[3]!, emails: known.emails }], mark, 'n')},,,,${rows[5]!.emails![0]!.address},,,\n`;
  const values = [mark, ...personalValues(known), ...rows.flatMap(personalValues)];
  const absent = async () => expect(valuesIn(await stored(), values)).toEqual([]);

  const { id } = await tenant.createImport({ dryRun: true });
  await tenant.upload(id, [file.slice(0, 3_000)], { complete: false });
  await absent();
  // The draft of another row with the same external id, for which the dry run waits.
  await tenant.database.query('begin');
  await tenant.database.query(`insert into import_draft_key values ($1, $2, 'EXTERNAL_ID', 'import/n50', $2)`, [
    ...[tenant.caller.tenantId, id],
  ]);
  const held = new OtherWrite(tenant.database);
  await tenant.upload(id, [file.slice(2_000)], { offset: 2_000 });
  await held.untilWaiting(1);
  expect((await tenant.database.query('select from import_draft')).rowCount).toBe(40);
  await absent();
  await held.release();
  const dry = await tenant.untilEnded(id);
  await absent();
  const real = await tenant.run(file);
  await absent();

  expect(dry).toMatchObject({ state: State.SUCCEEDED, error: undefined, counts: real.counts, columns: real.columns });
  expect(real.counts).toMatchObject({ rows: 62, created: 60, updated: 1, joined: 1 });
  expect(real.columns.at(-1)).toMatchObject({ column: `${mark} header`, reason: Reason.UNKNOWN_NAME });
  expect(await messagesOf(dry.id)).toMatchObject((await messagesOf(real.id)).map(({ message }) => ({ message })));
  expect((await messagesOf(real.id))[0]).toMatchObject({
    message: expect.stringContaining(`"${mark}nophone"`) as string,
  });
  expect(await tenant.download(real.id)).toContain(`${mark}nophone`);
  const [listed] = (await customers.call('listOperations', {}, tenant.caller)).operations;
  expect(listed).toEqual(real);
  const [found] = await encrypted.find(`emails = "${rows[7]!.emails![0]!.address}"`);
  expect(await exportOf(found!)).toContain(rows[7]!.familyName);
  await tenant.undo(real.id);
  await absent();
  await tenant.untilCleared();
  expect(await encrypted.find(`emails = "${rows[7]!.emails![0]!.address}"`)).toEqual([]);
  const { etag: _, updateTime: __, ...content } = known;
  expect(await customers.get(tenant.caller, known.id)).toMatchObject(content);
});

test('the error of an import is stored encrypted', async () => {
  await encrypted.encrypt();

  const failed = await tenant.run('a,b\n1,2\n');

  expect(failed).toMatchObject({
    ...{ state: State.FAILED },
    error: { reason: 'COLUMNS_UNKNOWN', message: 'map: is required: the file has no column with a known name.' },
  });
  const { rows } = await tenant.database.query<{
    message: string;
  }>(`select error ->> 'message' as message from operation
    where id = '${failed.id}'`);
  expect(rows).toEqual([{ message: expect.stringMatching(/^\u0001[\w-]+$/) as string }]);
});

test('keyless rows match drafts of earlier chunks as they match customers', async () => {
  await encrypted.encrypt();
  const file = `name,city\n${Array.from({ length: 90 }, (_, index) => `Quern ${index % 30},Berlin\n`).join('')}`;

  const dry = await tenant.run(file, { dryRun: true });
  const real = await tenant.run(file);

  expect(real.counts).toMatchObject({ rows: 90, created: 30, joined: 60 });
  expect(dry.counts).toEqual(real.counts);
});

test('an import that waits for a write which takes its value leaves one key for each record', async () => {
  await encrypted.encrypt();
  const { id } = await encrypted.create(someone('grindle'));
  const [key] = (await tenant.database.query<{ value: string }>('delete from customer_key returning value')).rows;
  const keyCount = async () => {
    const database = await superuserOf(keys.databaseUrl);
    const query = 'select from subject_key where tenant_id = $1';
    const { rowCount } = await database.query(query, [tenant.caller.tenantId]);
    await database.end();
    return rowCount!;
  };
  const before = await keyCount();
  await tenant.database.query('begin');
  const values = [tenant.caller.tenantId, key!.value, id];
  await tenant.database.query(`insert into customer_key values ($1, 'EMAIL', $2, $3)`, values);
  const write = new OtherWrite(tenant.database);
  const operation = await tenant.start(csvOf([...marked('grindlenew', 10), someone('grindle')], 'grindle'));
  await write.untilWaiting(1);

  await tenant.database.query('commit');
  const { counts } = await tenant.untilEnded(operation.id);

  expect(counts).toMatchObject({ created: 10, updated: 1 });
  // With those of the file and the report.
  expect(await keyCount()).toBe(before + 12);
});

test('the keys of a file are destroyed when its import has ended, and those of the report stay', async () => {
  await encrypted.encrypt();
  const known = await encrypted.create(someone('frostnipknown'));
  const { id } = await pausedImport(known, 'frostnip');
  const subjects = [await fileKeyOf(id), await reportKeyOf(id)] as const;
  expect(await areDestroyed(subjects)).toEqual([false, false]);

  await customers.call('resumeOperation', { id }, tenant.caller);
  expect(await tenant.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 70 } });

  await tenant.untilCleared();
  await expect.poll(() => areDestroyed([subjects[0]]), { timeout: 20_000 }).toEqual([true]);
  expect(await areDestroyed([subjects[1]])).toEqual([false]);
});

test('an erasure of a person destroys the keys of stored files and reports, and imports can still be undone', async () => {
  await encrypted.encrypt();
  const ended = await tenant.run(csvOf(marked('vexlund', 20), 'vexlund'));
  const known = await encrypted.create(someone('vexknown'));
  const paused = await pausedImport(known, 'vexpaused');
  const waiting = await tenant.createImport();
  await tenant.upload(waiting.id, ['vexlund half'], { complete: false });
  const subjects: (string | null)[] = [await fileKeyOf(paused.id), await fileKeyOf(waiting.id)];
  for (const { id } of [ended, paused, waiting]) subjects.push(await reportKeyOf(id));
  const [gone, changed] = await encrypted.find('given_name = "vexlund3xgiven" OR given_name = "vexlund4xgiven"');

  await encrypted.erase(gone!);

  await expect.poll(() => areDestroyed(subjects)).toEqual(Array(5).fill(true));
  for (const { id } of [paused, waiting]) {
    expect(await tenant.get(id)).toMatchObject({ state: State.FAILED, error: { reason: 'IMPORT_ERASED' } });
    const resumed = customers.call('resumeOperation', { id }, tenant.caller);
    await expect(resumed).rejects.toMatchObject({ reason: 'OPERATION_STATE' });
  }
  await tenant.untilCleared();
  const [issue] = await messagesOf(ended.id);
  expect(issue).toMatchObject({ message: '***', field: '***' });
  expect((await tenant.get(ended.id)).columns[1]).toMatchObject({ column: '***', field: 'displayName' });
  await customers.update(tenant.caller, changed!, { jobTitle: 'Countess' });
  expect(await tenant.undo(ended.id)).toMatchObject({ state: State.UNDONE, counts: { undone: 18 } });
  expect((await messagesOf(ended.id)).at(-1)).toMatchObject({
    ...{
      reason: 'CHANGED_SINCE',
      customerId: changed,
      message: 'The customer was changed after the import and stays.',
    },
  });
  expect(await tenant.run(csvOf(marked('vexagain', 3), 'vexagain'))).toMatchObject({ state: State.SUCCEEDED });
});

test('undo leaves a customer whose former values an erasure removed', async () => {
  await encrypted.encrypt();
  const [kept, twin] = [await encrypted.create(someone('morrowkept')), await encrypted.create(someone('morrowtwin'))];
  const merge = { mergedId: twin.id, preferMerged: [] };
  const merged = await customers.call('mergeCustomers', { id: kept.id, merge }, tenant.caller);
  await customers.call('unmergeCustomers', { id: merged.merge!.id }, tenant.caller);
  const { id } = await tenant.run(`email,job title\n${kept.emails[0]!.address},Countess\nnew@x.example,Poet\n`);
  await encrypted.erase(twin.id);

  expect(await tenant.undo(id)).toMatchObject({ state: State.UNDONE, counts: { undone: 1, issues: 1 } });
  expect(await messagesOf(id)).toMatchObject([
    { reason: 'CHANGED_SINCE', message: 'An erasure removed former values of the customer, so it stays.' },
  ]);
  expect(await customers.get(tenant.caller, kept.id)).toMatchObject({
    givenName: 'morrowkeptgiven',
    jobTitle: 'Countess',
  });
});

test('encryption waits for no import: it is refused beside one, and removes the file of one that has failed', async () => {
  const { id } = await tenant.start(`${people(30)}"not closed,`);
  await tenant.untilEnded(id);
  const waiting = await tenant.createImport();
  await tenant.upload(waiting.id, ['thrumble'], { complete: false });
  const encrypt = () => customers.call('encryptPersonalData', {}, tenant.caller);
  await expect(encrypt()).rejects.toMatchObject({ reason: 'OPERATIONS_OPEN' });
  await customers.call('cancelOperation', { id: waiting.id }, tenant.caller);

  const encryption = await encrypt();
  await customers.call('pauseOperation', { id: encryption.id }, tenant.caller);
  await expect(tenant.createImport()).rejects.toMatchObject({ code: 'ABORTED', reason: 'CONCURRENT_WRITE' });
  await customers.call('resumeOperation', { id: encryption.id }, tenant.caller);
  await encrypted.untilEnded(encryption.id);

  const pieces = await tenant.database.query('select from import_piece');
  expect(pieces.rowCount).toBe(0);
  for (const method of ['resumeOperation', 'undoOperation'] as const) {
    await expect(customers.call(method, { id }, tenant.caller)).rejects.toMatchObject({
      ...{ code: 'FAILED_PRECONDITION', reason: 'PERSONAL_DATA_ENCRYPTED' },
    });
  }
  const piece = [tenant.caller.tenantId, (await tenant.createImport()).id];
  const plain = tenant.database.query('insert into import_piece values ($1, $2, 0, $3)', [...piece, 'thrumble']);
  await expect(plain).rejects.toMatchObject({ code: '42501' });
});
