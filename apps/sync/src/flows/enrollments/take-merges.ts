import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JsonObject } from '../effects/effect-port.js';
import { lockRun } from '../runs/end-runs.js';
import type { StartValues } from '../runs/new-run.js';
import { openContent, sealContent } from '../runs/run-content.js';
import { correlationHash } from '../runs/waits.js';
import { lockEntries } from './enter-flow.js';
import type { ExitParts } from './take-exits.js';

/** The id of a merged customer, and of the one that it was merged into. */
interface Merged {
  from: string;
  to: string;
}

interface MergedRow {
  runId: string;
  flowId: string;
  principalId: string;
  hop: number;
}

/**
 * Gives the enrollments of merged customers to the surviving ones, whose runs go on about these. One whose customer is in the flow
 * already stays, and ends as that of a customer that is gone. Runs before `takeExits`, in its transaction.
 *
 * @throws FiltersUnansweredError
 */
export async function takeMerges(
  client: ClientBase,
  parts: ExitParts,
  tenantId: string,
  changes: readonly Change[],
): Promise<void> {
  for (const { type, operation, recordId, after = {} } of changes) {
    const { mergedIntoId } = after as { mergedIntoId?: unknown };
    if (type !== 'customer' || operation !== ChangeOperation.MERGE || typeof mergedIntoId !== 'string') continue;
    await moveEnrollments(client, parts, tenantId, { from: recordId, to: mergedIntoId });
  }
}

async function moveEnrollments(client: ClientBase, parts: ExitParts, tenantId: string, merged: Merged): Promise<void> {
  const { rows } = await client.query<MergedRow>({
    name: 'flow_enrollments_of_merged',
    text: `select run_id as "runId", enrolled.flow_id as "flowId", principal_id as "principalId", hop
      from flow_enrollment enrolled join flow_run run on run.tenant_id = $1 and run.id = enrolled.run_id
      where enrolled.tenant_id = $1 and customer_id = $2 and enrolled.state in ('ACTIVE', 'PAUSED')
        and run.state <> 'COMPENSATING'
      order by run_id`,
    values: [tenantId, merged.from],
  });
  for (const { runId, flowId, principalId, hop } of rows) {
    const seen = await parts.customers.meeting({ tenantId, principalId, runId, hop }, [merged.to]);
    const record = seen?.get(merged.to);
    if (record) await moveRun(client, parts, { tenantId, runId, flowId, record }, merged);
  }
  // They count for the rule of reentry.
  await client.query({
    name: 'move_ended_enrollments',
    text: `update flow_enrollment set customer_id = $3
      where tenant_id = $1 and customer_id = $2 and state not in ('ACTIVE', 'PAUSED')`,
    values: [tenantId, merged.from, merged.to],
  });
}

interface Moved {
  tenantId: string;
  runId: string;
  flowId: string;
  /** The surviving customer as the publisher of the flow sees it. */
  record: JsonObject;
}

async function moveRun(
  client: ClientBase,
  { envelope }: ExitParts,
  { tenantId, runId, flowId, record }: Moved,
  { from, to }: Merged,
): Promise<void> {
  await lockEntries(client, flowId, to);
  if (!(await lockRun(client, tenantId, runId))) return;
  const { rows } = await client.query<{ sealed: Buffer; isIn: boolean }>({
    name: 'start_of_merged_run',
    text: `select sealed_start as sealed, exists (select from flow_enrollment where tenant_id = $1 and flow_id = $3
        and customer_id = $4 and state in ('ACTIVE', 'PAUSED')) as "isIn"
      from flow_run where tenant_id = $1 and id = $2`,
    values: [tenantId, runId, flowId, to],
  });
  const [run] = rows;
  if (!run || run.isIn) return;
  const owner = { tenantId, part: 'flow_run', id: runId } as const;
  const start = { ...openContent<StartValues>(envelope, owner, run.sealed), record };
  await pipeline(client, [
    {
      name: 'move_flow_enrollment',
      sql: `update flow_enrollment set customer_id = $3
        where tenant_id = $1 and run_id = $2 and state in ('ACTIVE', 'PAUSED')`,
      values: [tenantId, runId, to],
    },
    {
      name: 'move_flow_run_to_survivor',
      sql: 'update flow_run set record_id = $3, sealed_start = $4 where tenant_id = $1 and id = $2',
      values: [tenantId, runId, to, sealContent(envelope, owner, start)],
    },
    {
      name: 'move_flow_waits',
      sql: `update flow_wait set record_id = case when record_id = $3 then $4 else record_id end,
          correlation_hash = case when correlation_hash = $5 then $6 else correlation_hash end
        where tenant_id = $1 and run_id = $2 and (record_id = $3 or correlation_hash = $5)`,
      values: [tenantId, runId, from, to, correlationHash(from), correlationHash(to)],
    },
    {
      name: 'move_flow_approvals',
      sql: 'update flow_approval set record_id = $4 where tenant_id = $1 and run_id = $2 and record_id = $3',
      values: [tenantId, runId, from, to],
    },
  ]);
}
