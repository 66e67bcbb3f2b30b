import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { createOrm, readForTenant, tenantSession } from '@rapport/persistence';
import { AppError, type Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { rowReader, shownColumns, type StoredRecord } from '../src/engine/records/record-rows.js';
import { uniqueValues } from '../src/engine/records/unique-values.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { customerOf, newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** fast-check reports the shortest failing steps when the property fails. */
const seed = printedSeed('merge-invariants');
const runs = sizeOf('MERGE_INVARIANT_RUNS', { short: 5, long: 1_000 });

let orm: ReturnType<typeof createOrm>;

beforeAll(() => {
  orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
});
afterAll(() => orm.close());

/** Numbers select among the existing customers, merges and values, so that any sequence of steps is possible. */
type Step =
  | { do: 'create' | 'upsert' | 'update'; who: number; values: Values }
  | { do: 'merge' | 'mergeAndBack' | 'associate'; who: number; other: number; prefer: boolean }
  | { do: 'delete' | 'undelete' | 'unmerge'; who: number };

interface Values {
  email: number;
  externalId: number;
  tag: number;
  jobTitle: number;
  company: number | undefined;
}

const number = fc.nat({ max: 5 });
const values: fc.Arbitrary<Values> = fc.record({
  email: number,
  externalId: number,
  tag: number,
  jobTitle: number,
  company: fc.option(number, { nil: undefined }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'upsert', 'update'), who: number, values }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('merge', 'mergeAndBack', 'associate'),
      who: number,
      other: number,
      prefer: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constantFrom('delete', 'undelete', 'unmerge', 'unmerge'), who: number }),
);

const kinds = ['create', 'upsert', 'update', 'merge', 'mergeAndBack', 'associate', 'delete', 'undelete', 'unmerge'];

test(
  'after any steps, unique values, associations and merges are consistent with the customers',
  { timeout: soakTimeoutMs },
  async () => {
    const done: Record<string, number> = {};
    const property = fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
      const tenant = await Tenant.start();
      for (const next of steps) {
        const outcome = `${next.do} ${await tenant.try(next)}`;
        done[outcome] = (done[outcome] ?? 0) + 1;
        expect(await tenant.faults(), JSON.stringify(next)).toEqual([]);
      }
    });
    await fc.assert(property, { seed, numRuns: runs, endOnFailure: true });
    // The property would be vacuous if steps were always refused.
    for (let more = 1; kinds.some((kind) => !done[`${kind} OK`]); more += 1) {
      await fc.assert(property, { seed: seed + more, numRuns: 2, endOnFailure: true });
    }
    printTally('merge-invariants', done);
  },
);

class Tenant {
  /** Of all customers ever made; three are companies. */
  readonly #ids: string[] = [];
  readonly #merges: string[] = [];
  readonly #companies: string[] = [];

  private constructor(private readonly caller: Caller) {}

  static async start(): Promise<Tenant> {
    const tenant = new Tenant(newCaller());
    for (const name of ['One', 'Two', 'Three']) {
      const { id } = await customers.create(tenant.caller, { kind: CustomerKind.COMPANY, displayName: name });
      tenant.#companies.push(id);
      tenant.#ids.push(id);
    }
    return tenant;
  }

  /** Runs a step as far as possible. Anything except a response or a refusal fails the test. */
  async try(next: Step): Promise<string> {
    try {
      await this.#do(next);
      return 'OK';
    } catch (error) {
      if (error instanceof AppError && refusals.has(error.code)) return error.code;
      throw error;
    }
  }

  async #do(next: Step): Promise<void> {
    const { caller } = this;
    const id = this.#pick(this.#ids, next.who);
    switch (next.do) {
      case 'create':
        this.#ids.push((await customers.create(caller, this.#customer(next.values))).id);
        return;
      case 'upsert': {
        const request = { customer: customerOf(this.#customer(next.values)), match: UpsertMatch.EMAIL };
        const { customer, created } = await customers.call('upsertCustomer', request, caller);
        if (created && customer) this.#ids.push(customer.id);
        return;
      }
      case 'update': {
        const { kind: _, companyId, ...changes } = this.#customer(next.values);
        await customers.update(caller, id, this.#companies.includes(id) ? changes : { ...changes, companyId });
        return;
      }
      case 'merge':
        await this.#merge(id, next.other, next.prefer);
        return;
      case 'mergeAndBack': {
        const before = await this.#content();
        const mergeId = await this.#merge(id, next.other, next.prefer);
        const { keptFields } = await customers.call('unmergeCustomers', { id: mergeId }, caller);
        expect(keptFields).toEqual([]);
        expect(await this.#content(), 'a merge and its unmerge leave no trace').toEqual(before);
        return;
      }
      case 'associate': {
        const association = {
          id: '',
          fromCustomerId: id,
          type: next.prefer ? 'knows' : 'owns',
          toCustomerId: this.#pick(this.#ids, next.other),
          role: undefined,
          labels: [],
          etag: '',
          createTime: undefined,
          updateTime: undefined,
        };
        await customers.call('createAssociation', { association }, caller);
        return;
      }
      case 'delete':
        await customers.delete(caller, id);
        return;
      case 'undelete':
        await customers.call('undeleteCustomer', { id }, caller);
        return;
      case 'unmerge':
        await customers.call('unmergeCustomers', { id: this.#pick(this.#merges, next.who) }, caller);
        return;
    }
  }

  async #merge(id: string, other: number, prefer: boolean): Promise<string> {
    const preferMerged = prefer ? ['jobTitle', 'tags', 'externalIds', 'displayName', 'companyId'] : [];
    const input = { mergedId: this.#pick(this.#ids, other), mergedEtag: undefined, preferMerged };
    const { merge } = await customers.call('mergeCustomers', { id, merge: input }, this.caller);
    if (!merge) throw new Error('A merge returns its record.');
    this.#merges.push(merge.id);
    return merge.id;
  }

  /** Among the last ones, since older customers are soon merged or deleted. */
  #pick(ids: string[], index: number): string {
    return ids.at(-1 - index) ?? ids.at(-1) ?? '01a20f1d-126d-71b8-af69-d6113174c732';
  }

  #customer({ email, externalId, tag, jobTitle, company }: Values): Partial<Customer> {
    return {
      kind: CustomerKind.PERSON,
      displayName: `Person ${email}`,
      jobTitle: jobTitle === 0 ? undefined : `title ${jobTitle}`,
      tags: [`tag ${tag}`, `tag ${jobTitle}`],
      emails: [{ address: `p${email}${externalId}@x.example`, label: tag > 3 ? 'work' : undefined }],
      externalIds: [{ system: `system${externalId % 2}`, value: String(email) }],
      companyId: company === undefined ? undefined : this.#companies[company % 3],
    };
  }

  /** The writable content of customers and associations, without versions. */
  async #content(): Promise<unknown> {
    const rows = await this.#rows();
    const links = await this.#sql(
      'select id, from_customer_id, type, to_customer_id from customer_association order by id',
    );
    const keys = await this.#sql('select type, value, customer_id from customer_key order by type, value');
    return { customers: rows.map(({ etag: _e, updateTime: _t, updatedBy: _b, ...rest }) => rest), links, keys };
  }

  async #rows(): Promise<Customer[]> {
    const em = orm.em.fork({ session: tenantSession(this.caller.tenantId) });
    const rows = await readForTenant<StoredRecord<Customer>>(em, {
      name: 'all_customers',
      sql: `select ${shownColumns(type)} from customer order by id`,
      values: [],
      row: rowReader(type),
    });
    return rows.map(({ record }) => record);
  }

  #sql(sql: string): Promise<Record<string, unknown>[]> {
    return orm.em.fork({ session: tenantSession(this.caller.tenantId) }).execute(sql);
  }

  /** Inconsistencies. */
  async faults(): Promise<unknown[]> {
    const wanted = (await this.#rows()).flatMap((customer) =>
      customer.deleteTime === undefined
        ? uniqueValues(type, customer).map(({ type, value }) => `${type} ${value} ${customer.id}`)
        : [],
    );
    const keys = await this.#sql('select type, value, customer_id from customer_key');
    const stored = keys.map(
      ({ type, value, customer_id: id }) => `${type as string} ${value as string} ${id as string}`,
    );
    const faults: unknown[] = wanted.filter((key) => !stored.includes(key)).map((key) => ({ unclaimed: key }));
    faults.push(...stored.filter((key) => !wanted.includes(key)).map((key) => ({ claimedByNobody: key })));
    faults.push(...(await this.#sql(faultQueries)));
    return faults;
  }
}

const refusals: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
]);

const faultQueries = Object.entries({
  linkToMerged: `
    select link.id from customer_association link join customer on customer.id in (link.from_customer_id, link.to_customer_id)
    where customer.merged_into_id is not null`,
  selfLink: 'select id from customer_association where from_customer_id = to_customer_id',
  personOfMerged: `
    select person.id from customer person join customer company on company.id = person.company_id
    where company.merged_into_id is not null and person.merged_into_id is null`,
  mergedWithoutRecord: `
    select id from customer where merged_into_id is not null and not exists (
      select from customer_merge
      where merged_id = customer.id and customer_id = customer.merged_into_id and undo_time is null)`,
  recordWithoutMerged: `
    select merge.id from customer_merge merge join customer on customer.id = merge.merged_id
    where undo_time is null and (merged_into_id is distinct from customer_id or delete_time is null)`,
})
  .map(([fault, sql]) => `select '${fault}' as fault, id from (${sql}) faulty`)
  .join(' union all ');
