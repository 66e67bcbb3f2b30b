import type { Statement } from '@rapport/persistence';

/** Why a customer leaves a flow before its end. */
export type ExitReason =
  | 'GOAL'
  | 'EXIT_FILTER'
  | 'MANUAL'
  | 'FAILED'
  | 'REPLIED'
  | 'MEETING'
  | 'BOUNCED'
  | 'OPTED_OUT'
  | 'CUSTOMER_GONE';

/** Ends the enrollment of a run that ends, if it has one. @param reason undefined for a customer that has completed the flow */
export function endEnrollment(tenantId: string, runId: string, reason: ExitReason | undefined): Statement {
  return {
    name: 'end_flow_enrollment',
    sql: `update flow_enrollment set state = case when $3::text is null then 'COMPLETED' else 'EXITED' end,
        exit_reason = $3, end_time = clock_timestamp()
      where tenant_id = $1 and run_id = $2 and state in ('ACTIVE', 'PAUSED')`,
    values: [tenantId, runId, reason ?? null],
  };
}
