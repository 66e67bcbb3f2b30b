import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError, callContext } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createOrm, withConnection } from '../src/index.js';
import { emptyDatabase, entities } from './note-database.js';

/** The connections of a pool of 20 that reads do not have to themselves. */
const writing = 15;
/** The most of them that a tenant holds. */
const share = 9;

let databaseUrl: string;
let orm: MikroORM;
let gate: PromiseWithResolvers<void>;
let held: number;

beforeAll(async () => {
  databaseUrl = (await emptyDatabase()).appUrl;
});
beforeEach(() => {
  orm = createOrm({ databaseUrl, entities });
  gate = Promise.withResolvers();
  held = 0;
});
afterEach(async () => {
  gate.resolve();
  await orm.close();
});

/** Runs as a call of a tenant. */
function asCall<Result>(
  tenantId: string,
  work: () => Promise<Result>,
  { gone = new AbortController().signal, isRead = false } = {},
): Promise<Result> {
  const caller = { tenantId, principalId: 'apiKey:test', permissions: [] };
  return callContext.run({ requestId: v7(), caller, gone, isRead }, work);
}

/** Holds a connection until the gate opens. */
function hold(): Promise<void> {
  return withConnection(orm.em.fork(), async (client) => {
    await client.query('select 1');
    held += 1;
    await gate.promise;
  });
}

/** Makes calls and records the outcomes of those that get no connection. */
function begin(
  count: number,
  tenantId: string,
  work: () => Promise<unknown>,
  gone = new AbortController().signal,
): unknown[] {
  const refused: unknown[] = [];
  for (let call = 0; call < count; call += 1) {
    asCall(tenantId, work, { gone }).catch((error: unknown) =>
      refused.push(error instanceof AppError ? error.reason : error),
    );
  }
  return refused;
}

const ask = () => orm.em.fork().execute('select 1');

test('a tenant that requests all connections leaves some for others, and its own excess is refused after a wait', async () => {
  const [hostile, calm] = [v7(), v7()];
  const refused = begin(40, hostile, hold);
  await expect.poll(() => held).toBe(share);

  for (let call = 0; call < 50; call += 1) await asCall(calm, ask);

  expect(held).toBe(share);
  await expect.poll(() => refused).toEqual(Array.from({ length: 40 - share }, () => 'TOO_MANY_CONCURRENT'));
  await asCall(calm, ask);
});

test('waiting calls take turns by tenant', async () => {
  const [hostile, other, calm] = [v7(), v7(), v7()];
  begin(share, other, hold);
  await expect.poll(() => held).toBe(share);
  const done: string[] = [];
  const release = Promise.withResolvers<void>();
  const holdShortly = () => withConnection(orm.em.fork(), () => release.promise);
  const note = (name: string) => () =>
    withConnection(orm.em.fork(), () => {
      done.push(name);
      return Promise.resolve();
    });
  // All that are left.
  begin(writing - share, hostile, holdShortly);
  const waiting = Array.from({ length: 8 }, () => asCall(hostile, note('hostile')));
  waiting.push(asCall(calm, note('calm')));

  release.resolve();
  await Promise.all(waiting);

  expect(done.indexOf('calm')).toBeLessThan(share / 2);
});

test('background work can use all connections but those that are for reads', async () => {
  const working = Array.from({ length: 20 }, () => hold());
  await expect.poll(() => held).toBe(writing);
  gate.resolve();
  await Promise.all(working);
});

test('reads find a connection while writes hold all that they can get', async () => {
  const [writer, otherWriter, reader] = [v7(), v7(), v7()];
  begin(share, writer, hold);
  begin(share, otherWriter, hold);
  await expect.poll(() => held).toBe(writing);

  const reads = Array.from({ length: 20 }, () => asCall(reader, ask, { isRead: true }));

  expect(await Promise.all(reads)).toHaveLength(20);
  expect(held).toBe(writing);
});

test('a tenant finds connections for its reads while its writes hold all that it can get', async () => {
  const tenantId = v7();
  begin(40, tenantId, hold);
  await expect.poll(() => held).toBe(share);

  const reads = Array.from({ length: 20 }, () => asCall(tenantId, ask, { isRead: true }));

  expect(await Promise.all(reads)).toHaveLength(20);
});

test('a cancelled call leaves the queue', async () => {
  const tenantId = v7();
  begin(share, tenantId, hold);
  await expect.poll(() => held).toBe(share);
  const gone = new AbortController();
  const abandoned = begin(5, tenantId, hold, gone.signal);

  gone.abort();

  await expect.poll(() => abandoned).toEqual(Array.from({ length: 5 }, () => 'CANCELLED'));
  gate.resolve();
  await asCall(tenantId, ask);
  expect(held).toBe(share);
});

test('a short statement of an abandoned call keeps its connection, and none follows it', async () => {
  const pid = 'select pg_backend_pid() as pid';
  const gone = new AbortController();
  const first = await asCall(
    v7(),
    () =>
      withConnection(orm.em.fork(), async (client) => {
        const answer = client.query(pid);
        gone.abort();
        return (await answer).rows as object[];
      }),
    { gone: gone.signal },
  );
  expect(await asCall(v7(), () => orm.em.fork().execute(pid))).toEqual(first);

  const later = new AbortController();
  const twice = asCall(
    v7(),
    () =>
      withConnection(orm.em.fork(), async (client) => {
        await client.query(pid);
        later.abort();
        await client.query(pid);
      }),
    { gone: later.signal },
  );
  await expect(twice).rejects.toThrow();
  expect(await asCall(v7(), () => orm.em.fork().execute(pid))).not.toEqual(first);
});
