import { createHash } from 'node:crypto';
import { readPrincipalToken, type OutgoingCall } from '@rapport/contracts';
import type {
  AuthenticateApiKeyRequest,
  AuthenticateApiKeyResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { AppError, type CallClient, type Caller } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import type { FailedAuthentications } from './limits/failed-authentications.js';
import { figures } from './limits/limit-metrics.js';
import type { ServiceClients } from './service-clients.js';

/** How long an answer about a key is believed, in milliseconds: also the longest time a revoked key still works. */
const ttlMs = 1_000;
/** From this age on an answer that is used is asked for again meanwhile, so that busy keys never wait. */
const refreshMs = 500;
const maxKeys = 10_000;
const deadlineMs = 3_000;
const method = '/rapport.auth.v1.AuthService/AuthenticateApiKey';

/** Whom a request acts for, and what bounds it. */
export interface Principal {
  readonly caller: Caller;
  /** Proves the caller to services. It outlives an answer of auth, and whatever waits to be sent. */
  readonly token: string;
  /** Name of the tenant's plan. */
  readonly plan: string;
  /** Fingerprint of what the caller may see: equal exactly when it is the same. */
  readonly rights: string;
}

interface Question {
  /** By `performance.now()`. */
  askedAt: number;
  /** Undefined for a key that auth refuses. */
  answer: Promise<KnownKey | undefined>;
}

interface KnownKey {
  principal: Principal;
  /** By `performance.now()`, counted from when auth was asked. */
  askedAt: number;
  /** Milliseconds since the epoch; Infinity when never. */
  expiresAt: number;
}

/** Finds out whom an API key stands for: asks auth once, however many requests wait, and keeps the answer for a second. */
export class ApiKeyAuthenticator {
  /** By the whole Authorization header, in the memory of this process only. Keys that auth refuses take no place. */
  readonly #known = new LRUCache<string, KnownKey>({ max: maxKeys });
  readonly #asking = new Map<string, Question>();

  constructor(
    private readonly clients: ServiceClients,
    private readonly failed: FailedAuthentications,
  ) {}

  /**
   * @param authorization the Authorization header, one that is not known
   * @param client whose address may try so many wrong keys and no more
   * @throws AppError UNAUTHENTICATED without a good key, RESOURCE_EXHAUSTED after too many, UNAVAILABLE when auth can't be
   *   asked
   */
  async authenticate(authorization: string | undefined, requestId: string, client: CallClient): Promise<Principal> {
    const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
    if (authorization === undefined || key === undefined) {
      throw new AppError('UNAUTHENTICATED', 'CREDENTIAL_MISSING', 'Send an API key as `Authorization: Bearer <key>`.');
    }
    const answer = await this.#askOnce(authorization, key, requestId, client);
    if (!answer || answer.expiresAt <= Date.now()) {
      throw new AppError('UNAUTHENTICATED', 'CREDENTIAL_INVALID', 'The API key is not valid.');
    }
    return answer.principal;
  }

  /** What is known without asking. Undefined: must be asked. */
  known(authorization: string | undefined): Principal | undefined {
    const known = authorization === undefined ? undefined : this.#known.get(authorization);
    if (authorization === undefined || known === undefined) return undefined;
    const ageMs = performance.now() - known.askedAt;
    if (ageMs >= ttlMs || known.expiresAt <= Date.now()) return undefined;
    if (ageMs >= refreshMs && !this.#asking.has(authorization)) this.#refresh(authorization);
    return known.principal;
  }

  #refresh(authorization: string): void {
    const key = authorization.slice('Bearer '.length);
    // Who waits for the answer is told; until then the old one counts.
    this.#ask(authorization, key, uuidv7()).catch(() => undefined);
  }

  /** Joins a question that is under way; one that is too old may have been answered before the rights changed. */
  async #askOnce(
    authorization: string,
    key: string,
    requestId: string,
    client: CallClient,
  ): Promise<KnownKey | undefined> {
    const asking = this.#asking.get(authorization);
    if (asking && performance.now() - asking.askedAt < ttlMs) return asking.answer;
    // Whoever had a good key a moment ago is not guessing.
    const giveBack = this.#known.has(authorization) ? undefined : this.failed.take(client.address);
    let isWrong = false;
    try {
      const answer = await this.#ask(authorization, key, requestId, client);
      isWrong = answer === undefined;
      return answer;
    } finally {
      if (isWrong) figures.wrongCredentials += 1;
      else giveBack?.();
    }
  }

  #ask(authorization: string, key: string, requestId: string, client?: CallClient): Promise<KnownKey | undefined> {
    const askedAt = performance.now();
    const answer = this.#callAuth(key, { requestId, ...(client && { client }) }, askedAt).then((known) => {
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

  #remember(authorization: string, known: KnownKey): void {
    const newest = this.#known.peek(authorization);
    if (!newest || newest.askedAt < known.askedAt) this.#known.set(authorization, known);
  }

  /** Undefined for a key that auth refuses. */
  async #callAuth(key: string, context: OutgoingCall, askedAt: number): Promise<KnownKey | undefined> {
    const request: AuthenticateApiKeyRequest = { key };
    try {
      const answer = await this.clients.for(method).unary(method, request, { context, deadlineMs });
      const { principalToken: token, expireTime, plan } = answer as AuthenticateApiKeyResponse;
      const caller = readPrincipalToken(token);
      const principal = { caller, token, plan, rights: fingerprint(caller) };
      const expiresAt = expireTime === undefined ? Infinity : Date.parse(expireTime);
      return { principal, askedAt, expiresAt };
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return undefined;
      throw error;
    }
  }
}

function fingerprint({
  principalId,
  permissions,
  recordScope = 'ALL',
  teamIds = [],
  hidesPii = false,
}: Caller): string {
  // Who does not see all records sees others than anybody else.
  const records = recordScope === 'ALL' ? [] : [recordScope, principalId, [...teamIds].sort()];
  const sorted = JSON.stringify([[...permissions].sort(), records, hidesPii]);
  return createHash('sha256').update(sorted).digest('base64url').slice(0, 16);
}
