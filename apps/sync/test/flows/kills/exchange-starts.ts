import { randomUUID } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner, PrincipalVerifier } from '@rapport/contracts';
import { ConnectorEffect } from '../../../src/flows/effects/connector-effect.js';
import type { EffectCall } from '../../../src/flows/effects/effect-port.js';
import { createRun } from '../../../src/serve/runs/create-run.js';
import { JobQueue } from '../../../src/storage/job-queue.js';
import { until } from '../../until.ts';
import { allPermissions } from '../effect-bench.ts';
import type { FlowEngine } from '../engine/flow-engine.ts';

/** A mapping in the database of an engine, whose exchanges steps `connector` start. They are queued, and nothing runs them. */
export class ExchangeStarts {
  readonly mappingId = randomUUID();

  private constructor(
    private readonly engine: FlowEngine,
    private readonly jobs: JobQueue,
    private readonly signer: PrincipalSigner,
  ) {}

  static async in(engine: FlowEngine, tenantId = engine.tenantId): Promise<ExchangeStarts> {
    const jobs = new JobQueue(engine.urls.appUrl, () => new Promise(() => undefined));
    const starts = new ExchangeStarts(engine, jobs, await PrincipalSigner.of());
    const row = { tenant_id: tenantId, version: 1, create_time: 'now', update_time: 'now', state: 'ENABLED' };
    const connection = {
      ...{ ...row, id: randomUUID(), connector: 'sql', display_name: 'ERP', settings: {}, sealed_secrets: '\\x' },
      ...{ secret_names: [], poll_seconds: 86_400, principal_id: 'user:1', created_by: 'user:1' },
    };
    const mapping = {
      ...{ ...row, id: starts.mappingId, connection_id: connection.id, object: 'deals', record_type: 'deals' },
      ...{ fields: [], direction: 'BOTH', policy: 'NEWEST', delete_policy: 'KEEP', max_deletes: 1, defaults: {} },
      ...{ match_fields: [], sealed_fingerprint_key: '\\x' },
    };
    for (const [table, values] of Object.entries({ connection, mapping })) {
      await engine.query(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`, [
        JSON.stringify(values),
      ]);
    }
    return starts;
  }

  /** The effect of steps `connector` on the connections of a process. */
  effect(orm: MikroORM): ConnectorEffect {
    const { engine, jobs, signer } = this;
    const tokens = {
      of: (tenantId: string, principalId: string) =>
        Promise.resolve(signer.sign({ tenantId, principalId, permissions: allPermissions })),
    };
    const principals = new PrincipalVerifier(signer.publicKeys);
    const { envelope } = engine.parts;
    return new ConnectorEffect({ orm, jobs, starter: { create: createRun }, envelope, tokens, principals });
  }

  /** Waits until runs can be queued. */
  async open(): Promise<void> {
    this.jobs.onApplicationBootstrap();
    const queued = `select from pgboss.queue where name = 'sync-run'`;
    await until(async () => (await this.engine.query(queued)).length > 0);
  }

  /** Ids of the exchanges that were started. */
  async ids(): Promise<string[]> {
    const rows = await this.engine.query<{ id: string }>('select id from sync_run where mapping_id = $1', [
      this.mappingId,
    ]);
    return rows.map(({ id }) => id);
  }

  /** Repeats a step a month after it was performed. @returns the exchange that it names */
  async repeat(call: EffectCall): Promise<unknown> {
    await this.engine.query(`update idempotency_key set create_time = create_time - interval '30 days'`);
    return (await this.effect(this.engine.orm).perform(call)).output['syncRunId'];
  }

  stop(): Promise<void> {
    return this.jobs.onModuleDestroy();
  }
}
