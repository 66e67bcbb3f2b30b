import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import { printedSeed } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOrm, pipeline, readForTenant, withConnection } from '../src/index.js';
import { answerCall, asTenant, entities, noteDatabase, tenantWithNotes } from './note-database.js';
import { Note } from './note.entity.js';
import { writeInStatements } from './note-writes.js';

/** Reads that are planned once, with inlined values, and with planner settings. */
const byName = { name: 'notes', sql: 'select text from note order by id' };
const withValue = { name: 'notes_after', sql: 'select text from note where id > $1', values: [v7({ msecs: 0 })] };
const planned = { sql: 'select text from note' };
const tenantOf = { sql: `select nullif(current_setting('app.tenant_id', true), '') as tenant` };

let orm: MikroORM;

beforeEach(async () => {
  const database = await noteDatabase();
  await database.orm.close();
  // One connection, which every tenant gets in turn.
  orm = createOrm({ databaseUrl: database.urls.appUrl, entities }, { pool: { min: 0, max: 1 } });
});
afterEach(() => orm.close());

type Step = (em: EntityManager, tenantId: string) => Promise<unknown>;

/** What a call may do on a connection before it returns it, successful or not. */
const steps: Record<string, Step> = {
  'a read that is planned once': (em) => readForTenant(em, byName),
  'a read with values': (em) => readForTenant(em, withValue),
  'a read with settings': (em) => readForTenant(em, planned, { enable_seqscan: 'off' }),
  'a read through the ORM': (em) => em.find(Note, {}),
  'a read that fails while it runs': (em) =>
    readForTenant(em, { name: 'fails', sql: 'select 1 / length(text || $1) - 1 / 0 from note', values: ['x'] }),
  'a read that can’t be planned': (em) => readForTenant(em, { name: 'missing', sql: 'select nothing from note' }),
  'a read with a value of a wrong type': (em) => readForTenant(em, { ...withValue, values: ['no uuid'] }),
  'a transaction that is rolled back': (em) =>
    em.transactional(async (transaction) => {
      await transaction.find(Note, {});
      throw new Error('no');
    }),
  'a transaction that an error has aborted': (em) =>
    em.transactional(async (transaction) => {
      await transaction.execute('select 1 / 0').catch(() => undefined);
      await transaction.find(Note, {});
    }),
  'a transaction that is left open': (em, tenantId) =>
    withConnection(em, (client) =>
      pipeline(client, [
        { sql: 'begin' },
        { sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId] },
        planned,
      ]),
    ),
  'a write in one round trip': (_, tenantId) => writeInStatements(orm, tenantId, { requestId: v7() }),
  'a write in several round trips': (_, tenantId) =>
    writeInStatements(orm, tenantId, { first: (transaction) => transaction.rows(planned) }),
  'a write in one round trip that fails': async (em, tenantId) => {
    const [note] = await em.find(Note, {}, { limit: 1 });
    await writeInStatements(orm, tenantId, { id: note?.id ?? v7() });
  },
  'a call whose client has gone': (em) => {
    const gone = new AbortController();
    const call = callContext.getStore();
    if (!call) throw new Error('A step runs in a call.');
    const read = callContext.run({ ...call, gone: gone.signal }, () =>
      readForTenant(em, { sql: 'select pg_sleep(60)' }),
    );
    gone.abort();
    return read;
  },
  'a connection that is lost': (em) => readForTenant(em, { sql: 'select pg_terminate_backend(pg_backend_pid())' }),
};

test('a connection shows each call only the rows of its tenant, whatever earlier calls left on it', async () => {
  const random = randomOf(printedSeed('tenant hand-over'));
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
  const tenants = await Promise.all([1, 2, 3].map((count) => tenantWithNotes(orm, count)));
  const names = Object.keys(steps);
  // Each step comes between each kind of read, with new and cached plans.
  const order = [...names, ...Array.from({ length: 60 }, () => pick(names))];

  for (const name of order) {
    const before = pick(tenants);
    await asTenant(orm, before, (em) => steps[name]!(em, before)).catch(() => undefined);

    for (const statement of [byName, withValue, planned]) {
      const tenantId = pick(tenants);
      const rows = await asTenant(orm, tenantId, (em) => readForTenant<{ text: string }>(em, statement));
      expect(rows.length, name).toBeGreaterThan(0);
      const foreign = rows.filter(({ text }) => text !== tenantId && text !== 'hello');
      expect(foreign, `${name}, then ${statement.sql}`).toEqual([]);
    }
    expect(await readForTenant(orm.em.fork(), pick([byName, planned])), name).toEqual([]);
    expect(
      await withConnection(orm.em.fork(), async (client) => (await pipeline(client, [tenantOf]))[0]?.rows),
      name,
    ).toEqual([{ tenant: null }]);
  }
});

test('a call reads as its tenant with and without use of the ORM', async () => {
  const [one, other] = [await tenantWithNotes(orm, 1), await tenantWithNotes(orm, 2)];
  const callerOf = (tenantId: string) => ({ tenantId, principalId: 'apiKey:test', permissions: [] });
  const texts = async (em: EntityManager) =>
    (await readForTenant<{ text: string }>(em, byName)).map(({ text }) => text);

  for (const [tenantId, count] of [
    [one, 1],
    [other, 2],
  ] as const) {
    const own = Array(count).fill(tenantId);
    expect(await answerCall(orm, callerOf(tenantId), texts)).toEqual(own);
    expect(
      await answerCall(orm, callerOf(tenantId), async (em) => {
        await em.find(Note, {});
        return texts(em);
      }),
    ).toEqual(own);
  }
  expect(await answerCall(orm, undefined, texts)).toEqual([]);
});

/** Park and Miller's generator: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
