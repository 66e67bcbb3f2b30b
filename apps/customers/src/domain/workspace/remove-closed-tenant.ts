import type { EntityManager } from '@mikro-orm/postgresql';
import type { PrincipalVerifier } from '@rapport/contracts';
import type { RemoveClosedTenantResponse } from '@rapport/contracts/rapport/work/v1/workspace_service';
import { removeTenant, tenantSession, type RemovalPass } from '@rapport/persistence';
import { AppError, requireSync } from '@rapport/platform';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import type { Sealing } from '../../engine/sealing/sealing.js';

/** Issuer of tokens that prove that a tenant is closed. */
const closingPrincipal = 'service:closing';

/** Keys destroyed per statement, and duration of a call in milliseconds. */
const keys = { batchSize: 500, passMs: 2_000 };

/**
 * Removes a closed tenant's data from the databases of customers, for some seconds.
 *
 * @throws AppError PERMISSION_DENIED for a caller other than sync, and without proof that the tenant is closed
 */
export async function removeClosedTenant(
  em: EntityManager,
  sealing: Sealing,
  { principals, closingToken }: { principals: PrincipalVerifier; closingToken: string },
): Promise<RemoveClosedTenantResponse> {
  requireSync();
  const { tenantId, principalId } = await principals.verify(closingToken);
  if (principalId !== closingPrincipal) {
    throw new AppError('PERMISSION_DENIED', 'CLOSING_UNPROVEN', 'The token does not prove that a tenant is closed.');
  }
  const pace = BulkPace.of(em, tenantId);
  const pass = await removeTenant(em.fork({ session: tenantSession(tenantId) }), {
    tenantId,
    history: ['remove_changes', 'remove_audit'],
    step: (work) => pace.keep(work),
  });
  // Last: a change whose key is lost would block the readers of the change feed, those of other tenants too.
  return pass.rows === 0 && pass.isComplete ? removeKeys(sealing, tenantId) : pass;
}

async function removeKeys(sealing: Sealing, tenantId: string): Promise<RemovalPass> {
  const signal = AbortSignal.timeout(keys.passMs);
  let rows = 0;
  for (let removed = 1; removed > 0;) {
    if (signal.aborted) return { rows, isComplete: false };
    removed = (await sealing.keys?.removeTenant(tenantId, keys.batchSize)) ?? 0;
    rows += removed;
  }
  return { rows, isComplete: true };
}
