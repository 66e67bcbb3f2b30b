import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { dayAt } from '@rapport/contracts/filters';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { defaultTimeZone } from '../../engine/query/workspace-time-zone.js';

/** Today in the time zone of the workspace, as YYYY-MM-DD. */
export async function dayOfWorkspace(transaction: StatementTransaction): Promise<string> {
  const [settings] = await transaction.rows<{ time_zone: string }>({
    name: 'workspace_time_zone',
    sql: 'select time_zone from workspace_settings where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  return dayAt(new Date(), settings?.time_zone ?? defaultTimeZone);
}

/** Whether the last day on which a quote can be accepted is over. Days are texts of ISO 8601, which compare as days. */
export function hasExpired({ validUntil }: Quote, today: string): boolean {
  return validUntil !== undefined && validUntil < today;
}
