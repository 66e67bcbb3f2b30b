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
