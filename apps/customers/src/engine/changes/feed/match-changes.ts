import type { EntityManager } from '@mikro-orm/postgresql';
import { compilePredicate, matchChange, type FilterPredicate, type FilterTable } from '@rapport/contracts/filters';
import type {
  MatchChangesRequest,
  MatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { AppError } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import { filterTableOf } from '../../fields/filter-fields.js';
import { workspaceTimeZone } from '../../query/workspace-time-zone.js';
import { Sealing } from '../../sealing/sealing.js';
import { changedStates, type ChangedState } from '../history/changed-states.js';
import type { LoggedTypes } from '../log/logged-types.js';
import type { StoredValues } from '../log/stored-values.js';
import { filteredType } from './record-filters.js';

/**
 * Handles MatchChanges. Custom field definitions are read after the records, so that none is older than their values.
 *
 * @param em with the session of the tenant
 */
export async function matchChanges(
  types: LoggedTypes,
  em: EntityManager,
  { tenantId, filters, changes }: MatchChangesRequest,
): Promise<MatchChangesResponse> {
  const met = new Map<string, number[]>();
  const timeZone = await workspaceTimeZone(em, tenantId);
  for (const [name, own] of Map.groupBy(changes, ({ type }) => type)) {
    const places = [...filters.entries()].filter(([, { type }]) => type === name);
    const type = filteredType(types, name);
    if (!type || places.length === 0) continue;
    const states = await changedStates(em, type, tenantId, own);
    const table = filterTableOf(type, await CustomFields.load(em, type, tenantId));
    const predicates = places.map(([place, { filter }]) => ({ place, predicate: predicateOf(filter, table) }));
    for (const { id } of own) {
      const state = states.get(id);
      const isMet = state && (await stateMatcher(types, em, { name, tenantId, timeZone, state }));
      const of = predicates.filter(({ predicate }) => !isMet || !predicate || isMet(predicate));
      met.set(
        id,
        of.map(({ place }) => place),
      );
    }
  }
  return { matches: changes.map(({ id }) => ({ filters: met.get(id) ?? [] })) };
}

/** Undefined for a stored filter that has become invalid. */
function predicateOf(filter: string, table: FilterTable): FilterPredicate | undefined {
  try {
    return compilePredicate(filter, table);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** @returns whether a predicate matches before or after a change */
async function stateMatcher(
  types: LoggedTypes,
  em: EntityManager,
  { name, tenantId, timeZone, state }: { name: string; tenantId: string; timeZone: string; state: ChangedState },
): Promise<(predicate: FilterPredicate) => boolean> {
  const written = (values: StoredValues | undefined) => (values ? JSON.stringify(values) : null);
  const sealed = { tenant_id: tenantId, before: written(state.before), after: written(state.after) };
  const [opened = sealed] = await Sealing.of(em).openEntries(em, [sealed]);
  const record = (values: string | null) =>
    values === null ? undefined : types.recordJson(name, JSON.parse(values) as StoredValues);
  const change = { before: record(opened.before), after: record(opened.after) };
  return (predicate) => {
    const { before, after } = matchChange(predicate, change, { now: state.time, timeZone });
    return before || after;
  };
}
