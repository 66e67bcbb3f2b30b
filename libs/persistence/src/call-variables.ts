import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, type CallCause } from '@rapport/platform';

/** The setting that tells PostgreSQL whose rows a transaction may see and write. */
export const tenantSetting = 'app.tenant_id';

/** The setting that tells the change log who makes a change, and why. */
const callSetting = 'app.call';

/**
 * The settings of every transaction that writes for the call that is being answered, by name: `app.tenant_id`, and
 * `app.call`, which the change log's triggers read. Set them with `set_config(name, value, true)`. None outside of an
 * authenticated call.
 */
export function callVariables(): Record<string, string> {
  const call = callContext.getStore();
  if (!call?.caller) return {};
  const { requestId, caller, cause } = call;
  const { origin = 'api', causationId, hop = 0 } = cause ?? {};
  return {
    [tenantSetting]: caller.tenantId,
    [callSetting]: JSON.stringify({ actor: caller.principalId, requestId, origin, causationId, hop }),
  };
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
