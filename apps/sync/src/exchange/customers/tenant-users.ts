import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  UsersServiceService as Methods,
  type ListUsersResponse,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import type { FieldRule } from '../mappings/field-rule.js';
import type { Users } from '../mappings/lenses/naming-lenses.js';
import type { PrincipalTokens } from './principal-tokens.js';

const callMs = 10_000;
const pageSize = 200;

/** The users of a tenant, who own customers. */
export class TenantUsers {
  constructor(
    private readonly auth: Pick<ContractClient, 'unary'>,
    private readonly tokens: PrincipalTokens,
  ) {}

  /**
   * Loads the users that a mapping needs; undefined when it exchanges no owners.
   *
   * @param principalId principal that the connection acts as
   * @throws AppError PERMISSION_DENIED when that principal cannot read users
   */
  async ofMapping(rules: readonly FieldRule[], tenantId: string, principalId: string): Promise<Users | undefined> {
    if (!rules.some(({ customerField }) => customerField === 'ownerId')) return undefined;
    const [emails, ids] = [new Map<string, string>(), new Map<string, string>()];
    let pageToken: string | undefined;
    do {
      const context = { requestId: randomUUID(), principalToken: await this.tokens.of(tenantId, principalId) };
      const request = { pageSize, pageToken };
      const answer = await this.auth.unary(Methods.listUsers.path, request, { context, deadlineMs: callMs });
      const { users, nextPageToken } = answer as ListUsersResponse;
      for (const { id, email } of users) {
        emails.set(id, email);
        ids.set(email, id);
      }
      pageToken = nextPageToken;
    } while (pageToken !== undefined);
    return { emailOf: (id) => emails.get(id), idOf: (email) => ids.get(email) };
  }
}
