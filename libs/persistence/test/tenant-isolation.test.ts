import { RowLevelSecurityViolationException, type EntityManager, type MikroORM } from '@mikro-orm/postgresql';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerCall, noteDatabase, tenantWithNotes } from './note-database.js';
import { Note } from './note.entity.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

function callerOf(tenantId: string): Caller {
  return { tenantId, principalId: 'apiKey:test', permissions: [] };
}

/** Runs `handler` as a call of `caller`. */
function answer<Result>(caller: Caller | undefined, handler: (em: EntityManager) => Promise<Result>): Promise<Result> {
  return answerCall(orm, caller, handler);
}

describe('inTenantSession', () => {
  test('shows no rows to a call without a caller, even on connections that tenants have used', async () => {
    const tenantId = await tenantWithNotes(orm, 1);
    await Promise.all(Array.from({ length: 20 }, () => answer(callerOf(tenantId), (em) => em.find(Note, {}))));

    const seen = await Promise.all(Array.from({ length: 20 }, () => answer(undefined, (em) => em.find(Note, {}))));

    expect(seen.flat()).toEqual([]);
  });

  test('refuses a row of another tenant', async () => {
    const insert = answer(callerOf(v7()), (em) => em.insert(Note, { tenantId: v7(), id: v7(), text: 'foreign' }));

    await expect(insert).rejects.toThrow(RowLevelSecurityViolationException);
  });

  test('returns UNAVAILABLE when the database stops during a call', async () => {
    const read = answer(callerOf(v7()), (em) =>
      em.transactional((transaction) => transaction.execute('select pg_terminate_backend(pg_backend_pid())')),
    );

    await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });
  });

  test('still has connections after losing more of them than the pool holds', async () => {
    const tenantId = await tenantWithNotes(orm, 1);
    const loseConnection = () =>
      answer(callerOf(tenantId), (em) =>
        em.transactional((transaction) => transaction.execute('select pg_terminate_backend(pg_backend_pid())')),
      );
    const losses = await Promise.allSettled(Array.from({ length: 25 }, loseConnection));

    const notes = await answer(callerOf(tenantId), (em) => em.find(Note, {}));

    expect(losses.every(({ status }) => status === 'rejected')).toBe(true);
    expect(notes).toHaveLength(1);
  });
});

test('an EntityManager outside of a call is refused', async () => {
  await expect(orm.em.find(Note, {})).rejects.toThrow(/global EntityManager/);
});
