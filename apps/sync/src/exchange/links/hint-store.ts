import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { Side } from '../mappings/mapping-views.js';

/** A record that may have changed. It is read again, since the report of the change may be old. */
export interface Hint {
  side: Side;
  recordId: string;
  mark: string;
  /** Number of automatic steps behind the change. */
  hop: number;
}

/** The hints of one mapping. */
export class HintStore {
  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
  ) {}

  async put(side: Side, recordId: string): Promise<void> {
    await readForTenant(this.em, {
      name: 'put_hint',
      sql: `insert into sync_hint (tenant_id, mapping_id, side, record_id) values ($1, $2, $3, $4)
        on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid()`,
      values: [this.tenantId, this.mappingId, side, recordId],
    });
  }

  /** A page of hints, ordered by record. */
  async after(last: Hint | undefined, limit: number): Promise<Hint[]> {
    const rows = await readForTenant<{ side: Side; record_id: string; mark: string; hop: number }>(this.em, {
      name: 'hints_after',
      sql: `select side, record_id, mark, hop from sync_hint where tenant_id = $1 and mapping_id = $2
          and ($3::text is null or (side, record_id) > ($3, $4))
        order by side, record_id limit $5`,
      values: [this.tenantId, this.mappingId, last?.side ?? null, last?.recordId ?? null, limit],
    });
    return rows.map(({ side, record_id, mark, hop }) => ({ side, recordId: record_id, mark, hop }));
  }

  async has(side: Side, recordId: string): Promise<boolean> {
    const rows = await readForTenant<object>(this.em, {
      name: 'has_hint',
      sql: 'select from sync_hint where tenant_id = $1 and mapping_id = $2 and side = $3 and record_id = $4',
      values: [this.tenantId, this.mappingId, side, recordId],
    });
    return rows.length > 0;
  }

  /** Deletes processed hints. A hint that was renewed in the meantime stays. */
  async remove(hints: readonly Hint[]): Promise<void> {
    await readForTenant(this.em, {
      name: 'remove_hints',
      sql: `delete from sync_hint where tenant_id = $1 and mapping_id = $2 and mark = any ($3::uuid[])`,
      values: [this.tenantId, this.mappingId, hints.map(({ mark }) => mark)],
    });
  }
}
