import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, type Statement } from '@rapport/persistence';
import type { Conflict } from '../links/conflict-store.js';
import type { MatchRow } from './match-store.js';

/** A possible match of a customer or record: a new conflict to open, or `ASKED` if one is open already. */
export type Doubt = Conflict | 'ASKED';

type Candidate = Pick<MatchRow, 'record_id' | 'customer_id' | 'score' | 'reasons'>;

/**
 * Pairing conflicts of a mapping. While one is open, neither of its records and customers is created on the other side.
 * A hint settles those that are in no conflict any more.
 */
export class PairingConflicts {
  #haveFreed = false;

  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
  ) {}

  /** Whether conflicts have ended since the last call, so that there are hints of what waited for them. */
  takeFreed(): boolean {
    const haveFreed = this.#haveFreed;
    this.#haveFreed = false;
    return haveFreed;
  }

  /** Stores the matches of a run. Decisions of users stay. */
  async put(rows: readonly Candidate[]): Promise<void> {
    await this.#run({
      name: 'put_candidates',
      sql: `insert into sync_candidate (tenant_id, mapping_id, record_id, customer_id, score, reasons)
        select $1, $2, record_id, customer_id, score, reasons
        from jsonb_to_recordset($3) as row (record_id text, customer_id uuid, score int, reasons text[])
        on conflict (tenant_id, mapping_id, record_id, customer_id)
          do update set score = excluded.score, reasons = excluded.reasons`,
      values: [this.tenantId, this.mappingId, JSON.stringify(rows)],
    });
  }

  /** Whether a record without a customer may match an existing one. */
  async ofRecord(recordId: string): Promise<Conflict | undefined> {
    const [row] = await this.#run<{ count: number }>({
      name: 'doubt_of_record',
      sql: `select count(*)::int as count from sync_candidate
        where tenant_id = $1 and mapping_id = $2 and record_id = $3 and not is_refuted`,
      values: [this.tenantId, this.mappingId, recordId],
      isQuick: true,
    });
    const count = row?.count ?? 0;
    if (count === 0) return undefined;
    return { kind: 'PAIRING', message: `It may be ${count === 1 ? 'a customer' : `one of ${count} customers`}.` };
  }

  /** The candidates of a record, without those that a user has rejected. */
  async candidatesOf(recordId: string): Promise<string[]> {
    const rows = await this.#run<{ customer_id: string }>({
      name: 'candidates_of_record',
      sql: `select customer_id from sync_candidate
        where tenant_id = $1 and mapping_id = $2 and record_id = $3 and not is_refuted`,
      values: [this.tenantId, this.mappingId, recordId],
    });
    return rows.map(({ customer_id }) => customer_id);
  }

  /** Whether a customer without a record may match an existing one. It waits for the conflict of such a record, if there is one. */
  async ofCustomer(customerId: string): Promise<Doubt | undefined> {
    const [row] = await this.#run<{ count: number; is_asked: boolean | null }>({
      name: 'doubt_of_customer',
      sql: `select count(*)::int as count, bool_or(link.customer_id is null and link.is_apart is not true) as is_asked
        from sync_candidate candidate
        left join sync_link link on link.tenant_id = $1 and link.mapping_id = $2 and link.record_id = candidate.record_id
        where candidate.tenant_id = $1 and candidate.mapping_id = $2 and candidate.customer_id = $3 and not is_refuted`,
      values: [this.tenantId, this.mappingId, customerId],
      isQuick: true,
    });
    const count = row?.count ?? 0;
    if (count === 0) return undefined;
    if (row?.is_asked) return 'ASKED';
    const one = count === 1 ? 'a record that belongs' : `one of ${count} records that belong`;
    return { kind: 'PAIRING', message: `It may be ${one} to another customer.` };
  }

  /** A user has decided about a record or customer: its other candidates are rejected. */
  refute(side: 'CUSTOMER' | 'PEER', id: string): Promise<void> {
    return this.#end('refute', side, id, `update sync_candidate set is_refuted = true`);
  }

  /** A record was paired with a candidate. The other candidates get conflicts of their own: they may be duplicates of it. */
  async choose(recordId: string, customerId: string): Promise<void> {
    const freed = await this.#run({
      name: 'choose_candidate',
      sql: `with chosen as (
          delete from sync_candidate
          where tenant_id = $1 and mapping_id = $2 and record_id = $3 and customer_id = $4)
        insert into sync_hint (tenant_id, mapping_id, side, record_id)
        select $1, $2, 'CUSTOMER', customer_id::text from sync_candidate
        where tenant_id = $1 and mapping_id = $2 and record_id = $3 and customer_id <> $4 and not is_refuted order by 4
        on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid() returning 1`,
      values: [this.tenantId, this.mappingId, recordId, customerId],
    });
    if (freed.length > 0) this.#haveFreed = true;
  }

  /** A record or customer was deleted. */
  forget(side: 'CUSTOMER' | 'PEER', id: string): Promise<void> {
    return this.#end('forget', side, id, 'delete from sync_candidate');
  }

  /** A customer was merged: its candidates become those of the survivor. */
  async move(customerId: string, survivorId: string): Promise<void> {
    await this.#run({
      name: 'move_candidates',
      sql: `insert into sync_candidate (tenant_id, mapping_id, record_id, customer_id, score, reasons)
        select tenant_id, mapping_id, record_id, $4, score, reasons from sync_candidate
        where tenant_id = $1 and mapping_id = $2 and customer_id = $3 and not is_refuted on conflict do nothing`,
      values: [this.tenantId, this.mappingId, customerId, survivorId],
    });
    await this.forget('CUSTOMER', customerId);
  }

  /** Stores hints for those that waited for it. */
  async #end(name: string, side: 'CUSTOMER' | 'PEER', id: string, change: string): Promise<void> {
    const [own, other, waiting] =
      side === 'PEER'
        ? ['record_id = $3', 'customer_id::text', 'CUSTOMER']
        : ['customer_id = $3::uuid', 'record_id', 'PEER'];
    const freed = await this.#run({
      name: `${name}_candidates_of_${side.toLowerCase()}`,
      sql: `with ended as (${change} where tenant_id = $1 and mapping_id = $2 and ${own} and not is_refuted
          returning ${other} as id)
        insert into sync_hint (tenant_id, mapping_id, side, record_id)
        select $1, $2, '${waiting}', id from ended order by id
        on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid() returning 1`,
      values: [this.tenantId, this.mappingId, id],
    });
    if (freed.length > 0) this.#haveFreed = true;
  }

  #run<Row extends object>(statement: Statement): Promise<Row[]> {
    return readForTenant<Row>(this.em, statement);
  }
}
