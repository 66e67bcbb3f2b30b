import type { MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AnswerSwallower } from '@rapport/testing';
import { createOrm, IdempotencyKey, isRefusal, NotAsExpected, type StatementTransaction } from '../src/index.js';
import { noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';
import { count, look, writeInStatements, type StatementsWrite } from './note-writes.js';

let orm: MikroORM;
let lossyOrm: MikroORM;
let swallower: AnswerSwallower;

beforeAll(async () => {
  const database = await noteDatabase();
  orm = database.orm;
  swallower = new AnswerSwallower(new URL(database.urls.appUrl));
  lossyOrm = createOrm({ databaseUrl: await swallower.listen(), entities: [Note, IdempotencyKey] });
});
afterAll(async () => {
  await orm.close();
  await lossyOrm.close();
  swallower.close();
});

const writeNote = (tenantId: string, write: StatementsWrite) => writeInStatements(orm, tenantId, write);

describe.each([
  { trips: 'in one round trip', first: undefined },
  { trips: 'in several round trips', first: look },
])('with an idempotency key, $trips', ({ first }) => {
  const write = (tenantId: string, note: StatementsWrite, through = orm) =>
    writeInStatements(through, tenantId, { first, ...note });

  test('rolls back write and key of a failed statement, so that the key can be used again', async () => {
    const tenantId = v7();
    const id = await write(tenantId, { text: 'first' });

    await expect(write(tenantId, { requestId: 'k', id })).rejects.toMatchObject({ message: 'There is first.' });
    await write(tenantId, { requestId: 'k' });

    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([2, 1]);
  });

  test('writes once although the response to the commit is lost', async () => {
    const tenantId = v7();
    swallower.swallowAnswerTo('store_idempotency_key');

    await write(tenantId, { requestId: 'k' }, lossyOrm);

    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([1, 1]);
  });
});

test('returns the first response to a repetition that the work would refuse by now', async () => {
  const tenantId = v7();
  const id = await writeNote(tenantId, { requestId: 'k' });

  const second = await writeNote(tenantId, { requestId: 'k', first: () => Promise.reject(new Error('no')) });

  expect(second).toBe(id);
});

test('does not repeat a write without a key when the response to its commit is lost', async () => {
  const tenantId = v7();
  swallower.swallowAnswerTo('insert into note');

  await expect(writeInStatements(lossyOrm, tenantId, {})).rejects.toThrow();

  expect(await count(orm, tenantId, Note)).toBe(1);
});

test('validateOnly reports what would fail and writes nothing', async () => {
  const tenantId = v7();
  const id = await writeNote(tenantId, { text: 'first' });

  await writeNote(tenantId, { validateOnly: true, requestId: 'k' });
  const taken = writeNote(tenantId, { validateOnly: true, id });

  await expect(taken).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([1, 0]);
});

test('repeats a write that lost a deadlock', async () => {
  const tenantId = v7();
  let runs = 0;
  const { promise: bothHaveOne, resolve } = Promise.withResolvers<void>();
  const lockBoth = (one: number, other: number) => async (transaction: StatementTransaction) => {
    const lock = (number: number) => ({ sql: 'select pg_advisory_xact_lock($1)', values: [number] });
    await transaction.run(lock(one));
    runs += 1;
    if (runs === 2) resolve();
    await bothHaveOne;
    await transaction.run(lock(other));
  };

  await Promise.all([writeNote(tenantId, { first: lockBoth(1, 2) }), writeNote(tenantId, { first: lockBoth(2, 1) })]);

  expect(runs).toBe(3);
  expect(await count(orm, tenantId, Note)).toBe(2);
});

test.each([{ validateOnly: false }, { validateOnly: true }])(
  'repeats a write that did not find what it expected, without expectations ($validateOnly)',
  async ({ validateOnly }) => {
    const tenantId = v7();
    const runs: boolean[] = [];
    const expectNoNotes = (transaction: StatementTransaction) => {
      runs.push(transaction.mayExpect);
      if (transaction.mayExpect) {
        transaction.later({
          sql: `select refuse_unless(not exists (select from note), 'THERE_ARE_NOTES')`,
          explain: (error) => (isRefusal(error, 'THERE_ARE_NOTES') ? new NotAsExpected() : error),
        });
      }
      return Promise.resolve();
    };
    const write = { first: expectNoNotes, requestId: 'k', validateOnly };

    await writeNote(tenantId, { ...write, requestId: 'first', validateOnly: false });
    const id = await writeNote(tenantId, write);
    await expect(writeNote(tenantId, { ...write, first: undefined, validateOnly: false })).resolves.toEqual(
      validateOnly ? expect.any(String) : id,
    );

    expect(runs).toEqual([true, true, false]);
    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([2, 2]);
  },
);
