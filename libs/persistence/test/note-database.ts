import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { callContext, type CallCause, type Caller } from '@rapport/platform';
import { DatabaseCopies, provisionDatabase, type ProvisionedDatabase } from '@rapport/testing';
import type { Pool } from 'pg';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import {
  CreateIdempotencyKey,
  createOrm,
  CreateRefusal,
  IdempotencyKey,
  inTenantSession,
  runMigrations,
  tenantSession,
} from '../src/index.js';
import { stagePool } from '../src/driver/stage-pool.js';
import { CreateNote, Note } from './note.entity.js';

// The tests lose connections on purpose.
Logger.overrideLogger(false);

export const entities = [IdempotencyKey, Note];
export const migrations = [CreateIdempotencyKey, CreateRefusal, CreateNote];

/** A new database without tables. */
export function emptyDatabase(): Promise<ProvisionedDatabase> {
  return provisionDatabase(inject('superuserUrl'), `notes_${randomBytes(6).toString('hex')}`);
}

const copies = new DatabaseCopies('notes', ({ ownerUrl }) => migrate(ownerUrl));

function migrate(ownerUrl: string): Promise<unknown> {
  return runMigrations({ databaseUrl: ownerUrl, entities, migrations });
}

/** A new database with the tables of `entities` and roles of its own. */
export async function databaseWithOwnRoles(): Promise<ProvisionedDatabase> {
  const urls = await emptyDatabase();
  await migrate(urls.ownerUrl);
  return urls;
}

/** A new database with the tables of `entities`, opened as the app role. `limits` override the defaults. */
export async function noteDatabase(
  limits: Record<string, number> = {},
): Promise<{ orm: MikroORM; urls: ProvisionedDatabase }> {
  const urls = await copies.next(inject('superuserUrl'));
  const driverOptions = { ...limits, connectionString: urls.appUrl, onPoolCreated: (pool: Pool) => stagePool(pool) };
  const isLimited = Object.keys(limits).length > 0;
  return { orm: createOrm({ databaseUrl: urls.appUrl, entities }, isLimited ? { driverOptions } : {}), urls };
}

/** Runs `work` as a call of `tenantId`. */
export function asTenant<Result>(
  orm: MikroORM,
  tenantId: string,
  work: (em: EntityManager) => Promise<Result>,
  principalId = 'apiKey:test',
  cause?: CallCause,
): Promise<Result> {
  const caller = { tenantId, principalId, permissions: [] };
  return callContext.run({ requestId: v7(), caller, ...(cause && { cause }) }, () =>
    work(orm.em.fork({ session: tenantSession(tenantId) })),
  );
}

/** Runs `handler` as a call of `caller`, with the EntityManager that constructors get. */
export function answerCall<Result>(
  orm: MikroORM,
  caller: Caller | undefined,
  handler: (em: EntityManager) => Promise<Result>,
): Promise<Result> {
  return callContext.run({ requestId: v7(), caller }, () => inTenantSession(orm.em, () => handler(orm.em)));
}

/** A new tenant with this number of notes, each with its id as text. */
export async function tenantWithNotes(orm: MikroORM, count: number): Promise<string> {
  const tenantId = v7();
  const notes = Array.from({ length: count }, () => ({ tenantId, id: v7(), text: tenantId }));
  await asTenant(orm, tenantId, (em) => em.insertMany(Note, notes));
  return tenantId;
}
