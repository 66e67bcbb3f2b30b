import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOrm, IdempotencyKey, writeStatementsOnce, type StatementTransaction } from '../src/index.js';
import { AnswerSwallower } from './answer-swallower.js';
import { asTenant, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

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

interface Write {
  requestId?: string;
  validateOnly?: boolean;
  id?: string;
  text?: string;
  /** Runs before the note is left to be inserted. */
  first?: (transaction: StatementTransaction) => Promise<unknown>;
  through?: MikroORM;
}

/** Writes a note as a handler would. Answers its id. */
function writeNote(tenantId: string, write: Write): Promise<string> {
  const { requestId, validateOnly, id = v7(), text = 'hello', first, through = orm } = write;
  const call = {
    method: '/test.v1.NotesService/CreateNote',
    requestId,
    ...(validateOnly === undefined ? {} : { validateOnly }),
    request: Buffer.from(text),
    encode: (noteId: string) => Buffer.from(noteId),
    decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };
  const work = async (transaction: StatementTransaction) => {
    await first?.(transaction);
    transaction.later({
      sql: 'insert into note (tenant_id, id, text) values ($1, $2, $3)',
      values: [tenantId, id, text],
      explain: async (_, read) => {
        const notes = await read<{ text: string }>({ sql: 'select text from note where id = $1', values: [id] });
        return new AppError('ALREADY_EXISTS', 'NOTE_EXISTS', `There is ${notes[0]?.text}.`);
      },
    });
    return id;
  };
  return asTenant(through, tenantId, (em: EntityManager) => writeStatementsOnce(em, call, work));
}

function count(tenantId: string, entity: typeof Note | typeof IdempotencyKey): Promise<number> {
  return asTenant(orm, tenantId, (em) => em.count(entity as typeof Note));
}

const look = (transaction: StatementTransaction) => transaction.rows({ sql: 'select 1' });

describe.each([
  { trips: 'in one round trip', first: undefined },
  { trips: 'in several round trips', first: look },
])('with an idempotency key, $trips', ({ first }) => {
  const write = (tenantId: string, note: Write) => writeNote(tenantId, first ? { first, ...note } : note);

  test('answers a repetition with the first answer and writes nothing', async () => {
    const tenantId = v7();
    const id = await write(tenantId, { requestId: 'k' });

    const second = await write(tenantId, { requestId: 'k' });

    expect(second).toBe(id);
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('refuses the key for another request', async () => {
    const tenantId = v7();
    await write(tenantId, { requestId: 'k' });

    const reuse = write(tenantId, { requestId: 'k', text: 'other' });

    await expect(reuse).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('lets one of twenty twins write and tells the others to wait or the answer', async () => {
    const tenantId = v7();

    const twins = await Promise.allSettled(Array.from({ length: 20 }, () => write(tenantId, { requestId: 'k' })));

    const ids = twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value] : []));
    const refused = twins.flatMap((twin) => (twin.status === 'rejected' ? [twin.reason as unknown] : []));
    expect(new Set(ids).size).toBe(1);
    for (const reason of refused) {
      expect(reason).toMatchObject({ code: 'ABORTED', reason: 'IDEMPOTENCY_KEY_IN_USE', retryAfterSeconds: 1 });
    }
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('takes a key anew after a day', async () => {
    const tenantId = v7();
    await write(tenantId, { requestId: 'k' });
    await asTenant(orm, tenantId, (em) =>
      em.execute(`update idempotency_key set create_time = now() - interval '24 hours'`),
    );

    await write(tenantId, { requestId: 'k', text: 'next day' });

    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([2, 1]);
  });

  test('keeps neither write nor key of a statement that fails, so that the key can be used again', async () => {
    const tenantId = v7();
    const id = await write(tenantId, { text: 'first' });

    await expect(write(tenantId, { requestId: 'k', id })).rejects.toMatchObject({ message: 'There is first.' });
    await write(tenantId, { requestId: 'k' });

    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([2, 1]);
  });

  test('does the write once though the answer to the commit is lost', async () => {
    const tenantId = v7();
    swallower.swallowAnswerTo('store_idempotency_key');

    await write(tenantId, { requestId: 'k', through: lossyOrm });

    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([1, 1]);
  });
});

test('answers a repetition as the first time though the work refuses it by now', async () => {
  const tenantId = v7();
  const id = await writeNote(tenantId, { requestId: 'k' });

  const second = await writeNote(tenantId, { requestId: 'k', first: () => Promise.reject(new Error('no')) });

  expect(second).toBe(id);
});

test('does not repeat a write without a key when the answer to its commit is lost', async () => {
  const tenantId = v7();
  swallower.swallowAnswerTo('insert into note');

  await expect(writeNote(tenantId, { through: lossyOrm })).rejects.toThrow();

  expect(await count(tenantId, Note)).toBe(1);
});

test('tells what would be wrong and leaves nothing when it only validates', async () => {
  const tenantId = v7();
  const id = await writeNote(tenantId, { text: 'first' });

  await writeNote(tenantId, { validateOnly: true, requestId: 'k' });
  const taken = writeNote(tenantId, { validateOnly: true, id });

  await expect(taken).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([1, 0]);
});

test('repeats the one that lost a deadlock', async () => {
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
  expect(await count(tenantId, Note)).toBe(2);
});
