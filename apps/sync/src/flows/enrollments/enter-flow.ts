import { FlowKind, FlowReentry, type FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { NewRun, StartOutcome } from '../runs/new-run.js';

/** The type of the records that enter journeys and sequences. */
export const enteringType = 'customer';

/** Whether each run of a definition is an entry of a customer. */
export function enrolls({ kind }: Pick<FlowDefinition, 'kind'>): boolean {
  return kind === FlowKind.JOURNEY || kind === FlowKind.SEQUENCE;
}

/**
 * Why the customer of a run can not enter its flow; undefined if it can. Entries of a customer into a flow come one after
 * the other until the transaction ends.
 */
export async function entryRefused(client: ClientBase, run: NewRun): Promise<StartOutcome | undefined> {
  if (!enrolls(run.definition) || !run.record) return undefined;
  const { reentry = FlowReentry.NEVER, reentryAfterSeconds = 0 } = run.definition.enrollment ?? {};
  const { tenantId, flowId, record } = run;
  const [, entries] = await pipeline(client, [
    entryLock(flowId, record.id),
    {
      name: 'flow_entries_of_customer',
      sql: `select bool_or(state in ('ACTIVE', 'PAUSED')) as "isIn", count(*)::int as entries,
          max(entry_time) + make_interval(secs => $4) > clock_timestamp() as "isEarly"
        from flow_enrollment where tenant_id = $1 and customer_id = $2 and flow_id = $3`,
      values: [tenantId, record.id, flowId, reentryAfterSeconds],
    },
  ]);
  const [{ isIn, entries: count, isEarly } = { isIn: null, entries: 0, isEarly: null }] = (entries?.rows ??
    []) as Entries[];
  if (isIn) return { suppressed: 'ENROLLED', explanation: 'The customer is in the flow.' };
  if (count === 0 || reentry === FlowReentry.ALWAYS) return undefined;
  if (reentry === FlowReentry.AFTER && !isEarly) return undefined;
  const when = reentry === FlowReentry.AFTER ? `less than ${reentryAfterSeconds} s ago` : 'before';
  return { suppressed: 'REENTRY', explanation: `The customer has entered the flow ${when}.` };
}

function entryLock(flowId: string, customerId: string): Statement {
  return {
    name: 'lock_flow_entry',
    sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
    values: [`flow_enrollment ${flowId} ${customerId}`],
  };
}

/** Serializes entries of a customer into a flow until the transaction ends. */
export async function lockEntries(client: ClientBase, flowId: string, customerId: string): Promise<void> {
  await pipeline(client, [entryLock(flowId, customerId)]);
}

interface Entries {
  isIn: boolean | null;
  entries: number;
  isEarly: boolean | null;
}

/** Stores the entry of the customer of a run. */
export function entryStatements({ tenantId, flowId, version, definition, record }: NewRun, runId: string): Statement[] {
  if (!enrolls(definition) || !record) return [];
  return [
    {
      name: 'insert_flow_enrollment',
      sql: `insert into flow_enrollment (tenant_id, id, flow_id, version, customer_id, run_id, state, entry_time)
        values ($1, $2, $3, $4, $5, $6, 'ACTIVE', clock_timestamp())`,
      values: [tenantId, uuidv7(), flowId, version, record.id, runId],
    },
  ];
}
