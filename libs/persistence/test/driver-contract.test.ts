import type { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOrm, withConnection } from '../src/index.js';
import { emptyDatabase, entities } from './note-database.js';

// What src/driver assumes of libraries beyond their types. A failure here shows that a new release has changed it.

let databaseUrl: string;
let orm: MikroORM;

beforeAll(async () => {
  databaseUrl = (await emptyDatabase()).appUrl;
  orm = createOrm({ databaseUrl, entities });
});
afterAll(() => orm.close());

describe('pg', () => {
  test('exports the value serializer and the result class that its queries use', () => {
    const { utils, Result } = pg as unknown as {
      utils: { prepareValue: (value: unknown) => unknown };
      Result: new (mode: string, types: unknown) => Record<string, unknown>;
    };
    const result = new Result('', pg.types);
    (result['addCommandComplete'] as (message: unknown) => void)({ text: 'INSERT 0 3' });

    expect(utils.prepareValue(['a', null])).toBe('{"a",NULL}');
    expect(result).toMatchObject({ command: 'INSERT', rowCount: 3, rows: [], fields: [] });
  });

  test('drives an object with a submit method, passes it each message, and tracks prepared statements by name', async () => {
    await withConnection(orm.em.fork(), async (client) => {
      const seen: string[] = [];
      const connection = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const driven = {
          name: 'contract',
          text: 'select $1::int as one',
          callback: (error: Error | null) => error && reject(error),
          submit: (server: Record<string, (message?: unknown) => void>) => {
            server['parse']!({ name: 'contract', text: 'select $1::int as one' });
            (server['submittedNamedStatements'] as unknown as Record<string, string>)['contract'] =
              'select $1::int as one';
            server['bind']!({ statement: 'contract', values: ['7'] });
            server['describe']!({ type: 'P', name: '' });
            server['execute']!({ portal: '', rows: 0 });
            server['sync']!();
            return null;
          },
          handleRowDescription: ({ fields }: { fields: { name: string }[] }) => seen.push(`fields ${fields[0]?.name}`),
          handleDataRow: ({ fields }: { fields: string[] }) => seen.push(`row ${fields[0]}`),
          handleCommandComplete: ({ text }: { text: string }) => seen.push(text),
          handleReadyForQuery: (server: Record<string, unknown>) => resolve(server),
          handleError: (error: Error) => reject(error),
        };
        client.query(driven as never);
      });

      expect(seen).toEqual(['fields one', 'row 7', 'SELECT 1']);
      expect(connection['parsedStatements']).toMatchObject({ contract: 'select $1::int as one' });
    });
  });

  test('emits the server’s messages on the connection of a client', async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    const seen: unknown[] = [];
    connection.on('commandComplete', ({ text }: { text: string }) => seen.push(text));
    connection.on('readyForQuery', ({ status }: { status: string }) => seen.push(status));

    await client.query('begin');
    await client.query('select 1');
    await client.end();

    expect(seen).toEqual(['BEGIN', 'T', 'SELECT 1', 'T']);
  });

  test('knows the backend of a client, and is not ready for a query while the server may run one', async () => {
    const client = new pg.Client({ connectionString: databaseUrl, query_timeout: 100 });
    await client.connect();
    const backend = client as unknown as { processID: number; readyForQuery: boolean };
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    expect(backend).toMatchObject({ processID: rows[0]?.pid, readyForQuery: true });

    await expect(client.query('select pg_sleep(30)')).rejects.toThrow(/^Query read timeout/);

    expect(backend.readyForQuery).toBe(false);
    await client.end();
    expect(backend.readyForQuery).toBe(false);
  });

  test('gives a pooled client a new release function each time, and rejects a second release', async () => {
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    const first = await pool.connect();
    const release = first.release.bind(first);
    release();
    const second = await pool.connect();

    expect(second).toBe(first);
    expect(() => release()).toThrow(/already been released/);
    second.release();
    await pool.end();
  });
});

describe('Kysely', () => {
  test('passes the text of a query to the client of its transaction unchanged', async () => {
    const text = await orm.em.fork().transactional(async (em) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const driven = {
        callback: () => undefined,
        submit: () => {
          resolve(driven);
          return new Error('seen');
        },
        handleError: (error: Error) => void error,
      };
      const kysely = em.getKysely();
      const compiled = { sql: driven, parameters: [] } as unknown as Parameters<typeof kysely.executeQuery>[0];
      void kysely.executeQuery(compiled).catch(() => undefined);
      return (await promise) === driven;
    });

    expect(text).toBe(true);
  });
});

describe('MikroORM', () => {
  test('asks its option "context" for the EntityManager that the global one resolves to', () => {
    expect(orm.config.get('context')('default')).toBeUndefined();
    expect(() => orm.em.getContext()).toThrow(/global EntityManager/);
  });
});
