import type { EntityManager } from '@mikro-orm/postgresql';
import { compilePredicate, matchChange, type FilterPredicate, type FilterTable } from '@rapport/contracts/filters';
import type {
  ChangeMatch,
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
  { tenantId, filters, changes, withRecords }: MatchChangesRequest,
): Promise<MatchChangesResponse> {
  const matches = new Map<string, ChangeMatch>();
  const timeZone = await workspaceTimeZone(em, tenantId);
  for (const [name, own] of Map.groupBy(changes, ({ type }) => type)) {
    const places = [...filters.entries()].filter(([, { type }]) => type === name);
    const type = filteredType(types, name);
    if (!type || (places.length === 0 && !withRecords)) continue;
    const states = await changedStates(em, type, tenantId, own);
    const table = filterTableOf(type, await CustomFields.load(em, type, tenantId));
    const predicates = places.map(([place, { filter }]) => ({ place, predicate: predicateOf(filter, table) }));
    for (const { id } of own) {
      const state = states.get(id);
      const records = state && (await openedRecords(types, em, { name, tenantId, state }));
      matches.set(id, {
        ...matchOf(predicates, records && { ...records, now: state.time, timeZone }),
        ...(withRecords && records),
      });
    }
  }
  return { matches: changes.map(({ id }) => matches.get(id) ?? matchOf([], undefined)), timeZone };
}

interface PlacedPredicate {
  place: number;
  predicate: FilterPredicate | undefined;
}

interface ChangedRecords {
  before: Record<string, unknown> | undefined;
  after: Record<string, unknown> | undefined;
}

/** @param change undefined if its records are no longer known: all filters count as matched */
function matchOf(
  predicates: readonly PlacedPredicate[],
  change: (ChangedRecords & { now: Date; timeZone: string }) | undefined,
): ChangeMatch {
  const met = predicates.map(({ place, predicate }) => {
    const isMet = change && predicate && matchChange(predicate, change, change);
    return { place, before: isMet?.before ?? true, after: isMet?.after ?? true };
  });
  const placesOf = (those: typeof met) => those.map(({ place }) => place);
  return {
    filters: placesOf(met.filter(({ before, after }) => before || after)),
    beforeFilters: placesOf(met.filter(({ before }) => before)),
    afterFilters: placesOf(met.filter(({ after }) => after)),
    before: undefined,
    after: undefined,
  };
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

/** The record before and after a change, with decrypted values. */
async function openedRecords(
  types: LoggedTypes,
  em: EntityManager,
  { name, tenantId, state }: { name: string; tenantId: string; state: ChangedState },
): Promise<ChangedRecords> {
  const written = (values: StoredValues | undefined) => (values ? JSON.stringify(values) : null);
  const sealed = { tenant_id: tenantId, before: written(state.before), after: written(state.after) };
  const [opened = sealed] = await Sealing.of(em).openEntries(em, [sealed]);
  const record = (values: string | null) =>
    values === null ? undefined : types.recordJson(name, JSON.parse(values) as StoredValues);
  return { before: record(opened.before), after: record(opened.after) };
}
