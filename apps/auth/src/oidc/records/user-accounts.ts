import type { EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import type { Account } from 'oidc-provider';
import { openSession } from '../../sign-in/sessions.js';
import type { Credentials, SignIn } from '../../sign-in/sign-in.js';
import { standInTenant, tenantOfWorkspace } from '../../storage/workspace.entity.js';
import type { OidcDatabase } from './oidc-database.js';

/** Lifetime of a session, in seconds. */
export const sessionSeconds = 86_400;

/** The parts of an account id. */
export interface SignedInUser {
  userId: string;
  /** The user's session epoch. Raising it invalidates all records with an earlier one. */
  epoch: number;
  /** UUID of the session, as in the user's list of sessions. */
  sessionId: string;
  tenantId: string;
}

/** The provider's id for a signed-in user, in each of its records: `<user>.<epoch>.<session>.<tenant>`. */
function formatAccountId({ userId, epoch, sessionId, tenantId }: SignedInUser): string {
  return `${userId}.${epoch}.${sessionId}.${tenantId}`;
}

export function parseAccountId(accountId: string): SignedInUser {
  const [userId = '', epoch, sessionId = '', tenantId = ''] = accountId.split('.');
  return { userId, epoch: Number(epoch), sessionId, tenantId };
}

/** Accounts of users who sign in through the provider. */
export class UserAccounts {
  constructor(
    private readonly em: EntityManager,
    private readonly database: OidcDatabase,
    private readonly signIn: SignIn,
  ) {}

  /**
   * The account, if it is still active in the tenant.
   *
   * @param endsWithSession whether its session must still exist
   */
  async find(tenantId: string, accountId: string, endsWithSession: boolean): Promise<Account | undefined> {
    const { userId, epoch, sessionId } = parseAccountId(accountId);
    const [row] = await this.database.rows(
      {
        name: 'find_signed_in_user',
        sql: `select from user_account account
          where tenant_id = $1 and id = $2 and session_epoch = $3 and state = 'ACTIVE' and (not $4 or exists (
            select from user_session session where session.tenant_id = account.tenant_id
              and session.user_id = account.id and session.id = $5 and session.expire_time > now()))`,
        values: [tenantId, userId, epoch, endsWithSession, sessionId],
      },
      tenantId,
    );
    return row && { accountId, claims: () => ({ sub: userId }) };
  }

  /** The tenant of a workspace, or its stand-in. */
  async tenantOf(workspace: string): Promise<string> {
    return (await tenantOfWorkspace(this.em.fork(), workspace)) ?? standInTenant(workspace);
  }

  /** The user and the workspace of a session, as claims of the console's ID tokens. */
  async profileOf({ tenantId, userId }: SignedInUser): Promise<Record<string, unknown>> {
    const [row] = await this.database.rows<Record<string, unknown>>(
      {
        name: 'find_profile',
        sql: `select account.display_name as name, account.email, account.locale, tenant.tenant_id,
            tenant.display_name as tenant_name, workspace.name as workspace
          from user_account account
          join tenant on tenant.tenant_id = account.tenant_id
          left join workspace on workspace.tenant_id = account.tenant_id
          where account.tenant_id = $1 and account.id = $2`,
        values: [tenantId, userId],
      },
      tenantId,
    );
    return Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null));
  }

  /**
   * Verifies credentials and opens a session. @returns the account id
   *
   * @throws AppError as `SignIn.verify` does
   */
  async open(credentials: Credentials, userAgent: string): Promise<string> {
    const { tenantId, address } = credentials;
    const em = this.em.fork({ session: tenantSession(tenantId) });
    const user = await this.signIn.verify(em, credentials);
    const expireTime = new Date(Date.now() + sessionSeconds * 1_000);
    const { id: sessionId } = await openSession(em, user, { expireTime, address, userAgent });
    return formatAccountId({ userId: user.id, epoch: user.sessionEpoch, sessionId, tenantId });
  }
}
