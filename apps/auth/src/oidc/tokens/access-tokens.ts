import type { EntityManager } from '@mikro-orm/postgresql';
import type { PrincipalSigner } from '@rapport/contracts';
import type { AuthenticateApiKeyResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { commonPermissions } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { builtInRolesOf, rightsByGrants } from '../../access/principal-rights.js';
import type { Grant, Rights } from '../../access/rights.js';
import type { UserState } from '../../storage/user-account.entity.js';
import { consoleClientKey } from '../clients/client-id.js';
import { originsOfTenant } from '../clients/allowed-origins.js';
import { recordHash } from '../records/record-adapter.js';
import { principalId } from './store-access-token.js';
import type { KeySet, SigningKeys } from './signing-keys.js';
import { verifyAccessToken, type AccessTokenClaims } from './verify-access-token.js';

interface TokenRow {
  user_id: string | null;
  client_id: string;
  scope: string | null;
  /** Permissions of the client. */
  permissions: string[];
  plan: string;
  expire_ms: number;
  allowed_origins: string[];
  /** State of the user. Null for tokens without a user. */
  state: UserState | null;
  role_ids: string[] | null;
  team_id: string | null;
  /** Grants of the user's roles that the tenant has defined. Null without any. */
  own_grants: Grant[] | null;
}

/** Maximum number of cached verified tokens. */
const maxVerified = 10_000;

/** Finds the principal of an access token. */
export class AccessTokens {
  /** Claims by token. Verifying a signature costs several times as much as the lookup, and the edge looks up each token once a second. */
  readonly #verified = new LRUCache<string, AccessTokenClaims>({ max: maxVerified });
  /** The keys that verified the cached tokens. */
  #verifying: KeySet['verifying'] | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly keys: SigningKeys,
    private readonly issuer: string,
    private readonly principals: PrincipalSigner,
  ) {}

  /** Undefined when the token, its grant, session, user or client is no longer valid. */
  async find(token: string): Promise<AuthenticateApiKeyResponse | undefined> {
    const claims = await this.#claimsOf(token);
    if (!claims) return undefined;
    const { jti, tenantId } = claims;
    const hashes = ['AccessToken', 'ClientCredentials'].map((kind) => recordHash(kind, jti));
    const [row] = await readForTenant<TokenRow>(this.em.fork({ session: tenantSession(tenantId) }), {
      name: 'find_access_token',
      sql: findSql,
      values: [tenantId, ...hashes],
    });
    const rights = row && rightsOf(row);
    if (!rights) return undefined;
    const principal = principalId(row.user_id, row.client_id);
    const inConsole = row.client_id === consoleClientKey && { inConsole: true };
    return {
      tenantId,
      principalId: principal,
      permissions: [...rights.permissions],
      expireTime: new Date(Math.round(row.expire_ms)).toISOString(),
      plan: row.plan,
      principalToken: this.principals.sign({ tenantId, principalId: principal, ...rights, ...inConsole }),
      allowedOrigins: row.allowed_origins,
    };
  }

  /** Undefined for a token that has expired or that no published key has signed. */
  async #claimsOf(token: string): Promise<AccessTokenClaims | undefined> {
    const { verifying } = await this.keys.current();
    // A token becomes invalid when its key is no longer published.
    if (this.#verifying !== verifying) this.#verified.clear();
    this.#verifying = verifying;
    const known = this.#verified.get(token);
    if (known) return known.expireTime > Date.now() ? known : undefined;
    const claims = await verifyAccessToken(token, this.issuer, verifying);
    if (claims && this.#verifying === verifying) this.#verified.set(token, claims);
    return claims;
  }
}

/** The intersection of the token's scope, the client's permissions and the user's current rights. The console has all of the user's. */
function rightsOf(row: TokenRow): Rights | undefined {
  const granted = row.scope?.split(' ') ?? [];
  const permissions = commonPermissions(row.permissions, granted);
  if (row.user_id === null) return { permissions, recordScope: 'ALL', teamIds: [], hidesPii: false };
  if (row.state !== 'ACTIVE') return undefined;
  const grants = [...builtInRolesOf(row.role_ids ?? []), ...(row.own_grants ?? [])];
  const ofUser = rightsByGrants(grants, row.team_id);
  if (row.client_id === consoleClientKey) return ofUser;
  return { ...ofUser, permissions: commonPermissions(permissions, ofUser.permissions) };
}

// A token without offline_access ends with its session, also when the user has signed in again since.
const findSql = `
  select token.user_id, token.client_id, token.payload ->> 'scope' as scope, client.permissions, tenant.plan,
    extract(epoch from token.expire_time)::float8 * 1000 as expire_ms,
    ${originsOfTenant} as allowed_origins,
    account.state, account.role_ids, account.team_id,
    (select json_agg(json_build_object(
        'permissions', role.permissions, 'recordScope', role.record_scope, 'hidesPii', role.hides_pii))
      from role where role.tenant_id = $1 and role.id::text = any (account.role_ids)) as own_grants
  from oidc_record token
  join oauth_client client on client.tenant_id = token.tenant_id and client.id = token.client_id
  join tenant on tenant.tenant_id = token.tenant_id
  left join user_account account on account.tenant_id = token.tenant_id and account.id = token.user_id
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
    and (token.user_id is null
      or account.session_epoch::text = split_part(token.payload ->> 'accountId', '.', 2))`;
