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
  /** Runs of earlier releases have not counted `filtered`. */
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

/** What a run is to do about conflicts. */
export interface ResolveRequest {
  choice: Choice;
  kind?: ConflictKind;
  minScore?: number;
}

export const runColumns = `id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic, counts, comparison,
  planned_changes, planned, pairing, resolution, request, issues, error_reason, error_message, create_time, start_time, end_time`;

/** For how long runs that came by themselves are kept. */
const keptFor = '7 days';

/** The runs of one tenant. */
export class RunStore {
  /** @param em of the tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
  ) {}

  /** A run that is begun now, or gone on with. Undefined when there is nothing left to do of it. */
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

  /** @param error absent when it has succeeded */
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

/** What may be done of a mapping that is paused: nothing is exchanged by it. */
export function mayRunPaused({ kind, dry_run }: Pick<RunRow, 'kind' | 'dry_run'>): boolean {
  return dry_run || kind === 'PAIR' || kind === 'RESOLVE';
}

/**
 * Queues a run of its own for each of these mappings, unless one waits already, or the other system is to be left alone. Runs in
 * a transaction that works for the tenant, and is done with it.
 */
export async function queueAutomaticRuns(
  client: ClientBase,
  jobs: JobQueue,
  tenantId: string,
  mappingIds: readonly string[],
): Promise<void> {
  for (const mappingId of mappingIds) {
    const runId = uuidv7();
    // Until the transaction ends no run begins that could overlook what it has noted: one that waits is not past it.
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
