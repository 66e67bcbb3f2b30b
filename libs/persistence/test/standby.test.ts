import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import { provisionDatabase, queryDatabase, startEmbeddedPostgres, type EmbeddedPostgres } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOrm, DedicatedConnection, isConnectionLoss, runMigrations } from '../src/index.js';
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
