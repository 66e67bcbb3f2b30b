import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import { provisionDatabase, queryDatabase, startEmbeddedPostgres, type EmbeddedPostgres } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pool } from 'pg';
import { createOrm, DedicatedConnection, isConnectionLoss, runMigrations, tenantSession } from '../src/index.js';
import { sessionOptions } from '../src/create-orm.js';
import { stagePool } from '../src/driver/stage-pool.js';
import { entities, migrations } from './note-database.js';
import { count, writeInStatements, writeInUnit } from './note-writes.js';
import { Note } from './note.entity.js';

let folder: string;
/** A server of this file's own, which becomes a standby and a primary again. */
let server: EmbeddedPostgres;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-standby-'));
  server = await startEmbeddedPostgres({ dataDir: folder });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function becomeStandby(): Promise<void> {
  await server.kill('SIGINT');
  await writeFile(join(folder, 'cluster/standby.signal'), '');
  await server.start();
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a standby', () => {
  beforeAll(becomeStandby);
  afterAll(async () => {
    await queryDatabase(server.superuserUrl, 'select pg_promote()');
  });

  test('is refused by a pool: it counts as unreachable', async () => {
    const orm = createOrm({ databaseUrl: server.superuserUrl, entities });

    const failure = await failureOf(orm.em.fork().execute('select 1'));

    expect(failure).toBeInstanceOf(Error);
    expect(isConnectionLoss(failure)).toBe(true);
    await orm.close();
  });

  test('is refused by a dedicated connection', async () => {
    const connection = new DedicatedConnection(server.superuserUrl, 'to-a-standby');

    expect(isConnectionLoss(await failureOf(connection.query('select 1')))).toBe(true);

    await connection.close();
  });
});

describe('commits that wait for a standby that is away', () => {
  const pool = { size: 4, forWrites: 3 };
  let appUrl: string;
  let orm: MikroORM;

  beforeAll(async () => {
    const urls = await provisionDatabase(server.superuserUrl, 'notes');
    await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
    ({ appUrl } = urls);
  });
  beforeEach(async () => {
    orm = createOrm(
      { databaseUrl: appUrl, entities },
      {
        pool: { min: 0, max: pool.size },
        driverOptions: {
          ...{ connectionString: appUrl, options: sessionOptions },
          ...{ connectionTimeoutMillis: 500, query_timeout: 300, onPoolCreated: (made: Pool) => stagePool(made) },
        },
      },
    );
    await setStandbys('ANY 1 (*)');
    await reload();
    return async () => {
      await endOutage();
      await orm.close();
    };
  });

  async function setStandbys(names: string): Promise<void> {
    await queryDatabase(server.superuserUrl, `alter system set synchronous_standby_names = '${names}'`);
  }

  async function reload(): Promise<void> {
    await queryDatabase(server.superuserUrl, 'select pg_reload_conf()');
  }

  async function endOutage(): Promise<void> {
    await setStandbys('');
    await reload();
    await expect.poll(waiting).toBe(0);
  }

  /** What the backends of the service wait for. */
  async function backends(): Promise<(string | null)[]> {
    const sql = 'select wait_event from pg_stat_activity where usename = $1';
    const rows = await queryDatabase<{ wait_event: string | null }>(server.superuserUrl, sql, [
      new URL(appUrl).username,
    ]);
    return rows.map(({ wait_event }) => wait_event);
  }

  const waiting = async () => (await backends()).filter((event) => event === 'SyncRep').length;

  /** Runs as a call of a tenant of its own. */
  function inCall<Answer>(
    work: (tenantId: string) => Promise<Answer>,
    { gone = new AbortController().signal, isRead = false } = {},
  ): Promise<Answer> {
    const caller = { tenantId: v7(), principalId: 'apiKey:test', permissions: [] };
    return callContext.run({ requestId: v7(), caller, gone, isRead }, () => work(caller.tenantId));
  }

  const write = (gone?: AbortSignal) =>
    inCall((tenantId) => {
      const em = orm.em.fork({ session: tenantSession(tenantId) });
      return em.transactional((transaction) => transaction.insert(Note, { tenantId, id: v7(), text: 'late' }));
    }, gone && { gone });
  const read = () => inCall(() => orm.em.fork().execute('select 1'), { isRead: true });

  async function fill(): Promise<void> {
    const writes = Array.from({ length: pool.forWrites }, () => failureOf(write()));
    expect((await Promise.all(writes)).map(isConnectionLoss)).toEqual(writes.map(() => true));
  }

  test('keep their places after the end of their calls: no other connection replaces theirs', async () => {
    await fill();
    const gone = new AbortController();
    const late = Array.from({ length: 2 * pool.forWrites }, () => failureOf(write(gone.signal)));
    setTimeout(() => gone.abort(), 200);
    await Promise.all(late);
    await fill();

    expect(await waiting()).toBe(pool.forWrites);
    await Promise.all(Array.from({ length: 10 }, read));
    // One of the pool for reads, and one that asks for those that wait.
    expect((await backends()).length).toBeLessThanOrEqual(pool.size + 1);
  });

  test('of clients that have gone keep their places as well', async () => {
    const gone = new AbortController();
    const left = Array.from({ length: pool.forWrites }, () => failureOf(write(gone.signal)));
    await expect.poll(waiting).toBe(pool.forWrites);

    gone.abort();
    await Promise.all(left);
    await fill();

    expect(await waiting()).toBe(pool.forWrites);
  });

  test('free their places once a standby has answered', async () => {
    await fill();
    await endOutage();

    await expect.poll(() => failureOf(write())).toBeUndefined();
    await Promise.all(Array.from({ length: pool.forWrites }, () => write()));
  });

  test('free their places when their server has gone', async () => {
    await fill();
    await setStandbys('');

    await server.kill();
    await server.start();

    const writeAll = () => Promise.all(Array.from({ length: pool.forWrites }, () => write()));
    await expect.poll(() => failureOf(writeAll()), { timeout: 10_000 }).toBeUndefined();
  });

  test('do not hold up the end of the pool', async () => {
    await fill();

    await orm.close();

    expect(await waiting()).toBe(pool.forWrites);
    await expect.poll(async () => (await backends()).length).toBe(pool.forWrites);
  });
});

describe('a connection whose server has become read-only', () => {
  let orm: MikroORM;

  beforeAll(async () => {
    await queryDatabase(server.superuserUrl, 'alter role postgres set default_transaction_read_only = off');
  });
  beforeEach(async () => {
    await setDefault('off');
    const name = `notes_${v7().replaceAll('-', '')}`;
    const urls = await provisionDatabase(server.superuserUrl, name);
    await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
    orm = createOrm({ databaseUrl: urls.appUrl, entities });
    await orm.em.fork().execute('select 1');
    await refuseWrites(name);
    await expect.poll(isReadOnly).toBe('on');
    return () => orm.close();
  });

  /**
   * Open sessions refuse writes from now on, as those of a former primary do; new ones lead to a server that accepts
   * them.
   */
  async function refuseWrites(name: string): Promise<void> {
    await queryDatabase(server.superuserUrl, `alter role ${name}_app set default_transaction_read_only = off`);
    await setDefault('on');
  }

  async function setDefault(setting: 'on' | 'off'): Promise<void> {
    await queryDatabase(server.superuserUrl, `alter system set default_transaction_read_only = ${setting}`);
    await queryDatabase(server.superuserUrl, 'select pg_reload_conf()');
  }

  async function isReadOnly(): Promise<string | undefined> {
    const [row] = await orm.em
      .fork()
      .execute<{ setting: string }[]>(`select current_setting('default_transaction_read_only') as setting`);
    return row?.setting;
  }

  test.each([
    ['in one round trip', writeInStatements],
    ['in a unit of work', writeInUnit],
  ])('is closed, and a write with a key succeeds on another, %s', async (_name, write) => {
    const tenantId = v7();

    await write(orm, tenantId, { requestId: 'k' });

    expect(await count(orm, tenantId, Note)).toBe(1);
    expect(await isReadOnly()).toBe('off');
  });

  test.each([
    ['in one round trip', writeInStatements],
    ['in a unit of work', writeInUnit],
  ])('is closed with the failed write without a key, %s', async (_name, write) => {
    const tenantId = v7();

    const failure = await failureOf(write(orm, tenantId, {}));

    expect(isConnectionLoss(failure)).toBe(true);
    expect(await isReadOnly()).toBe('off');
    expect(await count(orm, tenantId, Note)).toBe(0);
  });
});
