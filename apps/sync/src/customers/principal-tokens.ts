import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AuthServiceService, type VouchForPrincipalResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import type { OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const callMs = 5_000;

/** A token holds for 45 s at least when it comes, and rights that change take effect within this time. */
const keptMs = 10_000;

/** Tokens of the principals that connections act as, from auth. */
export class PrincipalTokens implements OnApplicationShutdown {
  readonly #kept = new LRUCache<string, Promise<string>>({ max: 1_000, ttl: keptMs });

  constructor(private readonly auth: Pick<ContractClient, 'unary' | 'close'>) {}

  /** @throws AppError PERMISSION_DENIED PRINCIPAL_ENDED for one that may do nothing any more */
  of(tenantId: string, principalId: string): Promise<string> {
    const name = `${tenantId} ${principalId}`;
    const kept = this.#kept.get(name);
    if (kept) return kept;
    const asked = this.#ask(tenantId, principalId);
    this.#kept.set(name, asked);
    // A failure is not remembered.
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
    return answer.principalToken;
  }
}
