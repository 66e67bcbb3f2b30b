import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { FlowDecisionOutcome, type FlowDecision } from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import {
  FlowTrialsServiceService as Methods,
  FlowTrialScope,
  type DryRunFlowRequest,
  type DryRunFlowResponse,
  type FlowTrialsServiceServer,
} from '@rapport/contracts/rapport/flows/v1/flow_trials_service';
import { AppError, callContext, currentCaller, invalidArgument } from '@rapport/platform';
import { JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import { lastingPrincipal } from '../../exchange/connections/check-rights.js';
import { CalendarClock } from '../effects/calendar-clock.js';
import type { JsonObject } from '../effects/effect-port.js';
import { RecordCalls } from '../effects/record-calls.js';
import { stepType } from '../effects/record-methods.js';
import { TrialEffects } from '../effects/trial-effects.js';
import { runValues } from '../definitions/variables.js';
import { FlowCustomers } from '../enrollments/flow-customers.js';
import { readBody } from '../hooks/receive-hook.js';
import { Expressions } from '../interpreter/expressions.js';
import { ChangedRecords } from '../triggers/changed-records.js';
import type { ChangeFacts, RecordAround } from '../triggers/match-trigger.js';
import { memberTrigger } from '../triggers/segment-trigger.js';
import { startValues } from '../triggers/take-flows.js';
import { flowToTry, type FlowToTry } from './flow-to-try.js';
import { followTrial, type Trial, type TriedRun } from './follow-trial.js';
import { trialMessage } from './trial-message.js';
import { FlowTry, type ChangeFlowToTry } from './try-flow.js';

const defaultDays = 7;
const dayMs = 86_400_000;
const defaultMaxRuns = 20;

@Controller()
@ImplementsService(Methods)
export class FlowTrialsController implements ServiceHandlers<FlowTrialsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly calls: RecordCalls,
    private readonly records: ChangedRecords,
    private readonly evaluator: JsonataEvaluator,
    private readonly clock: CalendarClock,
    private readonly customers: FlowCustomers,
  ) {}

  /** A trial acts as its caller, so it shows nothing that the caller can not read. */
  async dryRunFlow({ id, trial = FlowTrialScope.fromPartial({}) }: DryRunFlowRequest): Promise<DryRunFlowResponse> {
    refuseMasked();
    const flow = await flowToTry(this.em, id, trial.version);
    const { record, segment, manual, webhook } = flow.definition.trigger ?? {};
    const trigger = segment ? memberTrigger(segment) : record;
    if (trigger) return this.#tryChanges({ ...flow, trigger, ...(segment && { segment }) }, trial);
    if (manual) return this.#tryManual(flow, manual.type, trial);
    if (webhook)
      return this.#tryOne(flow, undefined, { input: { body: readBody(Buffer.from(trial.body ?? ''), 'trial.body') } });
    const message = 'Only flows with the trigger record, segment, manual or webhook can be tried.';
    throw new AppError('FAILED_PRECONDITION', 'FLOW_TRIGGER_UNSUPPORTED', message);
  }

  #tryChanges(
    flow: FlowToTry & Pick<ChangeFlowToTry, 'trigger' | 'segment'>,
    trial: FlowTrialScope,
  ): Promise<DryRunFlowResponse> {
    const follow = (change: ChangeFacts, around: RecordAround, record: { type: string; id: string }) => {
      const values = startValues(change, around);
      return this.#follow(flow, { values, record, hop: change.hop + 1, start: new Date(change.time) });
    };
    const { em, calls, records, customers } = this;
    const caller = acting();
    const { tenantId, principalId: publishedBy } = caller;
    const parts = { em, calls, records, customers, acting: caller, follow };
    return new FlowTry(parts, { ...flow, tenantId, publishedBy }, spanOf(trial)).perform();
  }

  async #tryManual(flow: FlowToTry, type: string | undefined, trial: FlowTrialScope): Promise<DryRunFlowResponse> {
    const { recordId, input = {} } = trial;
    if ((type === undefined) !== (recordId === undefined)) {
      const [reason, description] =
        type === undefined ? ['NOT_ALLOWED', 'is not allowed'] : ['REQUIRED', 'is required'];
      throw invalidArgument([{ field: 'trial.recordId', reason: reason as 'REQUIRED', description }]);
    }
    const record = type !== undefined && recordId !== undefined ? { type, id: recordId } : undefined;
    const values = {
      ...(record && { record: await this.#record(record) }),
      input: input as JsonObject,
    };
    return this.#tryOne(flow, record, values);
  }

  /** Follows the run of one call, unless the condition of the flow refuses it. */
  async #tryOne(flow: FlowToTry, record: Trial['record'], values: Trial['values']): Promise<DryRunFlowResponse> {
    const { flowId, version, definition } = flow;
    const start = new Date();
    const counts = { changes: 0, suppressed: 0, isComplete: true };
    const expressions = new Expressions((scope) => runValues(definition, { ...scope }));
    const { condition } = definition;
    if (condition !== undefined && !expressions.isTrue(condition, { ...values, now: start })) {
      return { ...counts, started: 0, notMatched: 1, trials: [] };
    }
    const tried = await this.#follow(flow, { values, record, hop: 0, start });
    const decision: FlowDecision = {
      ...{ flowId, version, changeId: '', outcome: FlowDecisionOutcome.STARTED, record, time: start.toISOString() },
      ...{ reason: undefined, explanation: undefined, runId: undefined },
    };
    return { ...counts, started: 1, notMatched: 0, trials: [{ decision, ...trialMessage(tried) }] };
  }

  #record({ type, id }: { type: string; id: string }): Promise<JsonObject> {
    const { method, parent } = stepType(type);
    return this.calls.ask(method('get'), { id, ...parent }, acting(), goneSignal());
  }

  #follow({ definition }: FlowToTry, run: Pick<Trial, 'values' | 'record' | 'hop' | 'start'>): Promise<TriedRun> {
    const { tenantId, principalId } = acting();
    // Runs of the past change records of their own: no trial sees what another one would have done.
    const effects = new TrialEffects(this.calls, this.evaluator);
    const parts = { effects, clock: this.clock, signal: goneSignal() };
    return followTrial({ tenantId, principalId, definition, ...run }, parts);
  }
}

function acting() {
  return {
    tenantId: currentCaller().tenantId,
    principalId: lastingPrincipal(),
    runId: '',
    hop: 0,
  };
}

/** Changes come from the log with all of their values. */
function refuseMasked(): void {
  if (!currentCaller().hidesPii) return;
  const message = "A trial shows personal data. A caller without access to it can't try a flow.";
  throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', message);
}

function spanOf({ startTime, endTime, maxRuns = defaultMaxRuns }: FlowTrialScope) {
  const end = endTime === undefined ? new Date() : new Date(endTime);
  const start = startTime === undefined ? new Date(end.getTime() - defaultDays * dayMs) : new Date(startTime);
  return { start, end, maxRuns, signal: goneSignal() };
}

function goneSignal(): AbortSignal {
  return callContext.getStore()?.gone ?? new AbortController().signal;
}
