import { FlowKind, type FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { ClientBase } from 'pg';
import { definitionOf } from '../definitions/active-flows.js';
import type { EndParts } from '../runs/end-runs.js';
import type { ChangedRecords } from '../triggers/changed-records.js';
import { signsOf, type CustomerSign } from './answers.js';
import type { ExitReason } from './end-enrollment.js';
import type { FlowCustomers } from './flow-customers.js';
import { leaveFlow } from './leave-flow.js';

/** Whose enrollments changes end. */
export interface ExitParts extends EndParts {
  records: ChangedRecords;
  customers: FlowCustomers;
}

interface EnrolledRow {
  runId: string;
  flowId: string;
  version: number;
  customerId: string;
  principalId: string;
  hop: number;
}

interface Enrolled extends EnrolledRow {
  definition: FlowDefinition;
}

/**
 * Ends the runs of customers that leave their journeys and sequences because of changes. Runs in the transaction that
 * takes the changes, whose tenant is set; changes that are taken again end nothing more.
 *
 * @throws FiltersUnansweredError
 */
export async function takeExits(
  client: ClientBase,
  parts: ExitParts,
  tenantId: string,
  changes: readonly Change[],
): Promise<void> {
  if (!(await hasEnrolled(client, tenantId))) return;
  const signs = await signsOf(parts.records, tenantId, changes);
  const enrolled = await enrolledAmong(client, tenantId, new Set(signs.map(({ customerId }) => customerId)));
  if (enrolled.length === 0) return;
  const exits = await exitsOf(parts.customers, tenantId, enrolled, signs);
  for (const { runId } of enrolled) {
    const reason = exits.get(runId);
    if (reason) await leaveFlow(client, parts, { tenantId, runId, reason });
  }
}

async function hasEnrolled(client: ClientBase, tenantId: string): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>({
    name: 'has_flow_enrollments',
    text: `select exists (select from flow_enrollment where tenant_id = $1 and state in ('ACTIVE', 'PAUSED')) as has`,
    values: [tenantId],
  });
  return rows[0]?.has === true;
}

/** In the order in which their runs are locked. */
async function enrolledAmong(client: ClientBase, tenantId: string, ids: ReadonlySet<string>): Promise<Enrolled[]> {
  const { rows } = await client.query<EnrolledRow>({
    name: 'flow_enrollments_of_customers',
    text: `select run_id as "runId", enrolled.flow_id as "flowId", enrolled.version, customer_id as "customerId",
        principal_id as "principalId", hop
      from flow_enrollment enrolled join flow_run run on run.tenant_id = $1 and run.id = enrolled.run_id
      where enrolled.tenant_id = $1 and customer_id = any ($2) and enrolled.state in ('ACTIVE', 'PAUSED')
        and run.state <> 'COMPENSATING'
      order by run_id`,
    values: [tenantId, [...ids]],
  });
  const known: Enrolled[] = [];
  for (const row of rows) {
    const definition = await definitionOf(client, { tenantId, ...row });
    if (definition) known.push({ ...row, definition });
  }
  return known;
}

/** The reasons of the runs that end, by their ids. A goal counts before what else has happened. */
async function exitsOf(
  customers: FlowCustomers,
  tenantId: string,
  enrolled: readonly Enrolled[],
  signs: readonly CustomerSign[],
): Promise<Map<string, ExitReason>> {
  const exits = new Map<string, ExitReason>();
  for (const { runId, customerId, definition } of enrolled) {
    const reasons = signs.flatMap((sign) => (sign.customerId === customerId && sign.reason ? [sign.reason] : []));
    const counting = reasons.filter((each) => each === 'CUSTOMER_GONE' || definition.kind === FlowKind.SEQUENCE);
    const [first] = counting;
    if (first) exits.set(runId, counting.includes('CUSTOMER_GONE') ? 'CUSTOMER_GONE' : first);
  }
  for (const [name, reason] of [
    ['exit', 'EXIT_FILTER'],
    ['goal', 'GOAL'],
  ] as const) {
    for (const runId of await runsMeeting(customers, tenantId, enrolled, name)) exits.set(runId, reason);
  }
  return exits;
}

/** The runs whose customers meet a filter of their flows, by one call for each filter and principal. */
async function runsMeeting(
  customers: FlowCustomers,
  tenantId: string,
  enrolled: readonly Enrolled[],
  name: 'goal' | 'exit',
): Promise<string[]> {
  const filtered = enrolled.filter(({ definition }) => definition.enrollment?.[name] !== undefined);
  const groups = Map.groupBy(filtered, ({ principalId, definition }) =>
    JSON.stringify([principalId, definition.enrollment?.[name]]),
  );
  const met: string[] = [];
  for (const group of groups.values()) {
    const [{ principalId, runId, hop, definition }] = group as [Enrolled];
    const ids = [...new Set(group.map(({ customerId }) => customerId))];
    const acting = { tenantId, principalId, runId, hop };
    const meeting = await customers.meeting(acting, ids, definition.enrollment?.[name]);
    met.push(...group.filter(({ customerId }) => meeting?.has(customerId)).map((each) => each.runId));
  }
  return met;
}
