import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import { provisionDatabase, type ProvisionedDatabase } from '@rapport/testing';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import { CreateIdempotencyKey, createOrm, IdempotencyKey, runMigrations, tenantSession } from '../src/index.js';
import { freeLostConnections } from '../src/free-lost-connections.js';
import { CreateNote, Note } from './note.entity.js';

// The tests lose connections on purpose.
Logger.overrideLogger(false);

export const entities = [IdempotencyKey, Note];
export const migrations = [CreateIdempotencyKey, CreateNote];

/** A new database without tables. */
export function emptyDatabase(): Promise<ProvisionedDatabase> {
  return provisionDatabase(inject('superuserUrl'), `notes_${randomBytes(6).toString('hex')}`);
}

/** A new database with the tables of `entities`, opened as the app role. `limits` take the place of the usual ones. */
export async function noteDatabase(
  limits: Record<string, number> = {},
): Promise<{ orm: MikroORM; urls: ProvisionedDatabase }> {
  const urls = await emptyDatabase();
  await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
  const driverOptions = { ...limits, connectionString: urls.appUrl, onPoolCreated: freeLostConnections };
  const isLimited = Object.keys(limits).length > 0;
  return { orm: createOrm({ databaseUrl: urls.appUrl, entities }, isLimited ? { driverOptions } : {}), urls };
}

/** Runs `work` as a call of `tenantId` would run. */
export function asTenant<Result>(
  orm: MikroORM,
  tenantId: string,
  work: (em: EntityManager) => Promise<Result>,
  principalId = 'apiKey:test',
): Promise<Result> {
  const caller = { tenantId, principalId, permissions: [] };
  return callContext.run({ requestId: v7(), caller }, () => work(orm.em.fork({ session: tenantSession(tenantId) })));
}
