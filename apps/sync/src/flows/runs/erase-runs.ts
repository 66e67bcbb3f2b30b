import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { initialState } from '../interpreter/run-state.js';
import { endRun, lockRun, type EndParts } from './end-runs.js';
import { sealContent } from './run-content.js';

/**
 * Removes what runs about erased records know, and cancels those that could go on: without the record, their steps can
 * not act. Runs in a transaction of the caller, whose tenant is set.
 */
export async function eraseRuns(
  client: ClientBase,
  parts: EndParts,
  tenantId: string,
  recordIds: readonly string[],
): Promise<void> {
  const { rows } = await client.query<{ id: string; can_go_on: boolean }>({
    name: 'flow_runs_of_erased',
    text: `select id, state not in ('SUCCEEDED', 'CANCELLED', 'COMPENSATED', 'EXITED') as can_go_on from flow_run
      where tenant_id = $1 and record_id = any ($2) order by id`,
    values: [tenantId, recordIds],
  });
  for (const { id, can_go_on: canGoOn } of rows) {
    if (canGoOn) {
      await lockRun(client, tenantId, id);
      await endRun(client, parts, { tenantId, runId: id, state: 'CANCELLED', variables: {} });
    }
    const owner = { tenantId, part: 'flow_run', id } as const;
    await pipeline(client, [
      {
        name: 'erase_flow_run',
        sql: 'update flow_run set sealed_start = $3, sealed_state = $4 where tenant_id = $1 and id = $2',
        values: [
          ...[tenantId, id, sealContent(parts.envelope, owner, { input: {} })],
          sealContent(parts.envelope, owner, { ...initialState(), tokens: [] }),
        ],
      },
      {
        name: 'erase_flow_steps',
        sql: `update flow_step_run set sealed_input = null, sealed_result = null, has_undo = false
          where tenant_id = $1 and run_id = $2`,
        values: [tenantId, id],
      },
      {
        name: 'erase_flow_approvals',
        sql: 'delete from flow_approval where tenant_id = $1 and run_id = $2',
        values: [tenantId, id],
      },
    ]);
  }
  await client.query({
    name: 'erase_flow_enrollments',
    text: 'delete from flow_enrollment where tenant_id = $1 and customer_id = any ($2)',
    values: [tenantId, recordIds],
  });
}
