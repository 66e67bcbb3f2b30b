import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { AppError } from '@rapport/platform';

const callMs = 5_000;

/** The users of tenants, by calls of auth. */
export class TenantMembers {
  constructor(private readonly auth: Pick<ContractClient, 'unary'>) {}

  /** Whether a user is one of a tenant, and can sign in. */
  async has(tenantId: string, userId: string): Promise<boolean> {
    const { path } = AuthServiceService.vouchForPrincipal;
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    try {
      await this.auth.unary(path, { tenantId, principalId: `user:${userId}` }, options);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.reason === 'PRINCIPAL_ENDED') return false;
      throw error;
    }
  }
}
