import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { Side, Target } from '../mappings/mapping-views.js';

/** Pairs of other mappings that records of a mapping refer to, and records that wait for such pairs. */
export class ReferenceStore {
  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
  ) {}

  /** The id of the target's pair on the other side; undefined when it has none. */
  async otherOf({ mappingId, side, id }: Target): Promise<string | undefined> {
    const [found, given] = side === 'PEER' ? ['customer_id', 'record_id'] : ['record_id', 'customer_id'];
    const [row] = await readForTenant<{ id: string }>(this.em, {
      name: side === 'PEER' ? 'customer_of_record' : 'record_of_customer',
      sql: `select ${found}::text as id from sync_link
        where tenant_id = $1 and mapping_id = $2 and ${given} = $3 and ${found} is not null and not is_apart`,
      values: [this.tenantId, mappingId, id],
    });
    return row?.id;
  }

  /** Settles a record again once the target has a pair. */
  async wait(side: Side, id: string, target: Target): Promise<void> {
    await readForTenant(this.em, {
      name: 'wait_for_pair',
      sql: `insert into sync_waiting (tenant_id, mapping_id, side, record_id, target_mapping_id, target_side, target_id)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      values: [this.tenantId, this.mappingId, side, id, target.mappingId, target.side, target.id],
    });
  }

  /**
   * Stores hints for records whose awaited pairs exist by now: for all waiting records of this mapping, and for those
   * of other mappings that wait for its pairs. Their mappings become due, unless their connection is on hold.
   */
  async wake(): Promise<void> {
    await readForTenant(this.em, {
      name: 'wake_waiting',
      // Only ids of customers can be cast to UUIDs.
      sql: `with for_customers as (
          delete from sync_waiting waiting using sync_link link
          where waiting.tenant_id = $1 and (waiting.mapping_id = $2 or waiting.target_mapping_id = $2)
            and waiting.target_side = 'PEER' and link.tenant_id = $1 and link.mapping_id = waiting.target_mapping_id
            and link.record_id = waiting.target_id and link.customer_id is not null and not link.is_apart
          returning waiting.mapping_id, waiting.side, waiting.record_id),
        for_records as (
          delete from sync_waiting waiting using sync_link link
          where waiting.tenant_id = $1 and (waiting.mapping_id = $2 or waiting.target_mapping_id = $2)
            and waiting.target_side = 'CUSTOMER' and link.tenant_id = $1 and link.mapping_id = waiting.target_mapping_id
            and link.customer_id = case when waiting.target_side = 'CUSTOMER' then waiting.target_id::uuid end
            and link.record_id is not null and not link.is_apart
          returning waiting.mapping_id, waiting.side, waiting.record_id),
        met as (select * from for_customers union select * from for_records),
        hinted as (
          insert into sync_hint (tenant_id, mapping_id, side, record_id)
          select $1, mapping_id, side, record_id from met order by 2, 3, 4
          on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid())
        update mapping_schedule set due_time = least(due_time, clock_timestamp())
        where mapping_id in (select mapping_id from met) and (hold_time is null or hold_time <= clock_timestamp())`,
      values: [this.tenantId, this.mappingId],
    });
  }
}
