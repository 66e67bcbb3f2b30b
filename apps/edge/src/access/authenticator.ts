import { createHash } from 'node:crypto';
import { readPrincipalToken, tenantOfApiKey, type OutgoingCall } from '@rapport/contracts';
import type {
  AuthenticateAccessTokenRequest,
  AuthenticateApiKeyRequest,
  AuthenticateApiKeyResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { AppError, type CallClient, type Caller } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import type { FailedAuthentications } from '../limits/failed-authentications.js';
import { figures } from '../limits/limit-metrics.js';
import type { Plan, Plans } from '../limits/plans.js';
import type { ServiceClients } from '../calls/service-clients.js';
import { maxTokenLength, type AccessTokenVerifier } from './access-token-verifier.js';

/**
 * How long auth's answer about a credential is cached, in milliseconds: also the longest time that a revoked one still
 * works.
 */
const ttlMs = 1_000;
/**
 * A cached answer of this age is refreshed in the background when it is used, so that busy callers never wait. In
 * milliseconds.
 */
const refreshMs = 500;
const maxCredentials = 10_000;
/** Total size of the cached credentials, in characters. */
const maxCharacters = 16 * 1024 * 1024;
const maxKeyLength = 200;
const deadlineMs = 3_000;
const keyMethod = '/rapport.auth.v1.AuthService/AuthenticateApiKey';
const tokenMethod = '/rapport.auth.v1.AuthService/AuthenticateAccessToken';

/** The caller of a request, and what bounds it. */
export interface Principal {
  readonly caller: Caller;
  /** Proves the caller to services. It outlives auth's cached answer and any queued call. */
  readonly token: string;
  /** The tenant's plan. */
  readonly plan: Plan;
  /** Fingerprint of what the caller may see: equal exactly when it is the same. */
  readonly rights: string;
  /** Origins of the pages whose scripts may read answers, as the tenant has registered them. */
  readonly origins: readonly string[];
}

interface Question {
  /** By `performance.now()`. */
  askedAt: number;
  /** Undefined for a credential that is refused. */
  answer: Promise<KnownCredential | undefined>;
}

/** Auth's answer about a valid credential. */
export interface KnownCredential {
  readonly principal: Principal;
  /** By `performance.now()`, counted from when auth was asked. */
  readonly askedAt: number;
  /** Milliseconds since the epoch; Infinity when never. */
  readonly expiresAt: number;
}

/**
 * Finds the principal of an API key or an access token. Concurrent requests share one call to auth, and its answer is
 * cached for a second. Once verified, a token costs as little as a key.
 */
export class Authenticator {
  /** By the whole Authorization header, in the memory of this process only. Refused credentials are not cached. */
  readonly #known = new LRUCache<string, KnownCredential>({
    max: maxCredentials,
    maxSize: maxCharacters,
    sizeCalculation: ({ principal }, authorization) => authorization.length + principal.origins.join('').length,
  });
  readonly #asking = new Map<string, Question>();
  readonly #changes = new RightsChanges();

  constructor(
    private readonly clients: ServiceClients,
    private readonly failed: FailedAuthentications,
    private readonly tokens: AccessTokenVerifier | undefined,
    private readonly plans: Plans,
  ) {}

  /**
   * @param authorization the Authorization header, one that is not cached
   * @param client whose address limits how many wrong credentials it may try
   * @throws AppError UNAUTHENTICATED without a valid one, RESOURCE_EXHAUSTED after too many, UNAVAILABLE when auth can't be
   *   asked
   */
  async authenticate(authorization: string | undefined, requestId: string, client: CallClient): Promise<Principal> {
    const credential = readCredential(authorization);
    if (authorization === undefined || credential === undefined) {
      const message = 'Send an API key or an access token as `Authorization: Bearer <credential>`.';
      throw new AppError('UNAUTHENTICATED', 'CREDENTIAL_MISSING', message);
    }
    for (;;) {
      const answer = await this.#askOnce(authorization, credential, requestId, client);
      if (!answer || answer.expiresAt <= Date.now()) throw credentialInvalid();
      if (!this.#changes.outdate(answer)) return answer.principal;
    }
  }

  /** The cached answer. Undefined: auth must be asked. */
  known(authorization: string | undefined): Principal | undefined {
    const known = authorization === undefined ? undefined : this.#known.get(authorization);
    if (authorization === undefined || known === undefined) return undefined;
    const ageMs = performance.now() - known.askedAt;
    if (ageMs >= ttlMs || known.expiresAt <= Date.now() || this.#changes.outdate(known)) return undefined;
    if (ageMs >= refreshMs && !this.#asking.has(authorization)) this.#refresh(authorization);
    return known.principal;
  }

  /**
   * Checks a credential that was valid again, unless auth's current answer is cached.
   *
   * @throws AppError UNAUTHENTICATED when it is no longer valid, UNAVAILABLE when auth can't be asked
   */
  async verify(authorization: string): Promise<KnownCredential> {
    const known = this.#known.get(authorization);
    if (known && performance.now() - known.askedAt < refreshMs && this.#isGood(known)) return known;
    for (;;) {
      const asking = this.#asking.get(authorization);
      const answer = await (asking?.answer ?? this.#ask(authorization, credentialOf(authorization), uuidv7()));
      if (!answer || answer.expiresAt <= Date.now()) throw credentialInvalid();
      if (this.#isGood(answer)) return answer;
    }
  }

  /** Invalidates every answer that auth was asked for before now. @param tenantId whose principals; all when absent */
  distrust(tenantId?: string): void {
    this.#changes.note(tenantId);
    this.clients.forgetPrincipals();
  }

  #isGood(known: KnownCredential): boolean {
    return known.expiresAt > Date.now() && !this.#changes.outdate(known);
  }

  #refresh(authorization: string): void {
    // A failure is reported to the requests that wait; until then the old answer counts.
    this.#ask(authorization, credentialOf(authorization), uuidv7()).catch(() => undefined);
  }

  /** Joins a call that is in flight; one that is too old may have been answered before the rights changed. */
  async #askOnce(
    authorization: string,
    credential: string,
    requestId: string,
    client: CallClient,
  ): Promise<KnownCredential | undefined> {
    const asking = this.#asking.get(authorization);
    if (asking && performance.now() - asking.askedAt < ttlMs) return asking.answer;
    // A client whose credential was valid a moment ago is not guessing.
    const giveBack = this.#known.has(authorization) ? undefined : this.#takeTry(credential, client);
    let isWrong = false;
    try {
      const answer = await this.#ask(authorization, credential, requestId, client);
      isWrong = answer === undefined;
      return answer;
    } finally {
      if (isWrong) figures.wrongCredentials += 1;
      else giveBack?.();
    }
  }

  #takeTry(credential: string, { address }: CallClient): () => void {
    if (isToken(credential)) return this.failed.take(address, 'token');
    return tenantOfApiKey(credential) === undefined ? this.failed.take(address) : this.failed.takeWellFormed(address);
  }

  #ask(
    authorization: string,
    credential: string,
    requestId: string,
    client?: CallClient,
  ): Promise<KnownCredential | undefined> {
    const askedAt = performance.now();
    const answer = this.#callAuth(credential, { requestId, ...(client && { client }) }, askedAt).then((known) => {
      if (known) this.#remember(authorization, known);
      else this.#known.delete(authorization);
      return known;
    });
    const question = { askedAt, answer };
    this.#asking.set(authorization, question);
    return answer.finally(() => {
      if (this.#asking.get(authorization) === question) this.#asking.delete(authorization);
    });
  }

  #remember(authorization: string, known: KnownCredential): void {
    const newest = this.#known.peek(authorization);
    if (!newest || newest.askedAt < known.askedAt) this.#known.set(authorization, known);
  }

  /** Undefined for a credential that is refused. */
  async #callAuth(credential: string, context: OutgoingCall, askedAt: number): Promise<KnownCredential | undefined> {
    if (isToken(credential) && !(await this.tokens?.isGenuine(credential))) return undefined;
    const [method, request] = questionAbout(credential);
    try {
      const answer = await this.clients.for(method).unary(method, request, { context, deadlineMs });
      const { principalToken: token, expireTime, plan, allowedOrigins: origins } = answer as AuthenticateApiKeyResponse;
      const caller = readPrincipalToken(token);
      const principal = { caller, token, plan: this.plans.of(plan), rights: fingerprint(caller), origins };
      const expiresAt = expireTime === undefined ? Infinity : Date.parse(expireTime);
      return { principal, askedAt, expiresAt };
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return undefined;
      throw error;
    }
  }
}

/** When the rights of principals may have changed, by tenant. */
class RightsChanges {
  /** By `performance.now()`, the oldest first. */
  readonly #changedAt = new Map<string, number>();
  #allChangedAt = -Infinity;

  note(tenantId: string | undefined): void {
    const now = performance.now();
    if (tenantId === undefined) this.#allChangedAt = now;
    else {
      this.#changedAt.delete(tenantId);
      this.#changedAt.set(tenantId, now);
    }
    for (const [tenant, changedAt] of this.#changedAt) {
      // No answer that was requested this long ago is used.
      if (now - changedAt < ttlMs + deadlineMs) return;
      this.#changedAt.delete(tenant);
    }
  }

  outdate({ principal, askedAt }: KnownCredential): boolean {
    if (askedAt <= this.#allChangedAt) return true;
    const changedAt = this.#changedAt.size === 0 ? undefined : this.#changedAt.get(principal.caller.tenantId);
    return changedAt !== undefined && askedAt <= changedAt;
  }
}

/** UNAUTHENTICATED CREDENTIAL_INVALID */
function credentialInvalid(): AppError {
  return new AppError('UNAUTHENTICATED', 'CREDENTIAL_INVALID', 'The API key or access token is not valid.');
}

/** The credential of a header that is known to have one. */
function credentialOf(authorization: string): string {
  return authorization.slice('Bearer '.length);
}

/** The header's value, if it can be a credential. */
function readCredential(authorization = ''): string | undefined {
  const credential = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization)?.[1];
  if (credential === undefined) return undefined;
  return credential.length <= (isToken(credential) ? maxTokenLength : maxKeyLength) ? credential : undefined;
}

/** A JWT begins with `{"` in base64url, and no API key does. */
function isToken(credential: string): boolean {
  return credential.startsWith('ey');
}

function questionAbout(
  credential: string,
): [typeof keyMethod, AuthenticateApiKeyRequest] | [typeof tokenMethod, AuthenticateAccessTokenRequest] {
  return isToken(credential) ? [tokenMethod, { token: credential }] : [keyMethod, { key: credential }];
}

function fingerprint({
  principalId,
  permissions,
  recordScope = 'ALL',
  teamIds = [],
  hidesPii = false,
}: Caller): string {
  // Two callers with a limited scope see different records.
  const records = recordScope === 'ALL' ? [] : [recordScope, principalId, [...teamIds].sort()];
  const sorted = JSON.stringify([[...permissions].sort(), records, hidesPii]);
  return createHash('sha256').update(sorted).digest('base64url').slice(0, 16);
}
