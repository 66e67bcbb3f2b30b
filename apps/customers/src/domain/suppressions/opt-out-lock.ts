import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, withConnection, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/*
 * Claims of mail read what forbids it, and commit later. An opt-out that commits in between would be answered, and the mail be
 * claimed all the same. So claims hold a lock of the tenant together, and an opt-out that has committed waits until those that
 * hold it have ended, before it is answered: later claims see it, as their statements behind the lock read what was committed
 * before (READ COMMITTED). It waits without any other lock, so that it is in no deadlock and delays no claim.
 *
 * One lock for the tenant, not one for each customer: a claim of 500 recipients would write 500 row locks to the heap, and wait
 * for every other change of these customers.
 */

/** Lets opt-outs wait for the open transaction, which claims mail. Before it reads what forbids mail. */
export function holdOptOuts(): TransactionStatement {
  return {
    name: 'hold_opt_outs',
    sql: `select pg_advisory_xact_lock_shared(hashtextextended('opt-out ' || $1, 0))`,
    values: [currentCaller().tenantId],
  };
}

/** Waits for the claims under way. After the commit of an opt-out, and before its answer. */
export async function claimsEnded(em: EntityManager): Promise<void> {
  const { tenantId } = currentCaller();
  await withConnection(em, (client) =>
    pipeline(client, [
      {
        name: 'await_claims',
        sql: `select pg_advisory_xact_lock(hashtextextended('opt-out ' || $1, 0))`,
        values: [tenantId],
      },
    ]),
  );
}
