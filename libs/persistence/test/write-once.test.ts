import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IdempotencyKey } from '../src/index.js';
import { noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';
import { count, writeInUnit, type UnitWrite } from './note-writes.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

const writeNote = (tenantId: string, write: UnitWrite) => writeInUnit(orm, tenantId, write);

/** Resolves for all callers after `calls` calls. */
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
  test('rolls back write and key of failed work, so that the key can be used again', async () => {
    const tenantId = v7();
    const failing = writeNote(tenantId, { requestId: 'k', then: () => Promise.reject(new Error('no')) });
    await expect(failing).rejects.toThrow('no');
    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([0, 0]);

    await writeNote(tenantId, { requestId: 'k' });

    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([1, 1]);
  });

  test('writes once although the connection is lost meanwhile', async () => {
    const tenantId = v7();
    let runs = 0;
    const loseFirstConnection = async (em: EntityManager) => {
      runs += 1;
      if (runs === 1) await em.execute('select pg_terminate_backend(pg_backend_pid())');
    };

    await writeNote(tenantId, { requestId: 'k', then: loseFirstConnection });

    expect(runs).toBe(2);
    expect(await count(orm, tenantId, Note)).toBe(1);
  });
});

describe('without an idempotency key', () => {
  test('writes on each call', async () => {
    const tenantId = v7();
    await writeNote(tenantId, { requestId: undefined });
    await writeNote(tenantId, { requestId: undefined });

    expect([await count(orm, tenantId, Note), await count(orm, tenantId, IdempotencyKey)]).toEqual([2, 0]);
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

  test('repeats a write that lost a deadlock', async () => {
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
    expect(await count(orm, tenantId, Note)).toBe(2);
  });
});
