import { randomUUID } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { releaseEffects, runStatements, tenantSession } from '@rapport/persistence';

const callMs = 10_000;

/** Most runs of a call. */
const maxRuns = 1_000;

/** Releases what customers and sync keep under the effect keys of runs. A repetition finds nothing, and succeeds. */
export function effectReleaser(orm: MikroORM, customers: Pick<ContractClient, 'unary'>) {
  return async (tenantId: string, runIds: readonly string[]): Promise<void> => {
    for (let start = 0; start < runIds.length; start += maxRuns) {
      const some = runIds.slice(start, start + maxRuns);
      const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
      const { path } = ChangeFeedServiceService.releaseFlowEffects;
      await customers.unary(path, { tenantId, runIds: some }, options);
      const em = orm.em.fork({ session: tenantSession(tenantId) });
      await em.transactional((own) => runStatements(own, releaseEffects(tenantId, some)));
    }
  };
}
