import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AppError, invalidArgument, type FieldViolation } from '@rapport/platform';
import { exchangedType } from '../mappings/records/exchanged-types.js';
import type { PrincipalTokens } from './principal-tokens.js';

const callMs = 10_000;

/** Customers no longer accepts the filter of a mapping, for example after an update. */
export class FilterRefusedError extends Error {
  override readonly name = 'FilterRefusedError';
  constructor(reason: string, options: ErrorOptions) {
    super(`The filter of the mapping cannot be used: ${reason}.`, options);
  }
}

/** Has customers validate filters of mappings. */
export class CustomerFilters {
  constructor(
    private readonly client: Pick<ContractClient, 'unary'>,
    private readonly tokens: PrincipalTokens,
  ) {}

  /**
   * @param object type of the filtered records
   * @param principalId principal that the connection acts as
   * @throws AppError INVALID_ARGUMENT that names `mapping.filter`, with the reason of customers
   */
  async check(object: string, filter: string, tenantId: string, principalId: string): Promise<void> {
    const principalToken = await this.tokens.of(tenantId, principalId);
    // A mapping evaluates its filter later, when no user calls.
    const context = { requestId: randomUUID(), principalToken, cause: { origin: 'mapping' } };
    // The filter is parsed even if the record does not exist.
    const request = { ids: [randomUUID()], filter };
    try {
      await this.client.unary(exchangedType(object).methods.batchGet.path, request, { context, deadlineMs: callMs });
    } catch (error) {
      const refused = refusalOf(error);
      throw refused.length === 0
        ? error
        : invalidArgument(refused.map((each) => ({ ...each, field: 'mapping.filter' })));
    }
  }
}

/** Violations of a filter; empty when a call failed for another reason. */
export function refusalOf(error: unknown): FieldViolation[] {
  return error instanceof AppError ? error.violations.filter(({ field }) => field === 'filter') : [];
}
