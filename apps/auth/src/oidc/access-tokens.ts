import type { EntityManager } from '@mikro-orm/postgresql';
import type { PrincipalSigner } from '@rapport/contracts';
import type { AuthenticateApiKeyResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { tenantSession } from '@rapport/persistence';
import { rightsOfUser } from '../rights/principal-rights.js';
import type { Rights } from '../rights/rights.js';
import { originsOfTenant } from './allowed-origins.js';
import { principalId } from './keep-access-token.js';
import type { OidcDatabase } from './oidc-database.js';
import { recordHash } from './record-adapter.js';
import type { SigningKeys } from './signing-keys.js';
import { verifyAccessToken } from './verify-access-token.js';

interface TokenRow {
  user_id: string | null;
  client_id: string;
  scope: string | null;
  /** What the client may have. */
  permissions: string[];
  plan: string;
  expire_ms: number;
  allowed_origins: string[];
}

/** Tells whom the access tokens stand for that clients show to the API. */
export class AccessTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly database: OidcDatabase,
    private readonly keys: SigningKeys,
    private readonly issuer: string,
    private readonly principals: PrincipalSigner,
  ) {}

  /** Undefined when the token, its grant, its session, its user or its client no longer stands. */
  async find(token: string): Promise<AuthenticateApiKeyResponse | undefined> {
    const { verifying } = await this.keys.current();
    const claims = await verifyAccessToken(token, this.issuer, verifying);
    if (!claims) return undefined;
    const { jti, tenantId } = claims;
    const hashes = ['AccessToken', 'ClientCredentials'].map((kind) => recordHash(kind, jti));
    const statement = { name: 'find_access_token', sql: findSql, values: [tenantId, ...hashes] };
    const [row] = await this.database.rows<TokenRow>(statement, tenantId);
    if (!row) return undefined;
    const rights = await this.#rightsOf(tenantId, row);
    if (!rights) return undefined;
    const principal = principalId(row.user_id, row.client_id);
    return {
      tenantId,
      principalId: principal,
      permissions: [...rights.permissions],
      expireTime: new Date(Math.round(row.expire_ms)).toISOString(),
      plan: row.plan,
      principalToken: this.principals.sign({ tenantId, principalId: principal, ...rights }),
      allowedOrigins: row.allowed_origins,
    };
  }

  /** No more than the scope of the token, the permissions of the client, and the rights of the user allow now. */
  async #rightsOf(tenantId: string, row: TokenRow): Promise<Rights | undefined> {
    const granted = row.scope?.split(' ') ?? [];
    const permissions = row.permissions.filter((permission) => granted.includes(permission));
    if (row.user_id === null) return { permissions, recordScope: 'ALL', teamIds: [], hidesPii: false };
    const em = this.em.fork({ session: tenantSession(tenantId) });
    const ofUser = await rightsOfUser(em, row.user_id);
    return ofUser && { ...ofUser, permissions: permissions.filter((each) => ofUser.permissions.includes(each)) };
  }
}

// A token without offline_access ends with the session of its user, who may have signed in again since.
const findSql = `
  select token.user_id, token.client_id, token.payload ->> 'scope' as scope, client.permissions, tenant.plan,
    extract(epoch from token.expire_time)::float8 * 1000 as expire_ms,
    ${originsOfTenant('$1')} as allowed_origins
  from oidc_record token
  join oauth_client client on client.tenant_id = token.tenant_id and client.id = token.client_id
  join tenant on tenant.tenant_id = token.tenant_id
  where token.hash in ($2, $3) and token.tenant_id = $1 and token.expire_time > now()
    and (token.grant_hash is null or exists (
      select from oidc_record owner where owner.hash = token.grant_hash and owner.expire_time > now()))
    and (token.uid_hash is null or exists (
      select from oidc_record session where session.uid_hash = token.uid_hash and session.kind = 'Session'
        and session.payload ->> 'accountId' = token.payload ->> 'accountId' and session.expire_time > now()))
    and (token.uid_hash is null or exists (
      select from user_session where user_session.tenant_id = token.tenant_id
        and user_session.user_id = token.user_id and user_session.expire_time > now()
        and user_session.id::text = split_part(token.payload ->> 'accountId', '.', 3)))
    and (token.user_id is null or exists (
      select from user_account where user_account.tenant_id = token.tenant_id and user_account.id = token.user_id
        and user_account.session_epoch::text = split_part(token.payload ->> 'accountId', '.', 2)))`;
