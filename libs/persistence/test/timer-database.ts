import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Migration } from '@mikro-orm/migrations';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { DatabaseCopies, type ProvisionedDatabase } from '@rapport/testing';
import pg from 'pg';
import { inject } from 'vitest';
import {
  createOrm,
  CreateTimer,
  IdempotencyKey,
  runMigrations,
  setTimer,
  tenantSession,
  type TimerRequest,
} from '../src/index.js';
import { CreateIdempotencyKey } from '../src/migrations/create-idempotency-key.migration.js';

// Handlers fail on purpose.
Logger.overrideLogger(false);

/** What handlers did: a row each time. */
class CreateEffect extends Migration {
  override name = 'create-effect';

  override up(): void {
    this.addSql(`
      create table effect (
        tenant_id uuid not null,
        number bigint not null generated always as identity,
        record_id uuid not null,
        due_time timestamptz(3) not null,
        late_seconds float8 not null,
        primary key (tenant_id, number)
      );
      alter table effect enable row level security;
      alter table effect force row level security;
      create policy tenant_isolation on effect
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}

const migrations = [CreateIdempotencyKey, CreateTimer, CreateEffect];
const copies = new DatabaseCopies(`timers_${randomBytes(4).toString('hex')}`, ({ ownerUrl }) =>
  runMigrations({ databaseUrl: ownerUrl, entities: [IdempotencyKey], migrations }),
);

/** A new database with timers, opened as the app role. */
export async function timerDatabase(): Promise<TimerDatabase> {
  const urls = await copies.next(inject('superuserUrl'));
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  const superuser = new pg.Client({
    connectionString: Object.assign(new URL(inject('superuserUrl')), { pathname: new URL(urls.appUrl).pathname }).href,
  });
  await superuser.connect();
  return new TimerDatabase(urls, createOrm({ databaseUrl: urls.appUrl, entities: [IdempotencyKey] }), owner, superuser);
}

export class TimerDatabase {
  readonly urls: ProvisionedDatabase;
  readonly orm: MikroORM;
  readonly #owner: pg.Client;
  readonly superuser: pg.Client;

  constructor(urls: ProvisionedDatabase, orm: MikroORM, owner: pg.Client, superuser: pg.Client) {
    this.urls = urls;
    this.orm = orm;
    this.#owner = owner;
    this.superuser = superuser;
  }

  set(request: TimerRequest): Promise<void> {
    return this.inTenant(request.tenantId, (em) => setTimer(em, request));
  }

  inTenant<Result>(tenantId: string, work: (em: EntityManager) => Promise<Result>): Promise<Result> {
    return this.orm.em.fork({ session: tenantSession(tenantId) }).transactional(work);
  }

  /** Moves the clock of the database. */
  async shift(seconds: number): Promise<void> {
    await this.#owner.query('begin');
    await this.#owner.query('delete from clock_shift');
    await this.#owner.query('insert into clock_shift values (make_interval(secs => $1))', [seconds]);
    await this.#owner.query('commit');
  }

  async rows<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.superuser.query<Row>(sql, values)).rows;
  }

  async close(): Promise<void> {
    await this.orm.close(true);
    await this.#owner.end();
    await this.superuser.end();
  }
}

/** Records that it ran. */
export async function recordEffect(
  em: EntityManager,
  { tenantId, recordId, dueTime }: Pick<TimerRequest, 'tenantId' | 'recordId' | 'dueTime'>,
): Promise<void> {
  await em.execute(
    `insert into effect (tenant_id, record_id, due_time, late_seconds)
     values (?, ?, ?, extract(epoch from rapport_clock() - ?::timestamptz))`,
    [tenantId, recordId, dueTime.toISOString(), dueTime.toISOString()],
  );
}
