import { randomBytes } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { createOrm, withConnection } from '@rapport/persistence';
import { MasterKeys } from '@rapport/platform';
import type { ProvisionedDatabase } from '@rapport/testing';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { inject } from 'vitest';
import { entities } from '../../../src/database.js';
import { noteFlowChange } from '../../../src/flows/definitions/active-flows.js';
import { definitionJson, readDefinition, type DefinitionJson } from '../../../src/flows/definitions/definition-json.js';
import type {
  EffectCall,
  EffectOutcome,
  EffectPort,
  Json,
  JsonObject,
} from '../../../src/flows/effects/effect-port.js';
import { Expressions } from '../../../src/flows/interpreter/expressions.js';
import type { NewRun, StartOutcome } from '../../../src/flows/runs/new-run.js';
import { startRuns } from '../../../src/flows/runs/start-runs.js';
import type { EngineParts } from '../../../src/flows/worker/engine-parts.js';
import { FlowWorker } from '../../../src/flows/worker/flow-worker.js';
import { storedVersions } from '../../../src/flows/worker/stored-versions.js';
import { SecretEnvelope } from '../../../src/storage/secret-envelope.js';
import { askDatabase } from '../../ask-database.ts';
import { createSyncDatabase } from '../../sync-databases.ts';

/** Has no effect but its own list, as other systems do that tell calls apart by their keys. */
export class RecordingPort implements EffectPort {
  readonly effects = new Map<string, EffectCall>();
  readonly undone: string[] = [];
  /** Effect keys of what was undone, in order. */
  readonly undoneKeys: string[] = [];
  /** What a call does before it has its effect. */
  before: (call: EffectCall) => Promise<void> | void = () => undefined;
  after: (call: EffectCall) => Promise<void> | void = () => undefined;
  calls = 0;

  async perform(call: EffectCall): Promise<EffectOutcome> {
    this.calls += 1;
    await this.before(call);
    if (!this.effects.has(call.effectKey)) this.effects.set(call.effectKey, call);
    await this.after(call);
    return {
      output: { id: call.effectKey, ...call.input },
      undo: { key: call.effectKey },
    };
  }

  async undo(call: EffectCall): Promise<void> {
    await this.before(call);
    this.undone.push(call.path);
    this.undoneKeys.push(call.effectKey);
  }
}

/** A definition in JSON, as the API takes it. */
export type Definition = { trigger?: object; steps: object[] } & DefinitionJson;

/** The engine on a database of its own. */
export class FlowEngine {
  readonly port: RecordingPort;
  readonly opened: { runId: string; path: string }[] = [];
  worker: FlowWorker | undefined;

  private constructor(
    readonly urls: ProvisionedDatabase,
    readonly orm: MikroORM,
    readonly parts: EngineParts,
    readonly tenantId: string,
  ) {
    this.port = parts.port as RecordingPort;
  }

  static async start(database?: ProvisionedDatabase): Promise<FlowEngine> {
    const urls = database ?? (await createSyncDatabase());
    const orm = createOrm({ databaseUrl: urls.appUrl, entities });
    const envelope = new SecretEnvelope(new MasterKeys(randomBytes(32)));
    const parts: EngineParts = {
      ...{ envelope, port: new RecordingPort(), versions: storedVersions },
      resolve: (step, evaluate) => resolveAll(step.create?.fields ?? [], evaluate),
      clock: {
        due: ({ from, seconds }) => Promise.resolve(new Date(Date.parse(from) + seconds * 1_000).toISOString()),
      },
      gate: { reasonOf: () => Promise.resolve(undefined) },
      hooks: {
        openApprovals: () => Promise.resolve(),
        closeApprovals: () => Promise.resolve(),
      },
    };
    return new FlowEngine(urls, orm, parts, uuidv7());
  }

  /** @param leaseMs short, so that another worker soon takes what a stopped one has left */
  work(leaseMs = 60_000): FlowWorker {
    this.worker = new FlowWorker(this.orm, this.parts, { leaseMs, pollMs: 250 });
    this.worker.onApplicationBootstrap();
    return this.worker;
  }

  async stop(): Promise<void> {
    await this.worker?.onModuleDestroy();
    await this.orm.close();
  }

  /** Publishes a flow. */
  async flow(key: string, wanted: Definition, more: { tenantId?: string; version?: number; id?: string } = {}) {
    const { tenantId = this.tenantId, version = 1, id = uuidv7() } = more;
    const definition = readDefinition({ trigger: { manual: {} }, ...wanted });
    const json = JSON.stringify(definitionJson(definition));
    await this.transaction(async (client) => {
      await client.query(
        `insert into flow (tenant_id, id, key, name, state, definition, checksum, active_version, published_by, version,
           create_time, update_time, created_by, updated_by)
         values ($1, $2, $3, $3, 'ACTIVE', $4, '', $5, 'user:1', 1, now(), now(), 'user:1', 'user:1')
         on conflict (tenant_id, id) do update set definition = $4, active_version = $5`,
        [tenantId, id, key, json, version],
      );
      await client.query(`insert into flow_version values ($1, $2, $3, $4, '', 'user:1', now())`, [
        tenantId,
        id,
        version,
        json,
      ]);
      const { sql, values = [] } = noteFlowChange(tenantId);
      await client.query(sql, [...values]);
    }, tenantId);
    return { tenantId, flowId: id, version, definition };
  }

  newRun(
    flow: {
      tenantId: string;
      flowId: string;
      version: number;
      definition: FlowDefinition;
    },
    more: Partial<NewRun> = {},
  ): NewRun {
    const cause = {
      kind: 'MANUAL',
      principalId: 'user:1',
      time: new Date().toISOString(),
    } as const;
    return {
      ...flow,
      principalId: 'user:1',
      cause,
      hop: 0,
      chain: [],
      values: { input: {} },
      ...more,
    };
  }

  async begin(runs: readonly NewRun[]): Promise<StartOutcome[]> {
    const [first] = runs;
    const expressions = new Expressions(storedVersions.typed(first!.definition));
    const outcomes = await this.transaction(
      (client) => startRuns(client, { ...this.parts, expressions }, runs),
      first!.tenantId,
    );
    this.worker?.wake();
    return outcomes;
  }

  /** @returns the id of the run */
  async run(...[flow, more]: Parameters<FlowEngine['newRun']>): Promise<string> {
    const [outcome] = await this.begin([this.newRun(flow, more)]);
    if (!outcome || !('runId' in outcome)) throw new Error(JSON.stringify(outcome));
    return outcome.runId;
  }

  transaction<Answer>(work: (client: ClientBase) => Promise<Answer>, tenantId = this.tenantId): Promise<Answer> {
    return withConnection(this.orm.em.fork(), async (client) => {
      await client.query('begin');
      await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
      const answer = await work(client);
      await client.query('commit');
      return answer;
    });
  }

  /** Asks the database past everything. */
  query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const url = new URL(inject('superuserUrl'));
    url.pathname = new URL(this.urls.ownerUrl).pathname;
    return askDatabase<Row>(url.href, sql, values);
  }

  async stateOf(runId: string): Promise<string | undefined> {
    const [row] = await this.query<{ state: string }>('select state from flow_run where id = $1', [runId]);
    return row?.state;
  }

  /** `path state attempt` of the steps of a run, in their order. */
  async steps(runId: string): Promise<string[]> {
    const rows = await this.query<{ text: string }>(
      `select path || ' ' || state || case when attempt > 1 then ' ' || attempt else '' end as text
       from flow_step_run where run_id = $1 order by number`,
      [runId],
    );
    return rows.map(({ text }) => text);
  }
}

function resolveAll(fields: readonly { field: string; value: string }[], evaluate: (text: string) => Json): JsonObject {
  return Object.fromEntries(fields.map(({ field, value }) => [field, evaluate(value)]));
}

/** A step that creates a record. */
export function create(key: string, value = `'${key}'`): object {
  return { key, create: { type: 'deal', fields: [{ field: 'title', value }] } };
}
