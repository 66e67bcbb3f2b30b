import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IdempotencyKey, writeOnce } from '../src/index.js';
import { asTenant, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

interface Write {
  requestId: string | undefined;
  text?: string;
  principalId?: string;
  /** Runs after the note was inserted. */
  then?: (em: EntityManager) => Promise<unknown>;
}

/** Writes a note as a handler would. Answers its id. */
function writeNote(tenantId: string, { requestId, text = 'hello', principalId, then }: Write): Promise<string> {
  const call = {
    method: '/test.v1.NotesService/CreateNote',
    requestId,
    request: Buffer.from(text),
    encode: (id: string) => Buffer.from(id),
    decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };
  const work = async (transaction: EntityManager) => {
    const note = transaction.create(Note, { tenantId, id: v7(), text });
    await transaction.flush();
    await then?.(transaction);
    return note.id;
  };
  return asTenant(orm, tenantId, (em) => writeOnce(em, call, work), principalId);
}

function count(tenantId: string, entity: typeof Note | typeof IdempotencyKey): Promise<number> {
  return asTenant(orm, tenantId, (em) => em.count(entity as typeof Note));
}

/** Resolves once it was called `calls` times, for all of them. */
function meetingOf(calls: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return () => {
    arrived += 1;
    if (arrived === calls) resolve();
    return promise;
  };
}

describe('with an idempotency key', () => {
  test('answers a repetition with the first answer and writes nothing', async () => {
    const tenantId = v7();
    const first = await writeNote(tenantId, { requestId: 'k' });

    const second = await writeNote(tenantId, { requestId: 'k' });

    expect(second).toBe(first);
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('refuses the key for another request', async () => {
    const tenantId = v7();
    await writeNote(tenantId, { requestId: 'k' });

    const reuse = writeNote(tenantId, { requestId: 'k', text: 'other' });

    await expect(reuse).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('lets one of twenty twins write and tells the others to wait or the answer', async () => {
    const tenantId = v7();

    const twins = await Promise.allSettled(Array.from({ length: 20 }, () => writeNote(tenantId, { requestId: 'k' })));

    const ids = twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value] : []));
    const refused = twins.flatMap((twin) => (twin.status === 'rejected' ? [twin.reason as unknown] : []));
    expect(new Set(ids).size).toBe(1);
    for (const reason of refused) {
      expect(reason).toMatchObject({ code: 'ABORTED', reason: 'IDEMPOTENCY_KEY_IN_USE', retryAfterSeconds: 1 });
    }
    expect(await count(tenantId, Note)).toBe(1);
  });

  test('keeps neither write nor key of work that fails, so that the key can be used again', async () => {
    const tenantId = v7();
    const failing = writeNote(tenantId, { requestId: 'k', then: () => Promise.reject(new Error('no')) });
    await expect(failing).rejects.toThrow('no');
    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([0, 0]);

    await writeNote(tenantId, { requestId: 'k' });

    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([1, 1]);
  });

  test('keeps keys of tenants and of principals apart', async () => {
    const [tenantId, otherTenantId] = [v7(), v7()];
    const ids = [
      await writeNote(tenantId, { requestId: 'k' }),
      await writeNote(otherTenantId, { requestId: 'k', text: 'other' }),
      await writeNote(tenantId, { requestId: 'k', text: 'third', principalId: 'apiKey:second' }),
    ];

    expect(new Set(ids).size).toBe(3);
  });

  test('forgets a key after a day, and clears away other old ones', async () => {
    const tenantId = v7();
    for (const requestId of ['a', 'b', 'c']) await writeNote(tenantId, { requestId });
    await asTenant(orm, tenantId, (em) =>
      em.execute(`update idempotency_key set create_time = now() - interval '24 hours'`),
    );

    await writeNote(tenantId, { requestId: 'a', text: 'next day' });

    expect(await count(tenantId, Note)).toBe(4);
    expect(await count(tenantId, IdempotencyKey)).toBe(1);
  });

  test('does the write once though the connection is lost under it', async () => {
    const tenantId = v7();
    let runs = 0;
    const loseFirstConnection = async (em: EntityManager) => {
      runs += 1;
      if (runs === 1) await em.execute('select pg_terminate_backend(pg_backend_pid())');
    };

    await writeNote(tenantId, { requestId: 'k', then: loseFirstConnection });

    expect(runs).toBe(2);
    expect(await count(tenantId, Note)).toBe(1);
  });
});

describe('without an idempotency key', () => {
  test('writes each time', async () => {
    const tenantId = v7();
    await writeNote(tenantId, { requestId: undefined });
    await writeNote(tenantId, { requestId: undefined });

    expect([await count(tenantId, Note), await count(tenantId, IdempotencyKey)]).toEqual([2, 0]);
  });

  test('does not repeat a write whose connection was lost', async () => {
    let runs = 0;
    const loseConnection = (em: EntityManager) => {
      runs += 1;
      return em.execute('select pg_terminate_backend(pg_backend_pid())');
    };

    await expect(writeNote(v7(), { requestId: undefined, then: loseConnection })).rejects.toThrow();

    expect(runs).toBe(1);
  });

  test('repeats the one that lost a deadlock', async () => {
    const tenantId = v7();
    const meet = meetingOf(2);
    let runs = 0;
    const lockBoth = (first: number, second: number) => async (em: EntityManager) => {
      runs += 1;
      await em.execute('select pg_advisory_xact_lock(?)', [first]);
      await meet();
      await em.execute('select pg_advisory_xact_lock(?)', [second]);
    };

    await Promise.all([
      writeNote(tenantId, { requestId: undefined, then: lockBoth(1, 2) }),
      writeNote(tenantId, { requestId: undefined, then: lockBoth(2, 1) }),
    ]);

    expect(runs).toBe(3);
    expect(await count(tenantId, Note)).toBe(2);
  });
});
