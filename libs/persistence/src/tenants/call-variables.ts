import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, ownersSeenBy, traceparentOf, type CallCause } from '@rapport/platform';
import type { Statement } from '../driver/pipeline.js';

/** The setting with the tenant whose rows a transaction can read and write. Row-level security uses it. */
export const tenantSetting = 'app.tenant_id';

/**
 * The setting with the owners whose records a transaction can read and write: an array of the ids of users, API keys
 * and teams. Empty means all records, as for callers with the scope ALL and for background work.
 */
export const ownersSetting = 'app.owner_ids';

/** The setting with the actor and cause of a change, for the change log. */
const callSetting = 'app.call';

/** The setting with the trace of a change, for the change log. Absent outside of traces. */
const traceSetting = 'app.traceparent';

/**
 * The settings of every transaction that writes for the current call, by name: `app.tenant_id`, `app.owner_ids` when
 * the caller is limited to some owners, and `app.call` and `app.traceparent`, which the change log's triggers read. Set
 * them with `set_config(name, value, true)`. None outside of an authenticated call.
 */
export function callVariables(): Record<string, string> {
  const call = callContext.getStore();
  if (!call?.caller) return {};
  const { requestId, caller, cause } = call;
  const { origin = 'api', causationId, hop = 0 } = cause ?? {};
  const owners = ownersSeenBy(caller);
  const traceparent = traceparentOf();
  return {
    [tenantSetting]: caller.tenantId,
    ...(owners && { [ownersSetting]: `{${owners.join(',')}}` }),
    [callSetting]: JSON.stringify({ actor: caller.principalId, requestId, origin, causationId, hop }),
    ...(traceparent && { [traceSetting]: traceparent }),
  };
}

/**
 * The session of an EntityManager for one tenant: `em.fork({ session: tenantSession(id) })`. Its changes are attributed
 * to the current call, if there is one.
 *
 * @param tenantId UUID
 */
export function tenantSession(tenantId: string): { variables: Record<string, string> } {
  return { variables: { ...callVariables(), [tenantSetting]: tenantId } };
}

/**
 * Runs work whose cause differs from that of the current call: changes by `em` and its forks are logged with it, and
 * `callVariables` returns it meanwhile.
 *
 * @param em not in a transaction
 */
export function causedBy<Result>(em: EntityManager, cause: CallCause, work: () => Promise<Result>): Promise<Result> {
  const call = callContext.getStore();
  if (!call) throw new Error('There is no current call.');
  return callContext.run({ ...call, cause: { ...call.cause, ...cause } }, () => {
    em.setSessionContext({ variables: callVariables() });
    return work();
  });
}

/**
 * Lets the rest of a transaction read and write the records of every owner. Use it for the consequences of a change,
 * after checking that the caller can make the change.
 */
export const beyondScope: Statement = {
  name: 'beyond_scope',
  sql: `select set_config('${ownersSetting}', '', true)`,
};

/**
 * An EntityManager that sees the records of every owner of the caller's tenant, for the dependents of a record that the
 * caller can see.
 */
export function forkBeyondScope(em: EntityManager): EntityManager {
  return em.fork({ session: { variables: { ...callVariables(), [ownersSetting]: '' } } });
}
