import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { MappingChangedError } from './run-failure.js';

/** The progress of a mapping: everything before it is settled, or stored as a hint or a conflict. */
export interface Progress {
  peerCursor: string | undefined;
  isPeerRead: boolean;
  customersPageToken: string | undefined;
  areCustomersRead: boolean;
  /** Whether the records from before the first exchange are paired. */
  isPaired: boolean;
}

interface ProgressRow {
  peer_cursor: string | null;
  is_peer_read: boolean;
  customers_page_token: string | null;
  are_customers_read: boolean;
  is_paired: boolean;
}

export class ProgressStore {
  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
    /** The version of the mapping that the run has read. */
    private readonly mappingVersion: number,
  ) {}

  async find(): Promise<Progress> {
    const [row] = await readForTenant<ProgressRow>(this.em, {
      name: 'find_progress',
      sql: `select peer_cursor, is_peer_read, customers_page_token, are_customers_read, is_paired from mapping_progress
        where tenant_id = $1 and mapping_id = $2`,
      values: [this.tenantId, this.mappingId],
    });
    if (!row) throw new Error(`The mapping ${this.mappingId} has no progress.`);
    return {
      peerCursor: row.peer_cursor ?? undefined,
      isPeerRead: row.is_peer_read,
      customersPageToken: row.customers_page_token ?? undefined,
      areCustomersRead: row.are_customers_read,
      isPaired: row.is_paired,
    };
  }

  async keepPaired(): Promise<void> {
    await readForTenant(this.em, {
      name: 'keep_paired_progress',
      sql: `update mapping_progress set is_paired = true where tenant_id = $1 and mapping_id = $2`,
      values: [this.tenantId, this.mappingId],
    });
  }

  async keepPeer(cursor: string | undefined, isRead: boolean): Promise<void> {
    await readForTenant(this.em, {
      name: 'keep_peer_progress',
      sql: `update mapping_progress set peer_cursor = $3, is_peer_read = $4 where tenant_id = $1 and mapping_id = $2`,
      values: [this.tenantId, this.mappingId, cursor ?? null, isRead],
    });
  }

  /**
   * The lock waits for a concurrent change of the mapping, which resets the progress.
   *
   * @throws MappingChangedError
   */
  async keepCustomers(pageToken: string | undefined, areRead: boolean): Promise<void> {
    const kept = await readForTenant(this.em, {
      name: 'keep_customers_progress',
      sql: `with same as materialized (
          select from mapping where tenant_id = $1 and id = $2 and version = $5 for share)
        update mapping_progress set customers_page_token = $3, are_customers_read = $4
        where tenant_id = $1 and mapping_id = $2 and exists (select from same) returning 1`,
      values: [this.tenantId, this.mappingId, pageToken ?? null, areRead, this.mappingVersion],
    });
    if (kept.length === 0) throw new MappingChangedError();
  }
}
