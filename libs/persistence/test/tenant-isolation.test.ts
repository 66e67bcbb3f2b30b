import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { RowLevelSecurityViolationException, type EntityManager, type MikroORM } from '@mikro-orm/postgresql';
import { callContext, type Caller } from '@rapport/platform';
import { defer, lastValueFrom } from 'rxjs';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TenantSessionInterceptor } from '../src/index.js';
import { asTenant, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

/** Answers a call of `caller` with `handler`, which gets the EntityManager that constructors get. */
function answer<Result>(caller: Caller | undefined, handler: (em: EntityManager) => Promise<Result>): Promise<Result> {
  const interceptor = new TenantSessionInterceptor(orm);
  const next: CallHandler = { handle: () => defer(() => handler(orm.em)) };
  return callContext.run({ requestId: v7(), caller }, () =>
    lastValueFrom(interceptor.intercept({} as ExecutionContext, next)),
  ) as Promise<Result>;
}

function callerOf(tenantId: string): Caller {
  return { tenantId, principalId: 'apiKey:test', permissions: [] };
}

async function tenantWithNotes(count: number): Promise<string> {
  const tenantId = v7();
  await asTenant(orm, tenantId, (em) =>
    em.insertMany(
      Note,
      Array.from({ length: count }, () => ({ tenantId, id: v7(), text: tenantId })),
    ),
  );
  return tenantId;
}

describe('TenantSessionInterceptor', () => {
  test('shows each caller the own rows only, in 2,000 reads of two tenants at once', async () => {
    const tenants = [await tenantWithNotes(3), await tenantWithNotes(5)];
    const counts = [3, 5];

    const readTwenty = async (reader: number) => {
      for (let read = reader; read < reader + 20; read += 1) {
        const notes = await answer(callerOf(tenants[read % 2] ?? ''), (em) =>
          read % 4 < 2 ? em.find(Note, {}) : em.transactional((transaction) => transaction.find(Note, {})),
        );
        expect(notes.map(({ text }) => text)).toEqual(Array(counts[read % 2]).fill(tenants[read % 2]));
      }
    };

    await Promise.all(Array.from({ length: 100 }, (_, reader) => readTwenty(reader)));
  });

  test('shows no rows to a call without a caller, also on connections that tenants have used', async () => {
    const tenantId = await tenantWithNotes(1);
    await Promise.all(Array.from({ length: 20 }, () => answer(callerOf(tenantId), (em) => em.find(Note, {}))));

    const seen = await Promise.all(Array.from({ length: 20 }, () => answer(undefined, (em) => em.find(Note, {}))));

    expect(seen.flat()).toEqual([]);
  });

  test('refuses a row of another tenant', async () => {
    const insert = answer(callerOf(v7()), (em) => em.insert(Note, { tenantId: v7(), id: v7(), text: 'foreign' }));

    await expect(insert).rejects.toThrow(RowLevelSecurityViolationException);
  });

  test('says UNAVAILABLE when the database goes away under a call', async () => {
    const read = answer(callerOf(v7()), (em) =>
      em.transactional((transaction) => transaction.execute('select pg_terminate_backend(pg_backend_pid())')),
    );

    await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });
  });

  test('still has connections after more of them were lost than the pool holds', async () => {
    const tenantId = await tenantWithNotes(1);
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

test('an EntityManager used outside of a call is refused', async () => {
  await expect(orm.em.find(Note, {})).rejects.toThrow(/global EntityManager/);
});
