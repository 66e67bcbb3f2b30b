import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';

/** Statement timeout: none of its statements takes long. */
const clearedAtATime = 5_000;

/** Id of a peer's record, and a fingerprint of its content. */
export interface HeldRecord {
  id: string;
  held: string | null;
}

/** All records of a peer that a run has read. In the database, because they may exceed memory. */
export class RunRecords {
  /** @param em of the run's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly runId: string,
  ) {}

  /** Deletes those of an earlier attempt of the run, and all at its end. */
  async clear(): Promise<void> {
    let deleted: number;
    do {
      const rows = await readForTenant(this.em, {
        name: 'clear_run_records',
        sql: `delete from sync_run_record where ctid = any (array(
            select ctid from sync_run_record where tenant_id = $1 and run_id = $2 limit ${clearedAtATime}))
          returning 1`,
        values: [this.tenantId, this.runId],
      });
      deleted = rows.length;
    } while (deleted === clearedAtATime);
  }

  /** @param records without duplicates */
  async put(records: readonly HeldRecord[]): Promise<void> {
    await readForTenant(this.em, {
      name: 'put_run_records',
      sql: `insert into sync_run_record (tenant_id, run_id, record_id, held)
        select $1, $2, id, held from unnest($3::text[], $4::text[]) as record (id, held)
        on conflict (tenant_id, run_id, record_id) do update set held = excluded.held`,
      values: [this.tenantId, this.runId, records.map(({ id }) => id), records.map(({ held }) => held)],
    });
  }

  /** Returns the ids that are stored. */
  async among(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await readForTenant<{ record_id: string }>(this.em, {
      name: 'run_records_among',
      sql: `select record_id from sync_run_record where tenant_id = $1 and run_id = $2 and record_id = any ($3::text[])`,
      values: [this.tenantId, this.runId, ids],
    });
    return new Set(rows.map(({ record_id }) => record_id));
  }

  /** Removes and returns the stored ones, with their fingerprints. */
  async take(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    const rows = await readForTenant<{ record_id: string; held: string | null }>(this.em, {
      name: 'take_run_records',
      sql: `delete from sync_run_record where tenant_id = $1 and run_id = $2 and record_id = any ($3::text[])
        returning record_id, held`,
      values: [this.tenantId, this.runId, ids],
    });
    return new Map(rows.map(({ record_id, held }) => [record_id, held]));
  }

  /** A page of the remaining ones, ordered by id. */
  async after(id: string | undefined, limit: number): Promise<HeldRecord[]> {
    return readForTenant<HeldRecord>(this.em, {
      name: 'run_records_after',
      sql: `select record_id as id, held from sync_run_record
        where tenant_id = $1 and run_id = $2 and ($3::text is null or record_id > $3) order by record_id limit $4`,
      values: [this.tenantId, this.runId, id ?? null, limit],
    });
  }
}
