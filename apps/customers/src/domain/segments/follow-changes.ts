import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { ChangeEntry } from '../../engine/changes/log/change-entry.js';
import { allOf } from '../../engine/query/filter/condition.js';
import { filterConditions } from '../../engine/query/list/list-conditions.js';
import { numbered } from '../../engine/query/list/planner-settings.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { differencesAmong, type CompiledSegment, type Difference } from './compiled-segment.js';
import { concernsOf, isConcerned, namedCustomers, type Concern } from './segment-concerns.js';
import { writeMembers, type MemberChanges } from './write-members.js';

/** What a step follows. */
export interface Followed {
  segments: readonly CompiledSegment[];
  entries: readonly ChangeEntry[];
  /** By segment, filters that find the customers for whom time has changed the result. */
  turned: ReadonlyMap<string, readonly string[]>;
  position: number;
}

/** Most customers that one statement tests. */
const statementSize = 1_000;

/** Looks again at the customers that changes concern, for the segments whose filters read what changed. */
export async function followChanges(
  em: EntityManager,
  { segments, entries, turned, position }: Followed,
): Promise<void> {
  const followed = segments.filter(({ segment: { kind, state } }) => kind === 'DYNAMIC' && state !== 'PAUSED');
  const related = new RelatedCustomers(em);
  const tests: MembershipTest[] = [];
  for (const compiled of followed) {
    const { filter, exclude_segment_ids: excluded } = compiled.segment;
    const candidates = new Set<string>();
    for (const concern of concernsOf(filter ?? '', excluded.length > 0)) {
      const concerned = entries.filter((entry) => isConcerned(concern, entry));
      for (const customer of await related.of(concern, concerned)) candidates.add(customer);
    }
    for (const ids of parts([...candidates])) tests.push({ compiled, ids });
  }
  await testCustomers(em, tests, position);
  // Time can turn the result for all customers at once, such as after an import.
  for (const compiled of followed) {
    for (const range of turned.get(compiled.segment.id) ?? []) {
      for await (const ids of found(em, range)) await testCustomers(em, [{ compiled, ids }], position);
    }
  }
}

interface MembershipTest {
  compiled: CompiledSegment;
  ids: string[];
}

async function testCustomers(em: EntityManager, tests: readonly MembershipTest[], position: number): Promise<void> {
  if (tests.length === 0) return;
  const results = await transactionPipeline(
    em,
    tests.map(({ compiled, ids }) => differencesAmong(compiled, ids)),
  );
  const changes = tests.map(({ compiled }, index) => changesOf(compiled.segment.id, results[index] as Difference[]));
  await writeMembers(em, changes, position);
}

/** A page of customers that a build looks at. */
export interface BuildStep {
  compiled: CompiledSegment;
  /** Most customers of it. */
  size: number;
  /** Whether it was the last one. */
  isLast: boolean;
}

/**
 * Looks at the next page of all customers, also deleted ones, which may be members. Changes are followed meanwhile, for all
 * customers, so that the segment is true once the last page has been looked at. Then the members are counted anew.
 */
export async function buildPage(em: EntityManager, step: BuildStep, position: number): Promise<void> {
  const { compiled, size } = step;
  const { segment } = compiled;
  const { tenantId } = currentCaller();
  const isOfAll = segment.kind === 'DYNAMIC' || segment.source_id !== null || segment.filter !== null;
  const page = isOfAll ? await nextCustomers(em, segment.build_after, size) : [];
  if (page.length > 0) {
    const differences = await queryRows<Difference>(em, differencesAmong(compiled, page));
    await writeMembers(em, [changesOf(segment.id, differences)], position);
  }
  step.isLast = page.length < size;
  if (!step.isLast) {
    await queryRows(em, {
      name: 'continue_build',
      sql: `update segment_progress set build_after = $3, is_building = true where tenant_id = $1 and segment_id = $2`,
      values: [tenantId, segment.id, page.at(-1)],
    });
    return;
  }
  // Counts after the writes for whose lock of the row it has waited.
  await queryRows(em, {
    name: 'lock_progress',
    sql: 'select size from segment_progress where tenant_id = $1 and segment_id = $2 for update',
    values: [tenantId, segment.id],
  });
  await queryRows(em, {
    name: 'end_build',
    sql: `update segment_progress set is_building = false, build_after = null, size = (select count(*) from segment_member
        where tenant_id = $1 and segment_id = $2 and delete_time is null)
      where tenant_id = $1 and segment_id = $2`,
    values: [tenantId, segment.id],
  });
}

async function nextCustomers(em: EntityManager, after: string | null, limit: number): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(em, {
    name: 'customers_to_build',
    sql: `select id from customer where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [currentCaller().tenantId, after, limit],
  });
  return rows.map(({ id }) => id);
}

function changesOf(segmentId: string, differences: readonly Difference[]): MemberChanges {
  return {
    segmentId,
    joining: differences.flatMap(({ customer_id: id, member_id: member }) => (member === null ? id : [])),
    leaving: differences.flatMap(({ member_id: member }) => member ?? []),
  };
}

/** The customers that changed records concern, asked once for all segments. */
class RelatedCustomers {
  readonly #known = new Map<string, string[]>();

  constructor(private readonly em: EntityManager) {}

  async of(concern: Concern, entries: readonly ChangeEntry[]): Promise<string[]> {
    if (entries.length === 0) return [];
    const ids = [...new Set(entries.map(({ record_id: id }) => id))];
    if (!concern.customersOf) return ids;
    const named = entries.flatMap((entry) => namedCustomers(concern, entry));
    const key = `${concern.customersOf} ${ids.join()}`;
    let now = this.#known.get(key);
    if (!now) {
      const rows = await queryRows<{ customer_id: string }>(this.em, {
        sql: `select distinct customer_id from (${concern.customersOf}) concerned`,
        values: [currentCaller().tenantId, ids],
      });
      this.#known.set(key, (now = rows.map(({ customer_id: id }) => id)));
    }
    return [...named, ...now];
  }
}

/** The customers that a filter selects, a statement's worth at a time. */
async function* found(em: EntityManager, filter: string): AsyncGenerator<string[]> {
  const { row, index } = allOf(await filterConditions(em, customerType(), filter));
  const { sql, params } = index ?? row;
  await queryRows(em, {
    sql: numbered(`declare turned_customers no scroll cursor for
      select customer.id from customer where customer.tenant_id = ? and delete_time is null and (${sql})`),
    values: [currentCaller().tenantId, ...params],
  });
  for (let isLast = false; !isLast;) {
    const rows = await queryRows<{ id: string }>(em, {
      sql: `fetch ${statementSize} from turned_customers`,
      values: [],
    });
    isLast = rows.length < statementSize;
    if (rows.length > 0) yield rows.map(({ id }) => id);
  }
  await queryRows(em, { sql: 'close turned_customers', values: [] });
}

function parts(ids: readonly string[]): string[][] {
  const count = Math.ceil(ids.length / statementSize);
  return Array.from({ length: count }, (_, part) => ids.slice(part * statementSize, (part + 1) * statementSize));
}
