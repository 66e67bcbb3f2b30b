import { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AssociatingTenant } from './associating-tenant.js';
import { sharedCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const customers = await sharedCustomers();

/** fast-check reports the shortest failing history when the property fails. */
const seed = printedSeed('associations-any');
const runs = sizeOf('ASSOCIATION_RUNS', { short: 4, long: 600 });

/** Sees the rows of all tables, whatever their policies. */
let superuser: pg.Client;

beforeAll(async () => {
  superuser = await superuserOf(customers.urls.appUrl);
});
afterAll(() => superuser.end());

/** Numbers select among the existing records, associations and merges, so that any sequence of steps is possible. */
type Step =
  | { do: 'link' | 'merge'; one: number; other: number }
  | { do: 'delete' | 'undelete' | 'erase' | 'unlink' | 'unmerge' | 'removeForGood'; one: number };

const number = fc.nat({ max: 11 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('link' as const), one: number, other: number }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('merge' as const), one: number, other: number }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('delete', 'undelete', 'undelete', 'unlink', 'unmerge', 'unmerge'),
      one: number,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('erase', 'removeForGood'), one: number }) },
);

test(
  'associations of customers and deals lead to existing records, once each, in accordance with lists',
  { timeout: soakTimeoutMs },
  async () => {
    const tally: Record<string, number> = { histories: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }), async (steps) => {
        const history = await History.begin();
        for (const each of steps) {
          const isDone = await unlessRefused(history.take(each));
          const outcome = isDone ? each.do : 'refused';
          tally[outcome] = (tally[outcome] ?? 0) + 1;
          expect(await history.faults()).toEqual([]);
        }
        expect(await history.shown()).toEqual(await history.stored());
        tally['histories'] = (tally['histories'] ?? 0) + 1;
      }),
      { seed, numRuns: runs, endOnFailure: true },
    );
    printTally('associations-any', tally);
  },
);

class History {
  readonly #merges: string[] = [];
  readonly #deleted: string[] = [];

  private constructor(
    readonly tenant: AssociatingTenant,
    /** Names of the records. */
    readonly records: readonly string[],
  ) {}

  /** With six customers and as many deals. */
  static async begin(): Promise<History> {
    const tenant = new AssociatingTenant(customers);
    const six = Array.from({ length: 6 });
    await tenant.pipeline();
    const people = await Promise.all(six.map(async () => `customers/${await tenant.person()}`));
    const deals = await Promise.all(six.map(async () => `deals/${await tenant.deal()}`));
    return new History(tenant, [...people, ...deals]);
  }

  async take(taken: Step): Promise<unknown> {
    const { caller, merging } = this.tenant;
    switch (taken.do) {
      case 'link':
        return this.tenant.associate({ from: this.#record(taken.one), to: this.#record(taken.other), type: 'knows' });
      case 'merge': {
        const { record } = await merging.merge(this.#customer(taken.one), this.#customer(taken.other));
        return this.#merges.push(record.id);
      }
      case 'unmerge':
        return merging.unmerge(this.#pick(this.#merges, taken.one));
      case 'delete':
        await this.#call('delete', this.#record(taken.one));
        return this.#deleted.push(this.#record(taken.one));
      case 'undelete':
        return this.#call('undelete', this.#pick(this.#deleted, taken.one));
      case 'erase':
        return customers.call('eraseCustomer', { id: this.#customer(taken.one), erasure: { reason: 'x' } }, caller);
      case 'unlink':
        return customers.call('deleteAssociation', { id: this.#pick(await this.stored(), taken.one) }, caller);
      case 'removeForGood':
        return this.#removeForGood(this.#record(taken.one));
      default:
        return taken satisfies never;
    }
  }

  #call(verb: 'delete' | 'undelete', record: string): Promise<unknown> {
    const [plural, id = missing] = record.split('/');
    return customers.call(plural === 'deals' ? `${verb}Deal` : `${verb}Customer`, { id }, this.tenant.caller);
  }

  /** Removes the row of a deal, as the undo of an import does. */
  async #removeForGood(record: string): Promise<unknown> {
    const [plural, id] = record.split('/');
    if (plural !== 'deals') return undefined;
    await superuser.query('delete from stage_entry where deal_id = $1', [id]);
    return superuser.query('delete from deal where id = $1', [id]);
  }

  #record(index: number): string {
    return this.records[index] ?? missing;
  }

  #pick(choice: readonly string[], index: number): string {
    return choice[index % Math.max(1, choice.length)] ?? missing;
  }

  #customer(index: number): string {
    return this.records[index % 6]?.split('/')[1] ?? '';
  }

  /** Inconsistencies in the rows of the tenant. */
  async faults(): Promise<unknown[]> {
    const { rows } = await superuser.query<{ fault: string; id: string }>(faultQueries, [this.tenant.caller.tenantId]);
    return rows;
  }

  /** Ids of the associations between live records, by SQL. */
  async stored(): Promise<string[]> {
    const { rows } = await superuser.query<{ id: string }>(
      `${withLinks} select link.id from link join record one on one.id = link.from_id join record other on other.id = link.to_id
       where one.delete_time is null and other.delete_time is null order by link.id`,
      [this.tenant.caller.tenantId],
    );
    return rows.map(({ id }) => id);
  }

  /** Ids of the associations in the lists of the live records. Each is in two of them. */
  async shown(): Promise<string[]> {
    const ids: string[] = [];
    for (const record of this.records) ids.push(...((await unlessRefused(this.tenant.linksOf(record))) ?? []));
    const once = [...new Set(ids)].toSorted();
    expect(ids.toSorted()).toEqual(once.flatMap((id) => [id, id]));
    return once;
  }
}

/** An unused id. */
const missing = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';

const withLinks = `with record as (
    select 'customer' as type, id, delete_time, merged_into_id from customer where tenant_id = $1
    union all select 'deal', id, delete_time, null from deal where tenant_id = $1),
  link as (
    select id, 'customer' as from_type, from_customer_id as from_id, type, 'customer' as to_type, to_customer_id as to_id
    from customer_association where tenant_id = $1
    union all select id, from_type, from_id, type, to_type, to_id from record_association where tenant_id = $1)`;

const faultQueries = `${withLinks} ${Object.entries({
  endThatIsNotThere: `select id from link
    where not exists (select from record where (record.type, record.id) = (link.from_type, link.from_id))
      or not exists (select from record where (record.type, record.id) = (link.to_type, link.to_id))`,
  endThatIsMerged: `select link.id from link join record on record.id in (link.from_id, link.to_id)
    where record.merged_into_id is not null`,
  doubled: `select min(id::text)::uuid as id from link group by from_type, from_id, type, to_type, to_id having count(*) > 1`,
  doubledId: `select id from link group by id having count(*) > 1`,
  toItself: `select id from link where from_id = to_id`,
  inTheOtherTable: `select id from record_association
    where tenant_id = $1 and from_type = 'customer' and to_type = 'customer'`,
})
  .map(([fault, sql]) => `select '${fault}' as fault, id from (${sql}) faulty`)
  .join(' union all ')}`;

const refusals: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
]);

async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AppError && refusals.has(error.code)) return undefined;
    throw error;
  }
}
