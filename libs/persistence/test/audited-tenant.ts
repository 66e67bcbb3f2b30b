import { randomBytes } from 'node:crypto';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import {
  archiveAudits,
  AuditKeys,
  CreateAuditChain,
  createOrm,
  runMigrations,
  signAuditHeads,
  tenantSession,
  verifyAudit,
  type AuditCheck,
  type AuditPeriod,
  type AuditVerification,
} from '../src/index.js';
import { emptyDatabase, entities } from './note-database.js';

const tables = ['audit_chain', 'audit_entry', 'audit_head'];

/** A database with an audit, and a superuser's connection to it. */
export class AuditedDatabase {
  readonly keys = new AuditKeys('notes', randomBytes(32));

  private constructor(
    readonly orm: MikroORM,
    /** As its app role. */
    readonly url: string,
    readonly superuser: pg.Client,
  ) {}

  static async create(): Promise<AuditedDatabase> {
    const { ownerUrl, appUrl } = await emptyDatabase();
    await runMigrations({ databaseUrl: ownerUrl, entities, migrations: [CreateAuditChain] });
    const url = new URL(inject('superuserUrl'));
    url.pathname = new URL(ownerUrl).pathname;
    const superuser = new pg.Client(url.href);
    await superuser.connect();
    const orm = createOrm({ databaseUrl: appUrl, entities });
    return new AuditedDatabase(orm, appUrl, superuser);
  }

  async close(): Promise<void> {
    await this.superuser.end();
    await this.orm.close();
  }

  em(tenantId: string): EntityManager {
    return this.orm.em.fork({ session: tenantSession(tenantId) });
  }

  /** @returns the tenant of the chain */
  async chainOf(count: number, tenantId = v7()): Promise<string> {
    await this.superuser.query(
      `select append_audit_entries(array_agg(row($1, null, null, 'CHANGE', 'apiKey:1', 'api', 'r' || n, null,
         array['customer/' || n, 'customer/x'], array['UPDATE', null], array[n, null], '{"n":' || n || '}', null,
         null)::audit_entry))
       from generate_series(1, $2::int) n`,
      [tenantId, count],
    );
    return tenantId;
  }

  async signHeads(): Promise<void> {
    await signAuditHeads(this.orm.em.fork(), this.keys);
  }

  /** Saves the current state for `restore`. */
  async keep(): Promise<void> {
    for (const table of tables) await this.superuser.query(`create table kept_${table} as table ${table}`);
  }

  async restore(): Promise<void> {
    for (const table of tables) {
      await this.superuser.query(`truncate ${table}`);
      await this.superuser.query(`insert into ${table} table kept_${table}`);
    }
  }

  /** Lines of an archive of all tenants. */
  async archive(period: AuditPeriod): Promise<string[]> {
    let text = '';
    for await (const piece of archiveAudits({ databaseUrl: this.url, entities }, period)) text += piece;
    return text.split('\n').filter(Boolean);
  }

  verify(tenantId: string, check: Partial<AuditCheck> = {}): Promise<AuditVerification> {
    return verifyAudit(this.em(tenantId), tenantId, { keys: this.keys, ...check });
  }
}
