import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, ownersSeenBy, traceparentOf, type CallCause } from '@rapport/platform';
import type { Statement } from '../driver/pipeline.js';

/** The setting that tells PostgreSQL whose rows a transaction may see and write. */
export const tenantSetting = 'app.tenant_id';

/**
 * The setting that tells PostgreSQL whose records a transaction may see and write: an array of the ids of users, API keys and
 * teams. All records while it is empty, as it is for callers with the scope ALL and for work that no call asked for.
 */
export const ownersSetting = 'app.owner_ids';

/** The setting that tells the change log who makes a change, and why. */
const callSetting = 'app.call';

/** The setting that tells the change log in which trace a change is made. Absent outside of traces. */
const traceSetting = 'app.traceparent';

/**
 * The settings of every transaction that writes for the call that is being answered, by name: `app.tenant_id`,
 * `app.owner_ids` when the caller may see some records only, and `app.call` and `app.traceparent`, which the change log's triggers read. Set them with `set_config(name, value, true)`. None outside of an
 * authenticated call.
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
 * The session of an EntityManager that works for one tenant: `em.fork({ session: tenantSession(id) })`. What it changes is
 * logged as the doing of the call that is being answered, if there is one.
 *
 * @param tenantId UUID
 */
export function tenantSession(tenantId: string): { variables: Record<string, string> } {
  return { variables: { ...callVariables(), [tenantSetting]: tenantId } };
}

/**
 * Does work of which the cause is another than that of the call which is being answered: what `em` and its forks change is
 * logged with it, and so is what `callVariables` is asked for meanwhile.
 *
 * @param em not in a transaction
 */
export function causedBy<Result>(em: EntityManager, cause: CallCause, work: () => Promise<Result>): Promise<Result> {
  const call = callContext.getStore();
  if (!call) throw new Error('No call is being answered.');
  return callContext.run({ ...call, cause: { ...call.cause, ...cause } }, () => {
    em.setSessionContext({ variables: callVariables() });
    return work();
  });
}

/**
 * Lets the rest of a transaction see and write the records of every owner: for what follows from a change wherever it leads,
 * once it is settled that the caller may make the change.
 */
export const beyondScope: Statement = {
  name: 'beyond_scope',
  sql: `select set_config('${ownersSetting}', '', true)`,
};

/** An EntityManager that sees the records of every owner of the caller's tenant: for what belongs to a record that it may see. */
export function forkBeyondScope(em: EntityManager): EntityManager {
  return em.fork({ session: { variables: { ...callVariables(), [ownersSetting]: '' } } });
}
