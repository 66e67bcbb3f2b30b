import type { ListAllowedOriginsResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import type { Logger } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { ServiceClients } from '../calls/service-clients.js';

const method = '/rapport.auth.v1.AuthService/ListAllowedOrigins';
const deadlineMs = 3_000;
/** From this age on the list is fetched again when a preflight comes, in milliseconds. */
const refreshMs = 1_000;
/** The longest time that an origin works after it was removed, in milliseconds. */
const maxAgeMs = 10_000;
/** The contract's limit. */
const pageSize = 5_000;
/** Bounds the memory: 100,000 origins. */
const mostPages = 20;
/** Slower fetches are made less often, so that auth spends at most this part of its time on them. */
const mostOfTime = 0.05;

/**
 * The origins that tenants have registered, of all tenants together. One copy for all preflights: it is fetched as a whole, at most
 * once at a time and once a second, so no number of preflights and of invented origins reaches auth.
 */
export class AllowedOrigins {
  #known: ReadonlySet<string> = new Set();
  /** When auth was asked for the current list, and when the next fetch may begin, by `performance.now()`. */
  #knownAt = -Infinity;
  #nextAt = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(
    private readonly clients: ServiceClients,
    private readonly logger: Logger,
  ) {}

  /** Waits for auth only when the list is too old, or lacks the origin. False when auth is unavailable. */
  async has(origin: string): Promise<boolean> {
    const now = performance.now();
    if (now - this.#knownAt >= refreshMs && now >= this.#nextAt) this.#fetching ??= this.#fetch(now);
    if (this.#isCurrent && this.#known.has(origin)) return true;
    await this.#fetching;
    return this.#isCurrent && this.#known.has(origin);
  }

  get #isCurrent(): boolean {
    return performance.now() - this.#knownAt < maxAgeMs;
  }

  async #fetch(startedAt: number): Promise<void> {
    try {
      this.#known = await this.#list();
      this.#knownAt = startedAt;
    } catch (error) {
      this.logger.warn({ err: error }, 'the allowed origins could not be fetched');
    } finally {
      const now = performance.now();
      this.#nextAt = Math.max(startedAt + refreshMs, now + (now - startedAt) / mostOfTime);
      this.#fetching = undefined;
    }
  }

  async #list(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const client = this.clients.for(method);
    let after: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const context = { requestId: uuidv7() };
      const answer = await client.unary(method, { pageSize, after }, { context, deadlineMs });
      const { origins } = answer as ListAllowedOriginsResponse;
      for (const origin of origins) found.add(origin);
      if (origins.length < pageSize) return found;
      after = origins.at(-1);
    }
    this.logger.error({ most: found.size }, 'there are more allowed origins than preflights are answered for');
    return found;
  }
}
