import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, type Statement } from '@rapport/persistence';
import type { PairingCounts } from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import type { Likeness } from './identity.js';

/** A key that more customers share is not significant, such as the number of a switchboard. */
const maxSharing = 20;

/** Placeholder for customers that will be created from records. */
const newCustomer = '00000000-0000-0000-0000-000000000000';

const comparedAtATime = 1_000;

/** Statement timeout: none of its statements takes long. */
const clearedAtATime = 5_000;

export interface Edge extends Likeness {
  recordId: string;
  customerId: string;
}

export type Outcome = 'PAIR' | 'QUESTION' | 'ONLY_RECORD' | 'ONLY_CUSTOMER';

export interface MatchRow {
  id: string;
  outcome: Outcome;
  record_id: string | null;
  customer_id: string | null;
  side: 'CUSTOMER' | 'PEER' | null;
  score: number | null;
  reasons: string[];
}

/** Matches between records and customers that a run finds. In the database, since there may be many. */
export class MatchStore {
  /** @param em of the run's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly tenantId: string,
    private readonly mappingId: string,
    private readonly runId: string,
  ) {}

  /** Deletes the matches of an earlier attempt of a run. */
  async clear(): Promise<void> {
    await this.clearKeys();
    await this.#clear('sync_match');
  }

  /** Deletes the keys, which are not needed after all records were read. */
  clearKeys(): Promise<void> {
    return this.#clear('sync_match_key');
  }

  /** @param keys of customers, without duplicates per customer */
  async putKeys(keys: readonly { key: string; customerId: string }[]): Promise<void> {
    await this.#run({
      name: 'put_match_keys',
      sql: `insert into sync_match_key (tenant_id, run_id, key, customer_id)
        select $1, $2, key, customer_id from unnest($3::text[], $4::uuid[]) as pair (key, customer_id)
        on conflict do nothing`,
      values: [this.tenantId, this.runId, keys.map(({ key }) => key), keys.map(({ customerId }) => customerId)],
    });
  }

  /** The customers with these keys, without keys that many customers share. */
  async customersOf(keys: readonly string[]): Promise<{ key: string; customerId: string }[]> {
    return this.#run({
      name: 'customers_of_match_keys',
      sql: `select wanted.key, unnest(owner.ids) as "customerId" from unnest($3::text[]) as wanted (key)
        cross join lateral (
          select array_agg(customer_id) as ids from (
            select customer_id from sync_match_key
            where tenant_id = $1 and run_id = $2 and key = wanted.key limit ${maxSharing + 1}) sharing) owner
        where cardinality(owner.ids) <= ${maxSharing}`,
      values: [this.tenantId, this.runId, [...new Set(keys)]],
    });
  }

  /** Stores records without a pair. */
  async putRecords(records: readonly { recordId: string; uniqueKeys: readonly string[] }[]): Promise<void> {
    await this.#run({
      name: 'put_unlinked_records',
      sql: `insert into sync_match (tenant_id, run_id, outcome, record_id, unique_keys)
        select $1, $2, 'RECORD', "recordId", "uniqueKeys"
        from jsonb_to_recordset($3) as record ("recordId" text, "uniqueKeys" text[]) on conflict do nothing`,
      values: [
        ...[this.tenantId, this.runId],
        JSON.stringify(records.map(({ recordId, uniqueKeys }) => ({ recordId, uniqueKeys }))),
      ],
    });
  }

  /** Stores customers without a pair. Those outside the filter can be paired, but get no conflicts or entries of their own. */
  async putCustomers(customers: readonly { id: string; takesPart: boolean }[]): Promise<void> {
    await this.#run({
      name: 'put_unlinked_customers',
      sql: `insert into sync_match (tenant_id, run_id, outcome, customer_id, takes_part)
        select $1, $2, 'CUSTOMER', id, takes_part from unnest($3::uuid[], $4::boolean[]) as free (id, takes_part)
        on conflict do nothing`,
      values: [this.tenantId, this.runId, customers.map(({ id }) => id), customers.map(({ takesPart }) => takesPart)],
    });
  }

  /** Stores matches, except those that a user has rejected. */
  async putEdges(edges: readonly Edge[]): Promise<void> {
    await this.#run({
      name: 'put_match_edges',
      sql: `insert into sync_match (tenant_id, run_id, outcome, record_id, customer_id, grade, is_alike, score, reasons)
        select $1, $2, 'EDGE', "recordId", "customerId", grade, "isAlike", score, reasons
        from jsonb_to_recordset($4) as edge ("recordId" text, "customerId" uuid, grade smallint, "isAlike" boolean,
          score int, reasons text[])
        where not exists (select from sync_candidate known where known.tenant_id = $1 and known.mapping_id = $3
          and known.record_id = "recordId" and known.customer_id = "customerId" and known.is_refuted)
        on conflict do nothing`,
      values: [this.tenantId, this.runId, this.mappingId, JSON.stringify(edges)],
    });
  }

  /**
   * Decides about all stored matches. Two that are each other's best match, without a tie, become a pair. Of the rest,
   * each record with candidates gets a conflict; a customer gets one only when all its similar records are paired with
   * others. A match by phone number alone opens no conflict then.
   */
  async decide(): Promise<void> {
    for (const [name, sql] of Object.entries(decisions)) {
      await this.#run({ name: `match_${name}`, sql, values: [this.tenantId, this.runId] });
    }
  }

  /** Of records without a customer that share a unique value, the first becomes a customer, and the others get conflicts. */
  async askEqualRecords(): Promise<void> {
    for (let last: string | undefined; ;) {
      const rows = await this.#run<{ id: string; keys: string[] }>({
        name: 'records_with_unique_keys',
        sql: `select id::text, unique_keys as keys from sync_match
          where tenant_id = $1 and run_id = $2 and outcome = 'ONLY_RECORD' and unique_keys <> '{}'
            and ($3::bigint is null or id > $3)
          order by sync_match.id limit ${comparedAtATime}`,
        values: [this.tenantId, this.runId, last ?? null],
      });
      if (rows.length === 0) return;
      last = rows.at(-1)?.id;
      const taken = new Set((await this.customersOf(rows.flatMap(({ keys }) => keys))).map(({ key }) => key));
      const created: string[] = [];
      const equal = rows.filter(({ keys }) => {
        if (keys.some((key) => taken.has(key))) return true;
        for (const key of keys) taken.add(key);
        created.push(...keys);
        return false;
      });
      await this.putKeys(created.map((key) => ({ key, customerId: newCustomer })));
      await this.#run({
        name: 'ask_equal_records',
        sql: `update sync_match set outcome = 'QUESTION', side = 'PEER'
          where tenant_id = $1 and run_id = $2 and id = any ($3::bigint[])`,
        values: [this.tenantId, this.runId, equal.map(({ id }) => id)],
      });
    }
  }

  async counts(): Promise<PairingCounts> {
    const [counts] = await this.#run<PairingCounts>({
      name: 'match_counts',
      sql: `select count(*) filter (where outcome = 'PAIR')::int as pairs,
          (count(distinct record_id) filter (where side = 'PEER')
            + count(distinct customer_id) filter (where side = 'CUSTOMER'))::int as questions,
          count(*) filter (where outcome = 'ONLY_CUSTOMER')::int as "onlyCustomers",
          count(*) filter (where outcome = 'ONLY_RECORD')::int as "onlyRecords"
        from sync_match where tenant_id = $1 and run_id = $2`,
      values: [this.tenantId, this.runId],
    });
    return counts ?? { pairs: 0, questions: 0, onlyCustomers: 0, onlyRecords: 0 };
  }

  /** A page of the results, in the order in which they were found. @param outcomes restricts it to these */
  after(id: string | undefined, outcomes: readonly Outcome[], limit: number): Promise<MatchRow[]> {
    return this.#run<MatchRow>({
      name: 'matches_after',
      sql: `select id::text, outcome, record_id, customer_id, side, score, reasons from sync_match
        where tenant_id = $1 and run_id = $2 and outcome = any ($3::text[]) and ($4::bigint is null or id > $4)
        order by sync_match.id limit $5`,
      values: [this.tenantId, this.runId, outcomes, id ?? null, limit],
    });
  }

  /** The results for these customers and records: pairs and conflicts. */
  about({ customerIds = [], recordIds = [] }: { customerIds?: readonly string[]; recordIds?: readonly string[] }) {
    return this.#run<MatchRow>({
      name: 'matches_about',
      sql: `select id::text, outcome, record_id, customer_id, side, score, reasons from sync_match
        where tenant_id = $1 and run_id = $2 and outcome in ('PAIR', 'QUESTION')
          and (customer_id = any ($3::uuid[]) or record_id = any ($4::text[]))`,
      values: [this.tenantId, this.runId, customerIds, recordIds],
    });
  }

  async #clear(table: 'sync_match' | 'sync_match_key'): Promise<void> {
    let deleted: number;
    do {
      const rows = await this.#run({
        name: `clear_${table}`,
        sql: `delete from ${table} where ctid = any (array(
            select ctid from ${table} where tenant_id = $1 and run_id = $2 limit ${clearedAtATime}))
          returning 1`,
        values: [this.tenantId, this.runId],
      });
      deleted = rows.length;
    } while (deleted === clearedAtATime);
  }

  #run<Row extends object>(statement: Statement): Promise<Row[]> {
    return readForTenant<Row>(this.em, statement);
  }
}

/** The matches, and whether both sides are without a pair. */
const edges = `select edge.id, edge.is_alike,
    exists (select from sync_match free where free.tenant_id = $1 and free.run_id = $2
      and free.record_id = edge.record_id and free.outcome = 'RECORD') as is_record_free,
    exists (select from sync_match free where free.tenant_id = $1 and free.run_id = $2
      and free.customer_id = edge.customer_id and free.outcome = 'CUSTOMER') as is_customer_free
  from sync_match edge where edge.tenant_id = $1 and edge.run_id = $2 and edge.outcome = 'EDGE'`;

/** Removes customers and records that are part of a pair by now. */
function taken(outcome: 'RECORD' | 'CUSTOMER', column: 'record_id' | 'customer_id'): string {
  return `delete from sync_match free using sync_match pair
    where free.tenant_id = $1 and free.run_id = $2 and free.outcome = '${outcome}'
      and pair.tenant_id = $1 and pair.run_id = $2 and pair.outcome = 'PAIR' and pair.${column} = free.${column}`;
}

const decisions = {
  pair: `with ranked as (
      select id, grade,
        rank() over (partition by record_id order by grade desc) as record_rank,
        count(*) over (partition by record_id, grade) as record_ties,
        rank() over (partition by customer_id order by grade desc) as customer_rank,
        count(*) over (partition by customer_id, grade) as customer_ties
      from sync_match where tenant_id = $1 and run_id = $2 and outcome = 'EDGE')
    update sync_match set outcome = 'PAIR' from ranked
    where tenant_id = $1 and run_id = $2 and sync_match.id = ranked.id and ranked.grade > 1
      and record_rank = 1 and record_ties = 1 and customer_rank = 1 and customer_ties = 1`,
  take_records: taken('RECORD', 'record_id'),
  take_customers: taken('CUSTOMER', 'customer_id'),
  ask: `with edge as (${edges})
    update sync_match set outcome = 'QUESTION', side = case when is_record_free then 'PEER' end
    from edge where tenant_id = $1 and run_id = $2 and sync_match.id = edge.id
      and (is_record_free or is_customer_free) and (edge.is_alike or (is_record_free and is_customer_free))`,
  // A customer that is a candidate of a record waits for that conflict.
  ask_customers: `update sync_match question set side = 'CUSTOMER'
    where tenant_id = $1 and run_id = $2 and outcome = 'QUESTION' and side is null
      and not exists (select from sync_match other where other.tenant_id = $1 and other.run_id = $2
        and other.customer_id = question.customer_id and (other.side = 'PEER' or not other.takes_part))`,
  drop: `delete from sync_match where tenant_id = $1 and run_id = $2 and outcome = 'EDGE'`,
  only: `update sync_match alone
    set outcome = case outcome when 'RECORD' then 'ONLY_RECORD' else 'ONLY_CUSTOMER' end
    where tenant_id = $1 and run_id = $2 and outcome in ('RECORD', 'CUSTOMER') and takes_part
      and not exists (select from sync_match question where question.tenant_id = $1 and question.run_id = $2
        and question.outcome = 'QUESTION' and question.record_id = alone.record_id)
      and not exists (select from sync_match question where question.tenant_id = $1 and question.run_id = $2
        and question.outcome = 'QUESTION' and question.customer_id = alone.customer_id)`,
  end: `delete from sync_match where tenant_id = $1 and run_id = $2 and outcome in ('RECORD', 'CUSTOMER')`,
};
