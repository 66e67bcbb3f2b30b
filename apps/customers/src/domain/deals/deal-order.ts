import { beyondScope, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { rankBetween, ranksBetween } from './rank.js';

/** A stage of a pipeline. */
export interface StageOfPipeline {
  pipelineId: string;
  stage: string;
}

/** Ranks between which a deal is to be; undefined at an end of the stage. */
export interface Gap {
  low: string | undefined;
  high: string | undefined;
}

interface Search {
  comparator: '<' | '<=' | '>' | '>=';
  direction: 'asc' | 'desc';
}

/**
 * The order of the live deals of a stage, for a deal that moves there. Deals that the caller does not see keep their places too. Moves of
 * a tenant wait for each other: each sees the places that those before it have left.
 */
export class DealOrder {
  private constructor(
    private readonly transaction: StatementTransaction,
    private readonly stage: StageOfPipeline,
    private readonly movedId: string,
  ) {}

  /** Locks the places of a tenant's deals until the end of the transaction. Call it before anything is read or locked. */
  static async lock(transaction: StatementTransaction): Promise<void> {
    const key = `deal_order ${currentCaller().tenantId}`;
    const sql = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';
    await transaction.run({ name: 'lock_deal_order', sql, values: [key] });
  }

  /**
   * From now on, the transaction sees the deals of all owners. Deals that an earlier release has written get their places in the index,
   * unless a write holds them: `migrate` has not done so for encrypted ones, and for those that were written since.
   */
  static async of(transaction: StatementTransaction, stage: StageOfPipeline, movedId: string): Promise<DealOrder> {
    await transaction.run(beyondScope, {
      name: 'index_deal_ranks',
      sql: `with lacking as (
          select id from deal
          where tenant_id = $1 and pipeline_id = $2 and stage = $3 and sort_rank is null and delete_time is null
          order by id limit 10000 for update skip locked
        )
        update deal set sort_rank = coalesce(rank, replace(deal.id::text, '-', '')) from lacking
        where deal.tenant_id = $1 and deal.id = lacking.id`,
      values: [currentCaller().tenantId, stage.pipelineId, stage.stage],
    });
    return new DealOrder(transaction, stage, movedId);
  }

  /** @param rank of a deal of the stage, or of none for the end of the stage */
  async before(rank: string | undefined): Promise<Gap> {
    const [nearest] = await this.#below(rank, 1);
    return { low: nearest?.rank, high: rank };
  }

  async after(rank: string): Promise<Gap> {
    const [nearest] = await this.#above(rank, 1);
    return { low: rank, high: nearest?.rank };
  }

  /** A rank in the gap. When none is left, the nearest deals get new ranks first, evenly distributed. */
  async rankIn(gap: Gap): Promise<string> {
    const free = rankBetween(gap.low, gap.high, this.movedId);
    if (free !== undefined) return free;
    for (let reach = 50; ; reach *= 10) {
      const found = await this.#makeRoom(gap, reach);
      if (found !== undefined) return found;
      // A whole stage of a million deals leaves room at 18 digits.
      if (reach > 1_000_000) throw new Error('A stage leaves no room for a rank.');
    }
  }

  /** @returns undefined when the gap around this many deals is too small for all of them */
  async #makeRoom({ low, high }: Gap, reach: number): Promise<string | undefined> {
    const below = low === undefined ? [] : await this.#below(low, reach + 1, '<=');
    const above = high === undefined ? [] : await this.#above(high, reach + 1, '>=');
    const lowest = below[reach];
    // The last deal of a stage stays: a greater rank would put it behind those that are created later.
    const highest = above[reach] ?? above.at(-1);
    const lower = below.slice(0, reach).toReversed();
    const upper = above.slice(0, reach).filter((each) => each !== highest);
    const ids = [...lower.map(({ id }) => id), this.movedId, ...upper.map(({ id }) => id)];
    const ranks = ranksBetween(lowest?.rank, highest?.rank, ids);
    if (!ranks) return undefined;
    const placed = ids.map((id, place) => ({ id, rank: ranks[place] })).filter(({ id }) => id !== this.movedId);
    const { tenantId, principalId } = currentCaller();
    await this.transaction.run(
      {
        name: 'lock_placed_deals',
        sql: 'select from deal where tenant_id = $1 and id = any ($2::uuid[]) order by id for update',
        values: [tenantId, placed.map(({ id }) => id)],
      },
      {
        name: 'place_deals',
        sql: `update deal set rank = placed.rank, sort_rank = placed.rank, version = version + 1,
            update_time = greatest(update_time, $3), updated_by = $4
          from jsonb_to_recordset($2) as placed (id uuid, rank text)
          where deal.tenant_id = $1 and deal.id = placed.id`,
        values: [tenantId, JSON.stringify(placed), new Date().toISOString(), principalId],
      },
    );
    return ranks[lower.length];
  }

  #below(rank: string | undefined, limit: number, comparator: '<' | '<=' = '<') {
    return this.#nearest({ comparator, direction: 'desc' }, rank, limit);
  }

  #above(rank: string, limit: number, comparator: '>' | '>=' = '>') {
    return this.#nearest({ comparator, direction: 'asc' }, rank, limit);
  }

  #nearest({ comparator, direction }: Search, rank: string | undefined, limit: number) {
    const { pipelineId, stage } = this.stage;
    const condition = rank === undefined ? 'sort_rank is not null' : `sort_rank ${comparator} $5`;
    return this.transaction.rows<{ id: string; rank: string }>({
      sql: `select id, sort_rank as rank from deal
        where tenant_id = $1 and pipeline_id = $2 and stage = $3 and id <> $4 and ${condition} and delete_time is null
        order by sort_rank ${direction}, id ${direction} limit ${limit}`,
      values: [currentCaller().tenantId, pipelineId, stage, this.movedId, ...(rank === undefined ? [] : [rank])],
    });
  }
}
