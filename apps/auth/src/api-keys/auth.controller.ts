import { timingSafeEqual } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { ImplementsService, PrincipalSigner, tenantOfApiKey, type ServiceHandlers } from '@rapport/contracts';
import {
  AuthServiceService,
  type ApiKey as ApiKeyMessage,
  type AuthenticateAccessTokenRequest,
  type AuthenticateApiKeyRequest,
  type AuthenticateApiKeyResponse,
  type AuthServiceServer,
  type CreateApiKeyRequest,
  type GetApiKeyRequest,
  type ListApiKeysRequest,
  type ListApiKeysResponse,
  type ListAllowedOriginsRequest,
  type ListAllowedOriginsResponse,
  type RevokeApiKeyRequest,
  type RotateApiKeyRequest,
  type Tenant as TenantMessage,
  type UpdateTenantRequest,
  type UserContact,
  type VouchForAddressRequest,
  type VouchForAddressResponse,
  type VouchForPrincipalRequest,
  type VouchForPrincipalResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { readForTenant, readPageToken, signPageToken, tenantSession } from '@rapport/persistence';
import {
  AppError,
  callContext,
  checkCredentialManagement,
  currentCaller,
  invalidArgument,
  requireSync,
} from '@rapport/platform';
import { ApiKey } from '../storage/api-key.entity.js';
import { rightsOfApiKey } from '../access/principal-rights.js';
import { AccessTokens } from '../oidc/tokens/access-tokens.js';
import { originsOfTenant } from '../oidc/clients/allowed-origins.js';
import { checkEscalation } from '../access/check-escalation.js';
import { findPrincipal } from '../access/find-principal.js';
import type { RecordScope } from '../storage/record-scope.js';
import { Secrets } from '../storage/secrets.js';
import { BoundedEvents } from '../security-events/bounded-events.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { renameTenant } from '../tenants/rename-tenant.js';
import { Tenant } from '../storage/tenant.entity.js';
import { emailKey, UserAccount } from '../storage/user-account.entity.js';
import { apiKeyMessage } from './api-key-message.js';
import { issueApiKey, rotateApiKey } from './issue-api-key.js';
import { checkApiKey } from './check-api-key.js';
import { hashApiKey } from './api-key-text.js';

/** Largest page of ListAllowedOrigins. */
const maxOrigins = 5_000;

@Controller()
@ImplementsService(AuthServiceService)
export class AuthController implements ServiceHandlers<AuthServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly secrets: Secrets,
    private readonly events: BoundedEvents,
    private readonly principals: PrincipalSigner,
    private readonly accessTokens: AccessTokens,
  ) {}

  async authenticateApiKey({ key }: AuthenticateApiKeyRequest): Promise<AuthenticateApiKeyResponse> {
    const tenantId = tenantOfApiKey(key);
    const usable = tenantId === undefined ? undefined : await this.#findUsable(tenantId, key);
    if (usable) return usable;
    const reason = 'API_KEY_INVALID';
    if (tenantId !== undefined) {
      this.events.recordLater(tenantId, {
        kind: 'AUTHENTICATION_FAILED',
        outcome: 'DENIED',
        reason,
        principalId: 'anonymous',
      });
    }
    throw new AppError('UNAUTHENTICATED', reason, 'The API key is not valid.');
  }

  async authenticateAccessToken({ token }: AuthenticateAccessTokenRequest): Promise<AuthenticateApiKeyResponse> {
    const usable = await this.accessTokens.find(token);
    if (!usable) throw new AppError('UNAUTHENTICATED', 'ACCESS_TOKEN_INVALID', 'The access token is not valid.');
    return usable;
  }

  async listAllowedOrigins({
    pageSize = maxOrigins,
    after = '',
  }: ListAllowedOriginsRequest): Promise<ListAllowedOriginsResponse> {
    const rows = await readForTenant<{ origin: string }>(this.em, {
      name: 'list_allowed_origins',
      sql: 'select distinct origin from allowed_origin where origin > $1 order by origin limit $2',
      values: [after, pageSize],
    });
    return { origins: rows.map(({ origin }) => origin) };
  }

  async vouchForPrincipal(request: VouchForPrincipalRequest): Promise<VouchForPrincipalResponse> {
    requireSync();
    const { tenantId, principalId, withContact = false } = request;
    const principal = await findPrincipal(this.em, tenantId, principalId);
    const contact = withContact ? await contactOf(this.em, tenantId, principalId) : undefined;
    return { principalToken: this.principals.sign(principal), contact };
  }

  async vouchForAddress({ tenantId, address }: VouchForAddressRequest): Promise<VouchForAddressResponse> {
    requireSync();
    const ofTenant = this.em.fork({ session: tenantSession(tenantId) });
    const user = await ofTenant.findOne(UserAccount, { tenantId, email: emailKey(address), state: 'ACTIVE' });
    if (!user) return { principalToken: undefined };
    const principal = await findPrincipal(this.em, tenantId, `user:${user.id}`);
    return { principalToken: this.principals.sign(principal) };
  }

  async getTenant(): Promise<TenantMessage> {
    return tenantMessage(await this.em.findOneOrFail(Tenant, { id: currentCaller().tenantId }));
  }

  async updateTenant({ tenant, updateMask }: UpdateTenantRequest): Promise<TenantMessage> {
    return tenantMessage(await renameTenant(this.em, tenant, updateMask));
  }

  async createApiKey({ apiKey: wanted }: CreateApiKeyRequest): Promise<ApiKeyMessage> {
    if (!wanted) throw invalidArgument([{ field: 'apiKey', reason: 'REQUIRED', description: 'is required' }]);
    checkCredentialManagement();
    const checked = await checkApiKey(this.em, wanted);
    const { apiKey, key } = await issueApiKey(this.em, this.secrets.apiKeyHmacKeys.current, checked);
    return apiKeyMessage(apiKey, key);
  }

  async getApiKey({ id }: GetApiKeyRequest): Promise<ApiKeyMessage> {
    return apiKeyMessage(await findApiKey(this.em, id));
  }

  async listApiKeys({ pageSize = 50, pageToken }: ListApiKeysRequest): Promise<ListApiKeysResponse> {
    const { tenantId } = currentCaller();
    const binding = `ListApiKeys ${tenantId}`;
    const [after] = pageToken === undefined ? [] : readPageToken(this.secrets.pageTokenKey, binding, pageToken);
    // UUIDv7 ids are ordered by creation time, so the primary key orders the API keys by age.
    const apiKeys = await this.em.find(
      ApiKey,
      { tenantId, ...(after ? { id: { $lt: after } } : {}) },
      { orderBy: { id: 'desc' }, limit: pageSize + 1 },
    );
    const page = apiKeys.slice(0, pageSize);
    const last = apiKeys.length > pageSize ? page.at(-1) : undefined;
    return {
      apiKeys: page.map((apiKey) => apiKeyMessage(apiKey)),
      nextPageToken: last && signPageToken(this.secrets.pageTokenKey, binding, [last.id]),
    };
  }

  async rotateApiKey({ id, graceSeconds = 86_400 }: RotateApiKeyRequest): Promise<ApiKeyMessage> {
    checkCredentialManagement();
    return this.em.transactional(async (em) => {
      const apiKey = await findApiKey(em, id, LockMode.PESSIMISTIC_WRITE);
      const now = Date.now();
      if (apiKey.revokeTime || (apiKey.expireTime && apiKey.expireTime.getTime() <= now)) {
        throw new AppError('FAILED_PRECONDITION', 'API_KEY_ENDED', 'The API key is revoked or expired.');
      }
      checkEscalation(rightsOfApiKey(apiKey));
      const key = rotateApiKey(apiKey, this.secrets.apiKeyHmacKeys.current, new Date(now + graceSeconds * 1_000));
      const detail = { graceSeconds };
      await recordSecurityEvent(em, { kind: 'API_KEY_ROTATED', outcome: 'SUCCESS', records: [`apiKey/${id}`], detail });
      return apiKeyMessage(apiKey, key);
    });
  }

  /** Requires none of the key's own permissions: revoking grants nothing, and any key manager must be able to revoke a leaked key. */
  async revokeApiKey({ id }: RevokeApiKeyRequest): Promise<ApiKeyMessage> {
    return this.em.transactional(async (em) => {
      const { tenantId } = currentCaller();
      const revoked = await em.nativeUpdate(ApiKey, { tenantId, id, revokeTime: null }, { revokeTime: new Date() });
      const apiKey = await findApiKey(em, id);
      if (revoked > 0) {
        await recordSecurityEvent(em, { kind: 'API_KEY_REVOKED', outcome: 'SUCCESS', records: [`apiKey/${id}`] });
      }
      return apiKeyMessage(apiKey);
    });
  }

  /** The principal of a valid key. One statement, because the edge looks up each key in use once a second. */
  async #findUsable(tenantId: string, key: string): Promise<AuthenticateApiKeyResponse | undefined> {
    const em = this.em.fork({ session: tenantSession(tenantId) });
    const { apiKeyHmacKeys } = this.secrets;
    const known = await apiKeyHmacKeys.findLater((hmacKey) => findByHash(em, tenantId, hashApiKey(hmacKey, key)));
    if (!known) return undefined;
    const { found: row, isRetired } = known;
    const expireTime = row.expire_ms === null ? undefined : new Date(Math.round(row.expire_ms));
    if (expireTime && expireTime.getTime() <= Date.now()) return undefined;
    // In the background: the next use repeats an update that fails.
    if (!row.is_use_recent) {
      const { current, currentId: keyId } = apiKeyHmacKeys;
      const renewed = { hash: isRetired ? hashApiKey(current, key) : row.hash, keyId };
      // Outside the call, whose connections are those of reads: a commit may wait for a standby.
      void callContext.exit(() => recordUse(em, row, renewed)).catch(() => undefined);
    }
    const { permissions, plan, record_scope: recordScope, team_id: teamId, hides_pii: hidesPii } = row;
    const { allowed_origins: allowedOrigins } = row;
    const principalId = `apiKey:${row.id}`;
    const rights = rightsOfApiKey({ permissions, recordScope, teamId, hidesPii });
    const principalToken = this.principals.sign({ tenantId, principalId, ...rights });
    const expires = expireTime?.toISOString();
    return { tenantId, principalId, permissions, expireTime: expires, plan, principalToken, allowedOrigins };
  }
}

interface UsableKey {
  id: string;
  hash: Buffer;
  permissions: string[];
  record_scope: RecordScope;
  team_id: string | null;
  hides_pii: boolean;
  plan: string;
  expire_ms: number | null;
  is_use_recent: boolean | null;
  allowed_origins: string[];
}

/** The usable key with a hash; undefined when there is none. */
async function findByHash(em: EntityManager, tenantId: string, hash: Buffer): Promise<UsableKey | undefined> {
  const [row] = await readForTenant<UsableKey>(em, {
    name: 'find_usable_key',
    sql: `select k.id, k.permissions, k.record_scope, k.team_id, k.hides_pii, t.plan,
        case when k.hash = $2 then k.hash else k.previous_hash end as hash,
        case when k.hash = $2 then extract(epoch from k.expire_time)::float8
          else extract(epoch from least(k.expire_time, k.previous_expire_time))::float8 end * 1000 as expire_ms,
        k.last_use_time > now() - interval '1 minute' as is_use_recent,
        ${originsOfTenant} as allowed_origins
      from api_key k join tenant t using (tenant_id)
      where k.tenant_id = $1 and (k.hash = $2 or k.previous_hash = $2) and k.revoke_time is null`,
    values: [tenantId, hash],
  });
  return row && timingSafeEqual(row.hash, hash) ? row : undefined;
}

/** @param renewed the hash under the current key, so that a retired one is needed no longer */
function recordUse(em: EntityManager, { id, hash }: UsableKey, renewed: RenewedHash): Promise<unknown> {
  return em.transactional((transaction) =>
    transaction.execute(
      `update api_key set last_use_time = now(), hash = case when hash = ? then ? else hash end,
        hash_key_id = case when hash = ? then ? else hash_key_id end,
        previous_hash = case when previous_hash = ? then ? else previous_hash end,
        previous_hash_key_id = case when previous_hash = ? then ? else previous_hash_key_id end
      where id = ? and (last_use_time is null or last_use_time <= now() - interval '1 minute')`,
      [...[hash, renewed.hash, hash, renewed.keyId], ...[hash, renewed.hash, hash, renewed.keyId], id],
    ),
  );
}

function tenantMessage({ id, displayName, createTime, plan }: Tenant): TenantMessage {
  return { id, displayName, createTime: createTime.toISOString(), plan };
}

interface RenewedHash {
  hash: Buffer;
  keyId: string;
}

/** Row-level security hides the keys of other tenants, so they are NOT_FOUND like keys that do not exist. */
async function findApiKey(em: EntityManager, id: string, lockMode = LockMode.NONE): Promise<ApiKey> {
  const apiKey = await em.findOne(ApiKey, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (!apiKey) throw new AppError('NOT_FOUND', 'API_KEY_NOT_FOUND', 'The API key does not exist.');
  return apiKey;
}

/** How to reach a user. Undefined for an API key. */
async function contactOf(em: EntityManager, tenantId: string, principalId: string): Promise<UserContact | undefined> {
  const [kind, id = ''] = principalId.split(':');
  if (kind !== 'user') return undefined;
  const ofTenant = em.fork({ session: tenantSession(tenantId) });
  const { email, displayName, locale } = await ofTenant.findOneOrFail(UserAccount, { tenantId, id });
  return { email, displayName, locale: locale ?? undefined };
}
