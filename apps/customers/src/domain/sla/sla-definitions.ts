import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { etagVersion, runStatements, type Statement, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import {
  slaMetrics,
  type CalendarRule,
  CompiledCalendar,
  type SlaDefinitions,
  type SlaEvent,
  type SlaState,
} from '@rapport/time';
import { LRUCache } from 'lru-cache';
import { readCalendars, type Source } from '../../engine/assignment/rule-statements.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { calendarRule } from '../../engine/values/compiled-calendars.js';
import { recordType } from '../../engine/fields/record-type.js';
import type { PolicyContent } from './policy-content.js';

/** Definitions that a process has read. One never changes once its transaction has ended. */
const read = new LRUCache<string, PolicyContent | CompiledCalendar>({ max: 2_000 });

/** Versions of policies and calendars, by the keys that histories name. */
export class KeptDefinitions implements SlaDefinitions {
  readonly #policies = new Map<string, PolicyContent>();
  readonly #calendars = new Map<string, CompiledCalendar>();

  /** Reads what histories need. */
  static async load(source: Source, keys: Iterable<string>): Promise<KeptDefinitions> {
    const loaded = new KeptDefinitions();
    const missing: string[] = [];
    for (const key of new Set(keys)) {
      const known = read.get(cacheKey(key));
      if (known) loaded.#set(key, known);
      else missing.push(key);
    }
    if (missing.length === 0) return loaded;
    const [rows = []] = await runStatements(source, readDefinitions(missing));
    for (const { key, content } of rows as { key: string; content: PolicyContent | CalendarRule }[]) {
      const definition = 'zone' in content ? new CompiledCalendar(content) : content;
      read.set(cacheKey(key), definition);
      loaded.#set(key, definition);
    }
    return loaded;
  }

  policy(key: string): PolicyContent {
    const found = this.#policies.get(key);
    if (!found) throw new Error(`There is no definition ${key}.`);
    return found;
  }

  calendar(key: string): CompiledCalendar {
    const found = this.#calendars.get(key);
    if (!found) throw new Error(`There is no definition ${key}.`);
    return found;
  }

  /** What the open transaction stores. */
  addPolicy(key: string, content: PolicyContent): void {
    this.#policies.set(key, content);
  }

  addCalendar(key: string, rule: CalendarRule): void {
    this.#calendars.set(key, new CompiledCalendar(rule));
  }

  #set(key: string, definition: PolicyContent | CompiledCalendar): void {
    if ('targets' in definition) this.#policies.set(key, definition);
    else this.#calendars.set(key, definition);
  }
}

/** Keys of all that a state refers to. */
export function keysOf(state: SlaState): string[] {
  const own = Object.values(state.calendars);
  const ofTimers = state.timers.flatMap(({ policy, calendar }) => [
    policy,
    ...(calendar === undefined ? [] : [calendar]),
  ]);
  const pending = state.suspended?.pending.flatMap(({ changes }) => changes) ?? [];
  const ofPending = pending.flatMap((change) => {
    if (change.kind === 'CALENDARS') return Object.values(change.calendars);
    return change.kind === 'POLICY' ? (change.policy ?? []) : [];
  });
  const before = state.suspended ? keysOf(state.suspended.before) : [];
  return [...own, ...(state.policy === undefined ? [] : [state.policy]), ...ofTimers, ...ofPending, ...before];
}

/** Keys of the definitions that a history refers to. */
export function definitionsOf(events: readonly SlaEvent[]): string[] {
  return events.flatMap(({ changes }) =>
    changes.flatMap((change) => {
      if (change.kind === 'CALENDARS') return Object.values(change.calendars);
      return change.kind === 'POLICY' ? (change.policy ?? []) : [];
    }),
  );
}

/** Whether a value of an archive is the content of a policy or a calendar. */
export function isDefinition(content: unknown): boolean {
  if (typeof content !== 'object' || content === null) return false;
  if (!('zone' in content))
    return 'targets' in content && Array.isArray(content.targets) && content.targets.every(isTarget);
  try {
    return Boolean(new CompiledCalendar(content as CalendarRule));
  } catch {
    // The compiler expects what the contract allows, and throws errors of its own for anything else.
    return false;
  }
}

function isTarget(target: unknown): boolean {
  const { metric, withinMs, pauseIn, warnBeforeMs } = (target ?? {}) as Record<string, unknown>;
  const isPromise = slaMetrics.some((each) => each === metric) && Number.isSafeInteger(withinMs);
  return isPromise && Array.isArray(pauseIn) && Array.isArray(warnBeforeMs) && warnBeforeMs.every(Number.isSafeInteger);
}

/** The present versions of calendars, also of deleted ones. */
export async function presentCalendars(
  source: Source,
  ids: readonly string[],
): Promise<{ id: string; key: string; rule: CalendarRule }[]> {
  if (ids.length === 0) return [];
  const [rows = []] = await runStatements(source, readCalendars(ids));
  const calendars = await openStored(
    recordType<Calendar>('rapport/Calendar'),
    rows as unknown as StoredRecord<Calendar>[],
  );
  return calendars.map((calendar) => ({
    id: calendar.id,
    key: `calendars/${calendar.id}@${etagVersion(calendar.etag)}`,
    rule: calendarRule(calendar),
  }));
}

/** Keeps a definition under its key. */
export function keepDefinition(key: string, content: PolicyContent | CalendarRule): TransactionStatement {
  return {
    name: 'keep_sla_definition',
    sql: `insert into sla_definition (tenant_id, key, content) values ($1, $2, $3) on conflict (tenant_id, key) do nothing`,
    values: [currentCaller().tenantId, key, JSON.stringify(content)],
  };
}

function readDefinitions(keys: readonly string[]): Statement {
  return {
    name: 'sla_definitions',
    sql: 'select key, content from sla_definition where tenant_id = $1 and key = any ($2::text[])',
    values: [currentCaller().tenantId, [...keys]],
  };
}

function cacheKey(key: string): string {
  return `${currentCaller().tenantId} ${key}`;
}
