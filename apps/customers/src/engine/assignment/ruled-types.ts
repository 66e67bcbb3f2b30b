/** How long a process may miss that another one has created or changed a rule. */
const stalenessMs = 1_000;

/** Most tenants whose types a process caches. */
const maxKnown = 100_000;

interface Known {
  /** Names of the record types with active rules. Undefined while a change of a rule may not be committed yet. */
  types: ReadonlySet<string> | undefined;
  untilMs: number;
}

const knownTenants = new Map<string, Known>();

/**
 * Whether a tenant may have active rules for a type of records: undefined if that must be read. Creating records in a tenant
 * without rules thus takes no statement.
 */
export function mayHaveRules(tenantId: string, type: string): boolean | undefined {
  const known = knownTenants.get(tenantId);
  return known && known.untilMs > performance.now() ? known.types?.has(type) : undefined;
}

/** @param types names of the record types that have active rules in the tenant */
export function noteRuledTypes(tenantId: string, types: readonly string[]): void {
  const known = knownTenants.get(tenantId);
  if (known && known.types === undefined && known.untilMs > performance.now()) return;
  put(tenantId, new Set(types));
}

/** Rules of the tenant change in an open transaction: what is read meanwhile is not cached. */
export function forgetRuledTypes(tenantId: string): void {
  put(tenantId, undefined);
}

function put(tenantId: string, types: Known['types']): void {
  if (knownTenants.size >= maxKnown) knownTenants.clear();
  knownTenants.set(tenantId, { types, untilMs: performance.now() + stalenessMs });
}
