import { isConnectionLoss } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { FiltersUnansweredError } from '../webhooks/events/record-filters.js';

/**
 * Classes of SQLSTATE that say nothing about what was to be done: connections, a server that may not write, conflicts, resources, a
 * stop, the system.
 */
const passingClasses = /^(?:08|25|40|53|57P|58)/;

/** Locks that others hold, 55P03, and statements that took too long, 57014: of one tenant, as far as anyone knows. */
const blockedCodes: ReadonlySet<unknown> = new Set(['55P03', '57014']);

/** Whether all of a batch is to be tried again as it is. */
export function isPassing(error: unknown): boolean {
  return isConnectionLoss(error) || error instanceof AppError || passingClasses.test(String(codeOf(error)));
}

/** Whether a tenant is to be tried again later. */
export function isBlocked(error: unknown): boolean {
  return error instanceof FiltersUnansweredError || blockedCodes.has(codeOf(error));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
