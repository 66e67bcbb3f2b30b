import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { body, OperationTenant, people, uploadMessages } from './operation-tenant.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: OperationTenant;

beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
});
afterEach(() => tenant.close());

const file = Buffer.from(people(40_000));

/** The file as stored. */
async function storedFile(id: string): Promise<Buffer> {
  const { rows } = await tenant.database.query<{ data: Buffer }>(
    'select data from import_piece where operation_id = $1 order by start',
    [id],
  );
  return Buffer.concat(rows.map(({ data }) => data));
}

/** Ends the import of a large file, which would run beside later tests. */
async function cancel(id: string): Promise<void> {
  await customers.call('cancelOperation', { id }, tenant.caller);
}

/**
 * Uploads more of the file; retries while the interrupted call still stores its bytes.
 *
 * @param next what to upload after the bytes that are received
 */
async function goOn(id: string, next: (received: number) => { start: number; end?: number }): Promise<Operation> {
  const { start, end } = next((await tenant.get(id)).receivedBytes);
  try {
    return await tenant.upload(id, [file.subarray(start, end)], { offset: start, complete: end === undefined });
  } catch (error) {
    expect(error).toMatchObject({ reason: 'UPLOAD_IN_PROGRESS' });
    return goOn(id, next);
  }
}

test('an interrupted upload retains the received bytes, and resumes from there', async () => {
  const { id } = await tenant.createImport();
  const sent = file.subarray(0, 1_500_000);
  const { call, answer } = tenant.openUpload();
  const messages = [...uploadMessages(id, [sent])].slice(0, -1);
  for (const message of messages) call.write(message);
  const { receivedBytes: keptBytes } = await tenant.until(id, ({ receivedBytes }) => receivedBytes > 0);
  call.cancel();
  await expect(answer).rejects.toThrow();

  const part = await goOn(id, (received) => ({ start: received, end: received + 100_001 }));
  const stored = await storedFile(id);
  // Repeats the last received bytes.
  const whole = await goOn(id, (received) => ({ start: received - 50_000 }));

  expect(part.state).toBe(State.WAITING);
  expect(part.receivedBytes).toBeGreaterThanOrEqual(keptBytes + 100_001);
  // The interrupted call may have stored more meanwhile.
  expect(stored.length).toBeGreaterThanOrEqual(part.receivedBytes);
  expect(stored.equals(file.subarray(0, stored.length))).toBe(true);
  expect(whole).toMatchObject({ state: State.RUNNING, receivedBytes: file.length });
  const paused = await customers.call('pauseOperation', { id }, tenant.caller);
  expect(paused.state).toBe(State.PAUSED);
  expect((await storedFile(id)).equals(file)).toBe(true);
});

test('an upload that is cut off retains all bytes that arrived, also those that are fewer than a piece', async () => {
  const { id } = await tenant.createImport();
  const { call, answer } = tenant.openUpload();
  const [parameters] = uploadMessages(id, []);
  call.write(parameters!);
  call.write({ id: '', file: body(file.subarray(0, 300_000)) });
  // The message has arrived as a whole once its first piece is stored.
  await tenant.until(id, ({ receivedBytes }) => receivedBytes === 262_144);
  call.cancel();
  await expect(answer).rejects.toThrow();

  await tenant.until(id, ({ receivedBytes }) => receivedBytes === 300_000);
  expect((await storedFile(id)).equals(file.subarray(0, 300_000))).toBe(true);
  const rest = await tenant.upload(id, [file.subarray(300_000)], { offset: 300_000, complete: false });
  expect(rest).toMatchObject({ state: State.WAITING, receivedBytes: file.length });
  expect((await storedFile(id)).equals(file)).toBe(true);
});

test('an upload without an empty piece at its end does not start the import', async () => {
  const { id } = await tenant.createImport();
  const { call, answer } = tenant.openUpload();
  for (const message of [...uploadMessages(id, ['email\na@x.example\n'])].slice(0, -1)) call.write(message);
  call.end();

  await expect(answer).rejects.toMatchObject({ code: 'CANCELLED', reason: 'UPLOAD_CANCELLED' });
  expect(await tenant.get(id)).toMatchObject({ state: State.WAITING, receivedBytes: 18 });
});

test('one of two concurrent uploads is refused, and the file is the other’s', async () => {
  const { id } = await tenant.createImport();
  const slow = tenant.openUpload();
  slow.answer.catch(() => undefined);
  const [first, ...rest] = [...uploadMessages(id, [file])];
  slow.call.write(first!);
  slow.call.write({ id: '', file: body(file.subarray(0, 1_048_576)) });
  await tenant.until(id, ({ receivedBytes }) => receivedBytes === 1_048_576);
  const quick = await tenant.upload(id, [file.subarray(1_048_576, 1_200_000)], { offset: 1_048_576, complete: false });
  for (const message of rest.slice(10, 30)) slow.call.write(message);

  await expect(slow.answer).rejects.toMatchObject({ code: 'ABORTED', reason: 'UPLOAD_IN_PROGRESS' });
  expect(quick.receivedBytes).toBe(1_200_000);
  expect((await storedFile(id)).equals(file.subarray(0, 1_200_000))).toBe(true);
});

test('an upload beyond the received bytes is refused, and one for an operation that does not wait', async () => {
  const { id } = await tenant.createImport();
  await expect(tenant.upload(id, ['x'], { offset: 1 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'offset', reason: 'OFFSET_BEYOND_RECEIVED' }],
  });
  await expect(tenant.upload('nonsense', ['x'])).rejects.toMatchObject({ violations: [{ field: 'id' }] });
  await expect(tenant.upload(id, ['x'], { offset: -1 })).rejects.toMatchObject({ violations: [{ field: 'offset' }] });

  await tenant.upload(id, ['email\na@x.example\n']);
  await tenant.untilEnded(id);
  await expect(tenant.upload(id, ['x'])).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'OPERATION_NOT_WAITING',
  });
});

test('a file of more than 2 GiB less one byte is refused', async () => {
  const { id } = await tenant.createImport();
  await tenant.database.query('update operation set received_bytes = $1 where id = $2', [2 ** 31 - 11, id]);

  await expect(tenant.upload(id, ['x'.repeat(11)], { offset: 2 ** 31 - 11, complete: false })).rejects.toMatchObject({
    violations: [{ field: 'file', reason: 'FILE_TOO_LARGE' }],
  });
  const full = await tenant.upload(id, ['x'.repeat(10)], { offset: 2 ** 31 - 11, complete: false });
  expect(full.receivedBytes).toBe(2 ** 31 - 1);
});

test('no transaction is open while an upload waits for its client', async () => {
  const { id } = await tenant.createImport();
  const { call, answer } = tenant.openUpload();
  const [first, second, ...rest] = [...uploadMessages(id, [file.subarray(0, 1_100_000)])];
  for (const message of [first, second, ...rest.slice(0, -1)]) call.write(message!);
  // Everything that is stored before the end has arrived.
  await tenant.until(id, ({ receivedBytes }) => receivedBytes === 1_048_576);

  const openTransactions = async () => {
    const sql = `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`;
    return (await tenant.database.query(sql)).rowCount;
  };
  // Those of workers are short; one of the upload would stay.
  await expect.poll(openTransactions).toBe(0);
  const { rowCount } = await tenant.database.query('select from operation where id = $1 for update nowait', [id]);
  expect(rowCount).toBe(1);
  call.write(rest.at(-1)!);
  call.end();
  expect((await answer).receivedBytes).toBe(1_100_000);
  await cancel(id);
});

test('an upload that repeats different bytes is refused, and starts nothing', async () => {
  const { id } = await tenant.createImport();
  await tenant.upload(id, [file.subarray(0, 1_200_000)], { complete: false });
  const refused = { code: 'INVALID_ARGUMENT', violations: [{ field: 'offset', reason: 'FILE_DIFFERS' }] };
  const other = Buffer.from(file);
  other[1_150_000]! ^= 1;

  await expect(tenant.upload(id, [other])).rejects.toMatchObject(refused);
  await expect(tenant.upload(id, [other.subarray(1_100_000)], { offset: 1_100_000 })).rejects.toMatchObject(refused);
  await expect(tenant.upload(id, ['email\na@x.example\n'])).rejects.toMatchObject(refused);
  await expect(tenant.upload(id, [file.subarray(0, 1_199_999)])).rejects.toMatchObject(refused);
  expect(await tenant.get(id)).toMatchObject({ state: State.WAITING, receivedBytes: 1_200_000 });
  expect((await storedFile(id)).equals(file.subarray(0, 1_200_000))).toBe(true);

  expect(await tenant.upload(id, [file])).toMatchObject({ state: State.RUNNING, receivedBytes: file.length });
  await cancel(id);
});
