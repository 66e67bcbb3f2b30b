import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, seesSomeOnly } from '@rapport/platform';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { Tenant } from '../storage/tenant.entity.js';
import { Workspace } from '../storage/workspace.entity.js';

/**
 * Closes the caller's tenant. Every lookup of a credential joins the tenant's row, and every sign-in starts at the workspace's row:
 * without these two rows no credential of the tenant is valid.
 *
 * @param confirmedId the tenant's id as given by the caller
 * @returns the time at which it was closed
 * @throws AppError FAILED_PRECONDITION TENANT_ID_DIFFERS, PERMISSION_DENIED RECORD_SCOPE_UNSUPPORTED
 */
export async function closeTenant(em: EntityManager, confirmedId: string): Promise<Date> {
  const { tenantId, principalId } = currentCaller();
  if (seesSomeOnly()) {
    const message = 'Only callers with access to all records can close the workspace.';
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message);
  }
  if (confirmedId.toLowerCase() !== tenantId) {
    const message = 'The confirming id is not the id of this tenant.';
    throw new AppError('FAILED_PRECONDITION', 'TENANT_ID_DIFFERS', message);
  }
  const requestTime = new Date();
  await em.transactional(async (transaction) => {
    const closed = await transaction.nativeDelete(Tenant, { id: tenantId });
    // A concurrent call has closed the workspace.
    if (closed === 0) throw new AppError('UNAUTHENTICATED', 'CREDENTIALS_ENDED', 'The workspace is closed.');
    await transaction.nativeDelete(Workspace, { tenantId });
    const requester = createHash('sha256').update(principalId).digest();
    await transaction.execute(
      'insert into closed_tenant (id, request_time, requester_hash, found_time) values (?, ?, ?, ?)',
      [tenantId, requestTime, requester, requestTime],
    );
    await recordSecurityEvent(transaction, { kind: 'WORKSPACE_CLOSED', outcome: 'SUCCESS' });
  });
  return requestTime;
}
