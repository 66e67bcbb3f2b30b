import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { dayAt } from '@rapport/contracts/filters';
import type { StatementTransaction } from '@rapport/persistence';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';

/** Today in the time zone of the workspace, as YYYY-MM-DD. */
export async function dayOfWorkspace(transaction: StatementTransaction): Promise<string> {
  return dayAt(new Date(), await workspaceTimeZone(transaction));
}

/** Whether the last day on which a quote can be accepted is over. Days are texts of ISO 8601, which compare as days. */
export function hasExpired({ validUntil }: Quote, today: string): boolean {
  return validUntil !== undefined && validUntil < today;
}
