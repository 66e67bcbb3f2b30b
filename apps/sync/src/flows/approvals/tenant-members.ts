import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { UsersServiceService, type FindOwnersResponse } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError } from '@rapport/platform';

const callMs = 5_000;

/** Most ids of a call, as in the contract. */
const maxAsked = 1_000;

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

  /**
   * Which of these users exist in a tenant. Those who cannot sign in yet, or at present, are among them. All, if auth is of the
   * release before, which does not answer sync.
   */
  async existing(tenantId: string, userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { path } = UsersServiceService.findOwners;
    const found = new Set<string>();
    for (let index = 0; index < userIds.length; index += maxAsked) {
      const request = { tenantId, ids: userIds.slice(index, index + maxAsked) };
      const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
      try {
        const { principalIds } = (await this.auth.unary(path, request, options)) as FindOwnersResponse;
        for (const id of principalIds) found.add(id);
      } catch (error) {
        if (error instanceof AppError && error.code === 'PERMISSION_DENIED') return new Set(userIds);
        throw error;
      }
    }
    return found;
  }
}
