import { timingSafeEqual } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, PrincipalSigner, type ServiceHandlers } from '@rapport/contracts';
import {
  AuthServiceService,
  type ApiKey as ApiKeyMessage,
  type AuthenticateApiKeyRequest,
  type AuthenticateApiKeyResponse,
  type AuthServiceServer,
  type CreateApiKeyRequest,
  type GetApiKeyRequest,
  type ListApiKeysRequest,
  type ListApiKeysResponse,
  type RevokeApiKeyRequest,
  type Tenant as TenantMessage,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { readForTenant, readPageToken, signPageToken, tenantSession } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { ApiKey } from './api-key.entity.js';
import { hashApiKey, tenantOfApiKey } from './api-key-text.js';
import { issueApiKey } from './issue-api-key.js';
import { apiKeyMessage, tenantMessage } from './messages.js';
import { knownPermissions } from './permissions.js';
import { Secrets } from './secrets.js';
import { Tenant } from './tenant.entity.js';

@Controller()
@ImplementsService(AuthServiceService)
export class AuthController implements ServiceHandlers<AuthServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly secrets: Secrets,
    private readonly principals: PrincipalSigner,
  ) {}

  async authenticateApiKey({ key }: AuthenticateApiKeyRequest): Promise<AuthenticateApiKeyResponse> {
    const tenantId = tenantOfApiKey(key);
    const usable = tenantId === undefined ? undefined : await this.#findUsable(tenantId, key);
    if (!usable) throw new AppError('UNAUTHENTICATED', 'API_KEY_INVALID', 'The API key is not valid.');
    return usable;
  }

  async getTenant(): Promise<TenantMessage> {
    return tenantMessage(await this.em.findOneOrFail(Tenant, { id: currentCaller().tenantId }));
  }

  async createApiKey({ apiKey: wanted }: CreateApiKeyRequest): Promise<ApiKeyMessage> {
    if (!wanted) throw invalidArgument([{ field: 'apiKey', reason: 'REQUIRED', description: 'is required' }]);
    const expireTime = wanted.expireTime === undefined ? undefined : new Date(wanted.expireTime);
    checkWanted(wanted.permissions, expireTime);
    const { tenantId } = currentCaller();
    const { displayName, permissions } = wanted;
    const { apiKey, key } = issueApiKey(this.em, this.secrets.apiKeyHmacKey, {
      tenantId,
      displayName,
      permissions: [...new Set(permissions)],
      expireTime,
    });
    await this.em.flush();
    return apiKeyMessage(apiKey, key);
  }

  async getApiKey({ id }: GetApiKeyRequest): Promise<ApiKeyMessage> {
    return apiKeyMessage(await findApiKey(this.em, id));
  }

  async listApiKeys({ pageSize = 50, pageToken }: ListApiKeysRequest): Promise<ListApiKeysResponse> {
    const { tenantId } = currentCaller();
    const binding = `ListApiKeys ${tenantId}`;
    const [after] = pageToken === undefined ? [] : readPageToken(this.secrets.pageTokenKey, binding, pageToken);
    // A UUIDv7 grows with the time it was made at: the primary key has the keys in order of age.
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

  async revokeApiKey({ id }: RevokeApiKeyRequest): Promise<ApiKeyMessage> {
    return this.em.transactional(async (em) => {
      const { tenantId } = currentCaller();
      await em.nativeUpdate(ApiKey, { tenantId, id, revokeTime: null }, { revokeTime: new Date() });
      return apiKeyMessage(await findApiKey(em, id));
    });
  }

  /** What a key that works now stands for. One statement: each key in use is asked about once a second. */
  async #findUsable(tenantId: string, key: string): Promise<AuthenticateApiKeyResponse | undefined> {
    const hash = hashApiKey(this.secrets.apiKeyHmacKey, key);
    const em = this.em.fork({ session: tenantSession(tenantId) });
    const [row] = await readForTenant<UsableKey>(em, {
      name: 'find_usable_key',
      sql: `select k.id, k.hash, k.permissions, t.plan, extract(epoch from k.expire_time)::float8 * 1000 as expire_ms
        from api_key k join tenant t using (tenant_id)
        where k.tenant_id = $1 and k.hash = $2 and k.revoke_time is null`,
      values: [tenantId, hash],
    });
    if (!row || !timingSafeEqual(row.hash, hash)) return undefined;
    const expireTime = row.expire_ms === null ? undefined : new Date(Math.round(row.expire_ms));
    if (expireTime && expireTime.getTime() <= Date.now()) return undefined;
    const { id, permissions, plan } = row;
    const caller = { tenantId, principalId: `apiKey:${id}`, permissions };
    return { ...caller, expireTime: expireTime?.toISOString(), plan, principalToken: this.principals.sign(caller) };
  }
}

interface UsableKey {
  id: string;
  hash: Buffer;
  permissions: string[];
  plan: string;
  expire_ms: number | null;
}

/** Row-level security shows no other tenant's key: that one and a key that never was are the same NOT_FOUND. */
async function findApiKey(em: EntityManager, id: string): Promise<ApiKey> {
  const apiKey = await em.findOne(ApiKey, { tenantId: currentCaller().tenantId, id });
  if (!apiKey) throw new AppError('NOT_FOUND', 'API_KEY_NOT_FOUND', 'There is no such API key.');
  return apiKey;
}

/** A key can be given what its maker has, and no more. */
function checkWanted(permissions: string[], expireTime: Date | undefined): void {
  const violations: FieldViolation[] = permissions.flatMap((permission, index) =>
    knownPermissions.includes(permission)
      ? []
      : [
          {
            field: `apiKey.permissions[${index}]`,
            reason: 'PERMISSION_UNKNOWN',
            description: `must be one of ${knownPermissions.join(', ')}`,
          },
        ],
  );
  if (expireTime && expireTime.getTime() <= Date.now()) {
    violations.push({ field: 'apiKey.expireTime', reason: 'EXPIRE_TIME_PAST', description: 'must be in the future' });
  }
  if (violations.length > 0) throw invalidArgument(violations);

  const held = currentCaller().permissions;
  const missing = permissions.find((permission) => !held.includes(permission));
  if (missing === undefined) return;
  throw new AppError(
    'PERMISSION_DENIED',
    'PERMISSION_NOT_HELD',
    `You can't give the permission ${missing} that you lack.`,
    {
      metadata: { permission: missing },
    },
  );
}
