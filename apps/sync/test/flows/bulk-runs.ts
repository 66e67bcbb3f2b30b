import type { WebhookTenant } from '../sync-platform.ts';

/** Most runs of a flow that had begun, and had not ended, at the same time. */
export async function mostInProgress(api: WebhookTenant, flowId: string): Promise<number> {
  const [row] = await api.query<{ most: number }>(
    `with runs as (select start_time, end_time from flow_run where flow_id = $1 and step_count > 0),
       moments as (select start_time as time, 1 as step from runs union all select end_time, -1 from runs)
     select max(number)::int as most from (
       select sum(step) over (order by time, step rows unbounded preceding) as number from moments) counted`,
    [flowId],
  );
  return row?.most ?? 0;
}
