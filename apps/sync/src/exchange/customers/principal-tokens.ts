import { randomUUID } from 'node:crypto';
import type { ContractClient, PrincipalVerifier } from '@rapport/contracts';
import { AuthServiceService, type VouchForPrincipalResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Caller } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { checkRights } from '../connections/check-rights.js';

const callMs = 5_000;

/** Tokens of the principals that connections and runs of flows act as, issued by auth. */
export class PrincipalTokens implements OnApplicationShutdown {
  readonly #kept: LRUCache<string, Promise<string>>;

  /**
   * @param keptMs maximum delay until changed permissions take effect. A new token is valid for at least 45 s
   * @param check throws for a principal that must not act
   */
  constructor(
    private readonly auth: Pick<ContractClient, 'unary' | 'close'>,
    private readonly principals: PrincipalVerifier,
    keptMs: number,
    private readonly check: (caller: Caller) => void = (caller) => checkRights(undefined, caller),
  ) {
    this.#kept = new LRUCache({ max: 1_000, ttl: keptMs });
  }

  /** @throws AppError PERMISSION_DENIED for a principal that must not exchange records any more, such as PRINCIPAL_ENDED */
  of(tenantId: string, principalId: string): Promise<string> {
    const name = `${tenantId} ${principalId}`;
    const kept = this.#kept.get(name);
    if (kept) return kept;
    const asked = this.#ask(tenantId, principalId);
    this.#kept.set(name, asked);
    // Failures are not cached.
    asked.catch(() => this.#kept.delete(name));
    return asked;
  }

  onApplicationShutdown(): void {
    this.auth.close();
  }

  async #ask(tenantId: string, principalId: string): Promise<string> {
    const { path } = AuthServiceService.vouchForPrincipal;
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    const answer = (await this.auth.unary(path, { tenantId, principalId }, options)) as VouchForPrincipalResponse;
    this.check(await this.principals.verify(answer.principalToken));
    return answer.principalToken;
  }
}
