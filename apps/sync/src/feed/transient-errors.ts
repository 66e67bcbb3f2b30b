import { isConnectionLoss } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { FiltersUnansweredError } from '../webhooks/events/record-filters.js';

/**
 * SQLSTATE classes of errors that do not depend on the statement: connections, a read-only server, conflicts,
 * resources, a shutdown, the system.
 */
const passingClasses = /^(?:08|25|40|53|57P|58)/;

/** Lock timeouts, 55P03, and statement timeouts, 57014. They are taken to concern one tenant. */
const blockedCodes: ReadonlySet<unknown> = new Set(['55P03', '57014']);

/** Whether to retry the whole batch unchanged. */
export function isTransient(error: unknown): boolean {
  return isConnectionLoss(error) || error instanceof AppError || passingClasses.test(String(codeOf(error)));
}

/** Whether to retry the tenant later. */
export function isBlocked(error: unknown): boolean {
  return error instanceof FiltersUnansweredError || blockedCodes.has(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
