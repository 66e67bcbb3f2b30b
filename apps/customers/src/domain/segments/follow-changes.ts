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
  const tests: { compiled: CompiledSegment; ids: string[] }[] = [];
  for (const compiled of followed) {
    const { id, filter, exclude_segment_ids: excluded } = compiled.segment;
    const candidates = new Set<string>();
    for (const concern of concernsOf(filter ?? '', excluded.length > 0)) {
      const concerned = entries.filter((entry) => isConcerned(concern, entry));
      for (const customer of await related.of(concern, concerned)) candidates.add(customer);
    }
    for (const range of turned.get(id) ?? []) for (const each of await found(em, range)) candidates.add(each);
    for (const ids of parts([...candidates])) tests.push({ compiled, ids });
  }
  if (tests.length === 0) return;
  const results = await transactionPipeline(
    em,
    tests.map(({ compiled, ids }) => differencesAmong(compiled, ids)),
  );
  const changes = tests.map(({ compiled }, index) => changesOf(compiled.segment.id, results[index] as Difference[]));
  await writeMembers(em, changes, position);
}

export function changesOf(segmentId: string, differences: readonly Difference[]): MemberChanges {
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

/** The customers that a filter selects. */
async function found(em: EntityManager, filter: string): Promise<string[]> {
  const { row, index } = allOf(await filterConditions(em, customerType(), filter));
  const { sql, params } = index ?? row;
  const rows = await queryRows<{ id: string }>(em, {
    sql: numbered(`select customer.id from customer where customer.tenant_id = ? and delete_time is null and (${sql})`),
    values: [currentCaller().tenantId, ...params],
  });
  return rows.map(({ id }) => id);
}

function parts(ids: readonly string[]): string[][] {
  const count = Math.ceil(ids.length / statementSize);
  return Array.from({ length: count }, (_, part) => ids.slice(part * statementSize, (part + 1) * statementSize));
}
