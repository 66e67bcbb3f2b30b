import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { NewApproval, RunHooks } from '../runs/run-hooks.js';
import { noteNotice } from './notices.js';
import { questionOwner } from './approval-row.js';

/** What an advance of a run does with approvals, in the transaction that stores the run. */
export function approvalHooks(envelope: SecretEnvelope): RunHooks {
  return {
    openApprovals: async (client, approvals) => {
      for (const approval of approvals) await openApproval(client, envelope, approval);
    },
    closeApprovals,
  };
}

/** Stores an approval for the approvers that its step names. One that is open already stays as it is. */
async function openApproval(client: ClientBase, envelope: SecretEnvelope, approval: NewApproval): Promise<void> {
  const { tenantId, runId, flowId, path, step, question, record, dueTime } = approval;
  const [id, asked] = [uuidv7(), step.approve];
  if (!asked) throw new Error(`The step ${path} asks for no approval.`);
  const approverIds = [...new Set(asked.approverIds.map((userId) => userId.toLowerCase()))];
  await pipeline(client, [
    {
      name: 'insert_flow_approval',
      sql: `insert into flow_approval (tenant_id, id, run_id, path, flow_id, flow_name, sealed_question, record_type,
          record_id, quorum, state, due_time, create_time)
        select $1, $2, $3, $4, $5, name, $6, $7, $8, $9, 'PENDING', $10, clock_timestamp()
        from flow where tenant_id = $1 and id = $5
        on conflict (tenant_id, run_id, path) do nothing`,
      values: [
        ...[tenantId, id, runId, path, flowId, envelope.seal(Buffer.from(question), questionOwner(tenantId, id))],
        ...[record?.type ?? null, record?.id ?? null],
        // A quorum of more users than there are could never be reached.
        ...[Math.min(asked.quorum ?? 1, approverIds.length), dueTime],
      ],
    },
    {
      name: 'insert_flow_approvers',
      sql: `insert into flow_approver (tenant_id, approval_id, user_id, place)
        select $1, $2, user_id, place from unnest($3::uuid[]) with ordinality as approver (user_id, place)
        where exists (select from flow_approval where tenant_id = $1 and id = $2)`,
      values: [tenantId, id, approverIds],
    },
    noteNotice(tenantId, id),
  ]);
}

/**
 * Ends approvals of a run without a decision: as TIMED_OUT after their due time, otherwise as CANCELLED.
 *
 * @param path of one step; all of the run when undefined
 */
async function closeApprovals(client: ClientBase, tenantId: string, runId: string, path?: string): Promise<void> {
  const { rows } = await client.query<{ id: string }>({
    name: 'close_flow_approvals',
    text: `update flow_approval set end_time = clock_timestamp(),
        state = case when due_time <= clock_timestamp() then 'TIMED_OUT' else 'CANCELLED' end
      where tenant_id = $1 and run_id = $2 and ($3::text is null or path = $3) and state = 'PENDING'
      returning id`,
    values: [tenantId, runId, path ?? null],
  });
  // In the same order everywhere, so that no two transactions wait for each other.
  const ids = rows.map(({ id }) => id).toSorted();
  if (ids.length > 0)
    await pipeline(
      client,
      ids.map((id) => noteNotice(tenantId, id)),
    );
}
