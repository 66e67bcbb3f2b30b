import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  EnrollCustomersRequest,
  EnrollCustomersResponse,
  RefusedEnrollment,
} from '@rapport/contracts/rapport/flows/v1/flow_enrollments_service';
import { recordAuditEvent } from '@rapport/persistence';
import { AppError, callContext, currentCaller, invalidArgument } from '@rapport/platform';
import type { ActiveFlow } from '../definitions/active-flows.js';
import type { JsonObject } from '../effects/effect-port.js';
import { Expressions } from '../interpreter/expressions.js';
import type { NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import { activeFlow, inputViolations } from '../serve-runs/run-flow.js';
import { transactionClient } from '../serve-runs/transaction-client.js';
import type { EngineParts } from '../worker/engine-parts.js';
import { enrollmentMessage, selectEnrollments, type EnrollmentRow } from './enrollment-row.js';
import { enrolls, enteringType } from './enter-flow.js';

/** Checks what customers are enrolled in. @throws AppError FAILED_PRECONDITION, or INVALID_ARGUMENT for the inputs */
export function checkEnrolling({ definition }: ActiveFlow, { enrolling }: EnrollCustomersRequest): void {
  const { type, inputs = [] } = definition.trigger?.manual ?? {};
  if (!enrolls(definition) || type !== enteringType) {
    const message = 'Only journeys and sequences with the trigger `manual` can be entered by a call.';
    throw new AppError('FAILED_PRECONDITION', 'FLOW_TRIGGER_UNSUPPORTED', message);
  }
  const violations = inputViolations(inputs, enrolling?.input ?? {}, 'enrolling.input');
  if (violations.length > 0) throw invalidArgument(violations);
}

/** Handles EnrollCustomers. Runs in a transaction. @param customers as the caller sees them */
export async function enrollCustomers(
  em: EntityManager,
  parts: EngineParts,
  flow: ActiveFlow,
  { enrolling }: EnrollCustomersRequest,
  customers: readonly JsonObject[],
): Promise<EnrollCustomersResponse> {
  const { tenantId } = currentCaller();
  const client = await transactionClient(em);
  const expressions = new Expressions(parts.versions.typed(flow.definition));
  const refused: RefusedEnrollment[] = [];
  const runIds: string[] = [];
  // In one order, so that two calls do not wait for each other.
  for (const customer of customers.toSorted((one, other) => (idOf(one) < idOf(other) ? -1 : 1))) {
    const outcome = await enroll(customer);
    if ('runId' in outcome) runIds.push(outcome.runId);
    else refused.push({ customerId: idOf(customer), reason: outcome.reason });
  }
  const detail = { enrolled: runIds.length, refused: refused.length };
  await recordAuditEvent(em, { kind: 'FLOW_CUSTOMERS_ENROLLED', records: [`flow/${flow.flowId}`], detail });
  const { rows } = await client.query<EnrollmentRow>(
    `${selectEnrollments} where enrolled.tenant_id = $1 and run_id = any ($2) order by enrolled.id`,
    [tenantId, runIds],
  );
  return { flowEnrollments: rows.map((row) => enrollmentMessage(row, true)), refused };

  async function enroll(customer: JsonObject): Promise<{ runId: string } | { reason: string }> {
    const run = newRun(flow, customer, enrolling?.input ?? {});
    const { condition } = flow.definition;
    const isMet = condition === undefined || expressions.isTrue(condition, { ...run.values, now: new Date() });
    if (!isMet) return { reason: 'CONDITION' };
    const [outcome] = await startRuns(client, { ...parts, expressions }, [run]);
    if (!outcome) throw new Error('A wanted run has no outcome.');
    // Says the state that the flow has now.
    if ('suppressed' in outcome && outcome.suppressed === 'PAUSED') await activeFlow(em, flow.flowId);
    return 'runId' in outcome ? outcome : { reason: outcome.suppressed };
  }
}

function newRun(
  { flowId, version, definition, publishedBy }: ActiveFlow,
  customer: JsonObject,
  input: JsonObject,
): NewRun {
  const { tenantId, principalId } = currentCaller();
  return {
    ...{ tenantId, flowId, version, definition, principalId: publishedBy },
    cause: { kind: 'MANUAL', principalId, time: new Date().toISOString() },
    record: { type: enteringType, id: idOf(customer) },
    ...{ hop: callContext.getStore()?.cause?.hop ?? 0, chain: [] },
    values: { input, record: customer },
  };
}

function idOf(customer: JsonObject): string {
  return customer['id'] as string;
}
