import type { EntityManager } from '@mikro-orm/postgresql';
import { FlowDecisionOutcome, type FlowDecision } from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import type { DryRunFlowResponse, FlowTrial } from '@rapport/contracts/rapport/flows/v1/flow_trials_service';
import { settingStatement, withConnection, pipeline } from '@rapport/persistence';
import type { Acting, RecordCalls } from '../effects/record-calls.js';
import { causeChains, type CauseChains } from '../triggers/cause-chains.js';
import type { FlowCustomers } from '../enrollments/flow-customers.js';
import type { ChangedRecords } from '../triggers/changed-records.js';
import { brakeOf } from '../triggers/loop-brake.js';
import { MemberCustomers } from '../triggers/segment-trigger.js';
import { feedType, mismatchOf, type ChangeFacts, type RecordAround } from '../triggers/match-trigger.js';
import { filtersOf, matchOne, wantedMember, type Matched, type MatchingFlow } from '../triggers/take-flows.js';
import type { TriedRun } from './follow-trial.js';
import type { FlowToTry } from './flow-to-try.js';
import { pastChanges } from './past-changes.js';
import { trialMessage } from './trial-message.js';

/** Most changes that a trial considers. */
const maxChanges = 10_000;

const secondMs = 1_000;
const daySeconds = 86_400;

/** The changes that a trial considers, and how many runs it follows. */
export interface TrialSpan {
  start: Date;
  end: Date;
  maxRuns: number;
  signal: AbortSignal;
}

interface Parts {
  em: EntityManager;
  calls: RecordCalls;
  records: ChangedRecords;
  customers: FlowCustomers;
  acting: Acting;
  /** Follows one run. */
  follow: (change: ChangeFacts, around: RecordAround, record: Matched['record']) => Promise<TriedRun>;
}

/** A flow whose trigger follows changes. The caller of the trial is its publisher. */
export type ChangeFlowToTry = FlowToTry & MatchingFlow;

/** Decides about past changes as real runs do, and follows the first runs that would start. */
export class FlowTry {
  readonly #counts = { changes: 0, started: 0, suppressed: 0, notMatched: 0 };
  readonly #trials: FlowTrial[] = [];
  /** Times of the runs that would have started, by record, in milliseconds. */
  readonly #starts = new Map<string, number[]>();

  constructor(
    private readonly parts: Parts,
    private readonly flow: ChangeFlowToTry,
    private readonly span: TrialSpan,
  ) {}

  async perform(): Promise<DryRunFlowResponse> {
    const { calls, acting } = this.parts;
    const { type } = feedType(this.flow.trigger.type);
    for await (const changes of pastChanges(calls, acting, {
      type,
      ...this.span,
    })) {
      const considered = changes.slice(0, maxChanges - this.#counts.changes);
      await this.#consider(considered);
      if (considered.length < changes.length) return this.#answer(false);
    }
    return this.#answer(true);
  }

  async #consider(changes: readonly ChangeFacts[]): Promise<void> {
    const { records, customers, acting } = this.parts;
    const { flow } = this;
    const candidates = changes.filter((change) => mismatchOf(flow.trigger, change) === undefined);
    const found = await records.around(acting.tenantId, candidates, filtersOf(flow));
    const near = candidates.flatMap((change) => {
      const around = found.get(change.id);
      return around ? [{ flow, change, around }] : [];
    });
    const members = await MemberCustomers.of(customers, near.flatMap(wantedMember));
    const matched = new Map(near.map((each) => [each.change.id, matchOne(each, members)]));
    const chains = await this.#chains(candidates);
    for (const change of changes) {
      this.#counts.changes += 1;
      const match = matched.get(change.id);
      if (match) await this.#decide({ ...change, recordId: match.record.id }, match, chains);
      else this.#counts.notMatched += 1;
    }
  }

  /** @param change of the record that the run is about */
  async #decide(change: ChangeFacts, { around, record }: Matched<MatchingFlow>, chains: CauseChains): Promise<void> {
    const suppression = this.#suppression(change, chains);
    if (suppression) {
      this.#counts.suppressed += 1;
      return;
    }
    this.#counts.started += 1;
    if (this.#trials.length >= this.span.maxRuns) return;
    const tried = await this.parts.follow(change, around, record);
    this.#trials.push({
      decision: this.#decision(change, record),
      ...trialMessage(tried),
    });
  }

  #suppression(change: ChangeFacts, chains: CauseChains): string | undefined {
    const { flowId, definition } = this.flow;
    const candidate = {
      flowId,
      recordId: change.recordId,
      followsItself: definition.followsItself,
    };
    const brake = brakeOf(candidate, chains.of(change), change.hop);
    if (brake) return brake.reason;
    const { runsPerRecord, perSeconds = daySeconds } = definition.limits ?? {};
    if (runsPerRecord === undefined) return undefined;
    const time = Date.parse(change.time);
    const recent = (this.#starts.get(change.recordId) ?? []).filter((each) => each > time - perSeconds * secondMs);
    if (recent.length >= runsPerRecord) return 'RECORD_LIMIT';
    this.#starts.set(change.recordId, [...recent, time]);
    return undefined;
  }

  #chains(changes: readonly ChangeFacts[]): Promise<CauseChains> {
    const { em, acting } = this.parts;
    return withConnection(em, async (client) => {
      await client.query('begin read only');
      await pipeline(client, [settingStatement({ 'app.tenant_id': acting.tenantId })]);
      const chains = await causeChains(client, acting.tenantId, changes);
      await client.query('commit');
      return chains;
    });
  }

  #decision(change: ChangeFacts, record: Matched['record']): FlowDecision {
    const { flowId, version } = this.flow;
    return {
      ...{
        flowId,
        version,
        changeId: change.id,
        outcome: FlowDecisionOutcome.STARTED,
        time: change.time,
      },
      record,
      ...{ reason: undefined, explanation: undefined, runId: undefined },
    };
  }

  #answer(isComplete: boolean): DryRunFlowResponse {
    return { ...this.#counts, trials: this.#trials, isComplete };
  }
}
