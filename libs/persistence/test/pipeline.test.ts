import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isConnectionLoss, pipeline, readForTenant, withConnection, type Statement } from '../src/index.js';
import { asTenant, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

function run(statements: Statement[], em: EntityManager = orm.em): Promise<unknown[]> {
  return withConnection(em, async (client) => (await pipeline(client, statements)).map(({ rows }): unknown => rows));
}

const tenantOf = { sql: `select nullif(current_setting('app.tenant_id', true), '') as tenant` };

describe('pipeline', () => {
  test('returns rows and row count of each statement, in order', async () => {
    const results = await withConnection(orm.em, (client) =>
      pipeline(client, [
        { sql: 'create temporary table number (value int) on commit drop' },
        { sql: 'insert into number select generate_series(1, $1::int)', values: [3] },
        { sql: 'select value from number order by value', name: 'numbers' },
        { sql: '' },
        { sql: 'delete from number where value > $1', values: [1] },
      ]),
    );

    expect(results.map(({ command, rowCount }) => [command, rowCount])).toEqual([
      ['CREATE', null],
      ['INSERT', 3],
      ['SELECT', 3],
      [null, null],
      ['DELETE', 2],
    ]);
    expect(results[2]?.rows).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
  });

  test('keeps statements apart whose names are equal in the 63 bytes that PostgreSQL reads', async () => {
    const name = 'a_name_that_ends_with_its_kind_'.repeat(2);
    const statements = ['one', 'other'].map((kind) => ({ name: `${name}_${kind}`, sql: `select '${kind}' as kind` }));
    const results = await withConnection(orm.em, async (client) => [
      await pipeline(client, statements),
      await pipeline(client, statements),
    ]);

    const kinds = [[{ kind: 'one' }], [{ kind: 'other' }]];
    expect(results.map((each) => each.map(({ rows }): unknown => rows))).toEqual([kinds, kinds]);
  });

  test('sends all statements before it reads a result, and syncs once', async () => {
    const sent = await withConnection(orm.em, async (client) => {
      const { connection } = client as unknown as { connection: { stream: NodeJS.WritableStream; sync(): void } };
      const sync = connection.sync.bind(connection);
      let syncs = 0;
      connection.sync = () => {
        syncs += 1;
        sync();
      };
      const answer = pipeline(client, [{ sql: 'select 1' }, { sql: 'select 2' }, { sql: 'select 3' }]);
      const before = syncs;
      await answer;
      connection.sync = sync;
      return { before, after: syncs };
    });

    expect(sent).toEqual({ before: 1, after: 1 });
  });

  test('parses values like a query of the same connection', async () => {
    const sql = `select $1::int as int, $2::bigint as bigint, $3::numeric as numeric, $4::bool as bool, $5::text as text,
      $6::jsonb as jsonb, $7::timestamptz as timestamptz, $8::date as date, $9::uuid as uuid, $10::bytea as bytea,
      $11::text[] as texts, $12::uuid[] as uuids, $13::text as missing, $14::float8 as float8,
      '{}'::text[] as no_texts, '{a,b c}'::text[] as plain_texts, '{NULL,x}'::text[] as null_text, '{{a},{b}}'::text[] as deep,
      '[]'::jsonb as no_items, '{}'::json as nothing, 'null'::jsonb as json_null`;
    const id = v7();
    const values = [
      ...[7, '9007199254740993', '1.50', true, 'ä"\\', { a: [1] }, new Date(0), '2024-02-29', id],
      ...[Buffer.from([0, 255]), ['a,"b', 'null', '\\n'], [id], null, 0.1],
    ];

    const [piped, queried] = await withConnection(orm.em, async (client) => [
      [
        await pipeline(client, [{ sql, values, name: 'all' }]),
        await pipeline(client, [{ sql, values, name: 'all' }]),
      ].map(([result]): unknown => result?.rows),
      (await client.query(sql, values)).rows,
    ]);

    // The second time they are not described.
    expect(piped).toEqual([queried, queried]);
    expect(queried).toHaveLength(1);
  });

  test('is one transaction: a failure undoes the statements before it', async () => {
    const tenantId = v7();
    const insert = { sql: 'insert into note values ($1, $2, $3)', values: [tenantId, v7(), 'first'] };
    const set = { sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId] };

    await expect(run([set, insert, { sql: 'select 1/0' }])).rejects.toMatchObject({ code: '22012' });

    expect(await asTenant(orm, tenantId, (em) => em.find(Note, {}))).toEqual([]);
  });

  test('reports the failed statement and its error, and leaves the connection usable', async () => {
    const tenantId = v7();
    const insert = { sql: 'insert into note values ($1, $2, $3)', values: [tenantId, v7(), 'twice'], name: 'insert' };
    const set = { sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId], name: 'set' };

    await withConnection(orm.em, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      await expect(
        pipeline(client, [set, insert, insert, { sql: 'select 7 as seven', name: 'late' }]),
      ).rejects.toMatchObject({ statement: 2, code: '23505', constraint: 'note_pkey', table: 'note' });
      expect(client.getTransactionStatus()).toBe('I');
      // The skipped statement is prepared now, and the others are still prepared.
      const [, , again] = await pipeline(client, [set, insert, { sql: 'select 7 as seven', name: 'late' }]);
      expect(again?.rows).toEqual([{ seven: 7 }]);
      expect((await client.query('select pg_backend_pid() as pid')).rows).toEqual(rows);
    });
  });

  test('prepares a named statement once per connection, and identifies it by its text', async () => {
    await withConnection(orm.em, async (client) => {
      const add = { sql: 'select $1::int + 1 as sum', name: 'add_one' };
      await pipeline(client, [
        { ...add, values: [1] },
        { ...add, values: [2] },
      ]);
      const [third] = await pipeline(client, [{ ...add, values: [3] }]);
      const { rows } = await client.query(
        `select count(*)::int as count from pg_prepared_statements where name = 'add_one'`,
      );
      expect(third?.rows).toEqual([{ sum: 4 }]);
      expect(rows).toEqual([{ count: 1 }]);

      await expect(pipeline(client, [{ sql: 'select 2', name: 'add_one' }])).rejects.toThrow('add_one');
      expect((await pipeline(client, [{ ...add, values: [4] }]))[0]?.rows).toEqual([{ sum: 5 }]);
    });
  });

  test('refuses a second text of a statement name on every connection', async () => {
    const one = { sql: 'select 1 as number', name: 'name_of_two_texts' };
    const texts = () => withConnection(orm.em, (client) => pipeline(client, [{ ...one, sql: 'select 2 as number' }]));
    await withConnection(orm.em, async (client) => {
      await pipeline(client, [one]);
      // While this connection is taken, the other statement gets another one.
      await expect(texts()).rejects.toThrow('name_of_two_texts');
    });
  });

  test('refuses a value that can’t be serialized before it sends anything', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await withConnection(orm.em, async (client) => {
      await expect(pipeline(client, [{ sql: 'select $1::jsonb', values: [circular] }])).rejects.toThrow(/circular/);
      expect((await pipeline(client, [{ sql: 'select 1 as one' }]))[0]?.rows).toEqual([{ one: 1 }]);
    });
  });

  test('continues an open transaction, and ends it on COMMIT', async () => {
    const tenantId = v7();
    const set = { sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId] };
    const insert = { sql: 'insert into note values ($1, $2, $3)', values: [tenantId, v7(), 'kept'] };

    await withConnection(orm.em, async (client) => {
      await pipeline(client, [{ sql: 'begin' }, set]);
      expect(client.getTransactionStatus()).toBe('T');
      await pipeline(client, [insert, { sql: 'commit' }]);
    });

    expect(await asTenant(orm, tenantId, (em) => em.find(Note, {}))).toMatchObject([{ text: 'kept' }]);
  });

  test.each([
    ['the server ends', 'select pg_terminate_backend(pg_backend_pid())'],
    ['times out', 'select pg_sleep(30)'],
  ])('rejects on a connection that %s, and the pool gets it back', async (_name, sql) => {
    const { orm: impatient } = await noteDatabase({ query_timeout: 300, connectionTimeoutMillis: 1_000 });
    const losses = Array.from({ length: 25 }, () => run([tenantOf, { sql }, tenantOf], impatient.em));
    const reasons = (await Promise.allSettled(losses)).map((loss) =>
      loss.status === 'rejected' ? (loss.reason as unknown) : loss,
    );

    expect(reasons.map(isConnectionLoss)).toEqual(Array(25).fill(true));
    expect(await run([{ sql: 'select 1 as one' }], impatient.em)).toEqual([[{ one: 1 }]]);
    // Would hang while a connection is missing from the pool.
    await impatient.close();
  });
});

describe('withConnection', () => {
  test('rolls back the open transaction of failed work', async () => {
    const tenantId = v7();
    const set = { sql: `select set_config('app.tenant_id', $1, true)`, values: [tenantId] };
    const insert = { sql: 'insert into note values ($1, $2, $3)', values: [tenantId, v7(), 'lost'] };

    await expect(run([{ sql: 'begin' }, set, insert, { sql: 'select 1/0' }])).rejects.toMatchObject({ statement: 3 });
    await expect(run([{ sql: 'begin' }, set, insert])).rejects.toThrow('left open');

    expect(await Promise.all(Array.from({ length: 40 }, () => run([tenantOf])))).toEqual(
      Array(40).fill([[{ tenant: null }]]),
    );
    expect(await asTenant(orm, tenantId, (em) => em.find(Note, {}))).toEqual([]);
  });
});

describe('readForTenant', () => {
  test('applies settings to its statement only', async () => {
    const setting = { sql: `select current_setting('enable_sort') as sort` };
    const [set] = await asTenant(orm, v7(), (em) => readForTenant(em, setting, { enable_sort: 'off' }));

    expect(set).toEqual({ sort: 'off' });
    expect(await Promise.all(Array.from({ length: 40 }, () => run([setting])))).toEqual(
      Array(40).fill([[{ sort: 'on' }]]),
    );
  });
});
