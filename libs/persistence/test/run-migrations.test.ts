import { Migration } from '@mikro-orm/migrations';
import { provisionDatabase, startEmbeddedPostgres } from '@rapport/testing';
import { expect, test } from 'vitest';
import { CreateIdempotencyKey, createOrm, databaseChecks, runMigrations, schemaDifference } from '../src/index.js';
import { emptyDatabase, entities, migrations, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

test('concurrent runners run each migration once', async () => {
  const { ownerUrl } = await emptyDatabase();

  const runs = await Promise.all(
    Array.from({ length: 4 }, () => runMigrations({ databaseUrl: ownerUrl, entities, migrations })),
  );

  expect(runs.flat()).toEqual(['create-idempotency-key', 'create-refusal', 'create-note']);
});

/** Waits for the end of every older snapshot of the database. */
class IndexNotes extends Migration {
  override name = 'index-notes';

  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('set lock_timeout = 0');
    this.addSql('create index concurrently note_by_text on note (tenant_id, text)');
    this.addSql('reset lock_timeout');
  }
}

test('a runner that waits for its turn does not hold up an index that the other builds', async () => {
  const { ownerUrl } = await emptyDatabase();

  const runs = await Promise.all(
    Array.from({ length: 3 }, () =>
      runMigrations({ databaseUrl: ownerUrl, entities, migrations: [...migrations, IndexNotes] }),
    ),
  );

  expect(runs.flat()).toEqual(['create-idempotency-key', 'create-refusal', 'create-note', 'index-notes']);
});

test('a runner waits for a server that does not answer yet, and says so once', async () => {
  const server = await startEmbeddedPostgres();
  try {
    const { ownerUrl } = await provisionDatabase(server.superuserUrl, 'notes');
    await server.kill('SIGINT');
    const unreachable: unknown[] = [];
    const running = runMigrations({
      ...{ databaseUrl: ownerUrl, entities, migrations },
      onUnreachable: (error) => unreachable.push(error),
    });
    await expect.poll(() => unreachable).toHaveLength(1);
    await server.start();

    expect(await running).toHaveLength(migrations.length);
    expect(unreachable).toHaveLength(1);
  } finally {
    await server.stop();
  }
});

test('the app role is ready once every migration of the release has run', async () => {
  const { ownerUrl, appUrl } = await emptyDatabase();
  await runMigrations({ databaseUrl: ownerUrl, entities, migrations: [CreateIdempotencyKey] });
  const orm = createOrm({ databaseUrl: appUrl, entities });
  const checks = databaseChecks(orm.em, migrations);

  await expect(checks.database()).resolves.toBeDefined();
  await expect(checks.migrations()).rejects.toThrow('The database lacks create-refusal, create-note.');
  await runMigrations({ databaseUrl: ownerUrl, entities, migrations });
  await expect(checks.migrations()).resolves.toBeUndefined();

  await orm.close();
});

test('schemaDifference finds what the entities do not describe', async () => {
  const { orm, urls } = await noteDatabase();
  await orm.close();

  expect(await schemaDifference({ databaseUrl: urls.ownerUrl, entities })).toBe('');
  expect(await schemaDifference({ databaseUrl: urls.ownerUrl, entities: [Note] })).toContain('idempotency_key');
});
