import { GuardKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** Whether a deal has open tasks, for guards of kind OPEN_TASKS. */
export interface OpenTasks {
  dealId: string;
  hasOpen: boolean;
}

/** Reads whether deals have open tasks, of any owner. Reads nothing for a tenant whose pipelines do not ask for it. */
export function openTasks(ids: readonly string[]): Statement | undefined {
  if (ids.length === 0) return undefined;
  return {
    name: 'open_tasks_of_deals',
    sql: `select jsonb_build_object('dealId', id, 'hasOpen', id in (select deals_with_open_tasks($1, $2))) as fact
      from unnest($2::uuid[]) id
      where exists (select from pipeline
        where tenant_id = $1 and delete_time is null and stages @> '[{"guards": [{"kind": ${GuardKind.OPEN_TASKS}}]}]')`,
    values: [currentCaller().tenantId, [...ids]],
  };
}
