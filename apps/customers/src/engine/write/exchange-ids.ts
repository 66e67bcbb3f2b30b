import { exchangeOriginPrefix } from '@rapport/contracts';
import { isUniqueViolation } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { validate as isUuid } from 'uuid';
import type { RecordType } from '../fields/record-type.js';

/**
 * An exchange uses its request id as the id of the record that it creates. It can then check at any later time, and under any
 * principal, whether the create succeeded. Other callers rely on the idempotency key, which expires after 24 hours.
 */
export function idOfExchange(requestId: string | undefined): string | undefined {
  const { origin = '' } = callContext.getStore()?.cause ?? {};
  return requestId !== undefined && origin.startsWith(exchangeOriginPrefix) && isUuid(requestId)
    ? requestId
    : undefined;
}

/** Whether a record with the id of the new one exists, live or deleted. */
export function isKnownId({ table }: RecordType, error: unknown): boolean {
  return isUniqueViolation(error) && (error as { constraint?: string }).constraint === `${table}_pkey`;
}

export function createdBefore({ constant, singular }: RecordType, id: string): AppError {
  const message = `The ${singular} of this request was created before and has since been deleted.`;
  return new AppError('ALREADY_EXISTS', `${constant}_CREATED_BEFORE`, message, { metadata: { createdId: id } });
}
