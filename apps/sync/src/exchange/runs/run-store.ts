import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, readForTenant, settingStatement, withConnection, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { JobQueue } from '../../storage/job-queue.js';
import type { Choice } from '../conflicts/choices.js';
import type { Counts, ExchangeContext } from '../exchange-context.js';
import type { ConflictKind } from '../links/conflict-store.js';
import type { Findings } from '../reconciliation.js';
import { countRun } from './exchange-metrics.js';

export interface RunRow {
  id: string;
  mapping_id: string;
  kind: 'EXCHANGE' | 'RECONCILE' | 'PAIR' | 'RESOLVE';
  dry_run: boolean;
  allow_mass_delete: boolean;
  state: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';
  is_automatic: boolean;
  counts: Partial<Counts>;
  /** Absent in runs of earlier releases. */
  comparison: (Omit<Findings['comparison'], 'filtered'> & { filtered?: number }) | null;
  planned_changes: Findings['plannedChanges'];
  planned: Counts | null;
  pairing: ExchangeContext['pairing'] | null;
  resolution: ExchangeContext['resolution'] | null;
  request: ResolveRequest | null;
  issues: ExchangeContext['issues'];
  error_reason: string | null;
  error_message: string | null;
  create_time: string | Date;
  start_time: string | Date | null;
  end_time: string | Date | null;
}

/** The conflicts that a RESOLVE run covers, and the choice for them. */
export interface ResolveRequest {
  choice: Choice;
  kind?: ConflictKind;
  minScore?: number;
}

export const runColumns = `id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic, counts, comparison,
  planned_changes, planned, pairing, resolution, request, issues, error_reason, error_message, create_time, start_time, end_time`;

/** Retention of automatic runs. */
const keptFor = '7 days';

/** The runs of one tenant. */
export class RunStore {
  /** @param em of the tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
  ) {}

  /** Starts or continues a run. Undefined when it has nothing left to do. */
  async begin(id: string): Promise<RunRow | undefined> {
    const values = [this.tenantId, id];
    const [, , begun] = await withConnection(this.em, (client) =>
      pipeline(client, [
        settingStatement({ 'app.tenant_id': this.tenantId }),
        {
          name: 'wait_for_notes',
          sql: `select pg_advisory_xact_lock(hashtextextended('run ' || mapping_id, 0)) from sync_run
            where tenant_id = $1 and id = $2`,
          values,
        },
        {
          name: 'begin_run',
          sql: `update sync_run
            set state = 'RUNNING', start_time = coalesce(start_time, clock_timestamp()), planned_changes = '[]'
            where tenant_id = $1 and id = $2 and state in ('QUEUED', 'RUNNING') returning ${runColumns}`,
          values,
        },
      ]),
    );
    return begun?.rows[0] as RunRow | undefined;
  }

  async tell(id: string, { counts, issues, pairing, resolution }: ExchangeContext, findings?: Findings): Promise<void> {
    await this.#run({
      name: 'tell_run',
      sql: `update sync_run set counts = $3, comparison = coalesce($4, comparison),
          planned_changes = coalesce($5, planned_changes), issues = $6, planned = coalesce($7, planned),
          pairing = coalesce($8, pairing), resolution = coalesce($9, resolution)
        where tenant_id = $1 and id = $2`,
      values: [
        ...[this.tenantId, id, JSON.stringify(counts)],
        ...[findings ? JSON.stringify(findings.comparison) : null],
        ...[findings ? JSON.stringify(findings.plannedChanges) : null, JSON.stringify(issues)],
        ...[findings?.planned, pairing, resolution].map((counted) => (counted ? JSON.stringify(counted) : null)),
      ],
    });
  }

  /** @param error absent after success */
  async end(run: RunRow, error?: { reason: string; message: string }): Promise<void> {
    await this.#run({
      name: 'end_run',
      sql: `update sync_run set state = $3, error_reason = $4, error_message = $5, end_time = clock_timestamp()
        where tenant_id = $1 and id = $2`,
      values: [this.tenantId, run.id, error ? 'FAILED' : 'SUCCEEDED', error?.reason ?? null, error?.message ?? null],
    });
    countRun(error?.reason);
    await this.#run({
      name: 'forget_runs',
      sql: `delete from sync_run where tenant_id = $1 and mapping_id = $2 and is_automatic and end_time < now() - interval '${keptFor}'`,
      values: [this.tenantId, run.mapping_id],
    });
  }

  #run<Row extends object>(statement: Statement): Promise<Row[]> {
    return readForTenant<Row>(this.em, statement);
  }
}

/** Whether a paused mapping allows a run: it must exchange nothing. */
export function mayRunPaused({ kind, dry_run }: Pick<RunRow, 'kind' | 'dry_run'>): boolean {
  return dry_run || kind === 'PAIR' || kind === 'RESOLVE';
}

/**
 * Queues a run for each of these mappings, unless one is queued or the connection is on hold. Runs in a transaction for
 * the tenant, as its last step.
 */
export async function queueAutomaticRuns(
  client: ClientBase,
  jobs: JobQueue,
  tenantId: string,
  mappingIds: readonly string[],
): Promise<void> {
  for (const mappingId of mappingIds) {
    const runId = uuidv7();
    // Until the transaction ends, no queued run starts, so none can miss what the transaction has noted.
    await client.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [`run ${mappingId}`]);
    const { rowCount } = await client.query(
      `insert into sync_run (tenant_id, id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic)
       select $1, $2, $3, 'EXCHANGE', false, false, 'QUEUED', true
       where exists (
         select from mapping_schedule where mapping_id = $3 and (hold_time is null or hold_time <= clock_timestamp()))
       on conflict (tenant_id, mapping_id) where state = 'QUEUED' and is_automatic do nothing`,
      [tenantId, runId, mappingId],
    );
    if (rowCount === 1) {
      const transaction = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
      await jobs.send({ tenantId, mappingId, runId }, transaction);
    }
  }
}
