import type {
  AuthenticateApiKeyRequest,
  AuthenticateApiKeyResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { AppError, type Caller } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import type { ServiceClients } from './service-clients.js';

/** How long an answer about a key is believed, in milliseconds: also the longest time a revoked key still works. */
const ttlMs = 5_000;
const maxKeys = 10_000;
const deadlineMs = 3_000;
const method = '/rapport.auth.v1.AuthService/AuthenticateApiKey';

interface KnownKey {
  caller: Caller;
  /** Milliseconds since the epoch; Infinity when never. */
  expiresAt: number;
}

/** Finds out whom an API key stands for: asks auth once, however many requests wait, and keeps the answer for seconds. */
export class ApiKeyAuthenticator {
  readonly #known = new LRUCache<string, KnownKey, string>({
    max: maxKeys,
    ttl: ttlMs,
    // A key that others push out of the cache meanwhile still gets its answer.
    ignoreFetchAbort: true,
    fetchMethod: (key, _stale, { context: requestId }) => this.#ask(key, requestId),
  });

  constructor(private readonly clients: ServiceClients) {}

  /**
   * @param authorization the Authorization header
   * @throws AppError UNAUTHENTICATED without a good key, UNAVAILABLE when auth can't be asked
   */
  async authenticate(authorization: string | undefined, requestId: string): Promise<Caller> {
    const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
    if (!key) {
      throw new AppError('UNAUTHENTICATED', 'CREDENTIAL_MISSING', 'Send an API key as `Authorization: Bearer <key>`.');
    }
    const known = await this.#known.fetch(key, { context: requestId });
    if (!known || known.expiresAt <= Date.now()) {
      throw new AppError('UNAUTHENTICATED', 'CREDENTIAL_INVALID', 'The API key is not valid.');
    }
    return known.caller;
  }

  /** Undefined for a key that auth refuses: junk takes no place in the cache. */
  async #ask(key: string, requestId: string): Promise<KnownKey | undefined> {
    const request: AuthenticateApiKeyRequest = { key };
    try {
      const context = { requestId, caller: undefined };
      const answer = await this.clients.for(method).unary(method, request, { context, deadlineMs });
      const { tenantId, principalId, permissions, expireTime } = answer as AuthenticateApiKeyResponse;
      return {
        caller: { tenantId, principalId, permissions },
        expiresAt: expireTime === undefined ? Infinity : Date.parse(expireTime),
      };
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return undefined;
      throw error;
    }
  }
}
