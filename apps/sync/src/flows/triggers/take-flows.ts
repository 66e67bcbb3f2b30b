import { isTrue } from '@rapport/contracts/expressions';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { RecordTrigger, SegmentTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import type { ClientBase } from 'pg';
import { FiltersUnansweredError } from '../../webhooks/events/record-filters.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { BulkStarts } from '../backfills/bulk-starts.js';
import { activeFlows, type ActiveFlow } from '../definitions/active-flows.js';
import { runValues } from '../definitions/variables.js';
import type { JsonObject } from '../effects/effect-port.js';
import type { FlowCustomers } from '../enrollments/flow-customers.js';
import { enteringType } from '../enrollments/enter-flow.js';
import { takeExits } from '../enrollments/take-exits.js';
import { takeMerges } from '../enrollments/take-merges.js';
import { Expressions } from '../interpreter/expressions.js';
import type { StartValues } from '../runs/new-run.js';
import type { RunHooks } from '../runs/run-hooks.js';
import { startRuns } from '../runs/start-runs.js';
import { causeChains, type CauseChains } from './cause-chains.js';
import type { ChangedRecords, TypedFilter } from './changed-records.js';
import { numberChanges, recordDecisions, type Decision, type NumberedChange } from './decision-ledger.js';
import { ListenMatcher } from './match-listens.js';
import { aroundNow, customerOfMember, MemberCustomers, memberTrigger, type WantedMember } from './segment-trigger.js';
import { wakeClocks } from './times/wake-clocks.js';
import { brakeOf } from './loop-brake.js';
import {
  changeFacts,
  changedBefore,
  mismatchOf,
  recordMismatch,
  recordOf,
  type ChangeFacts,
  type Mismatch,
  type RecordAround,
} from './match-trigger.js';

/** Most changes of a batch whose records are read at once. With more, the changes are deferred. */
const maxRead = 100;

/** Whose work changes start. */
export interface FlowParts {
  envelope: SecretEnvelope;
  hooks: RunHooks;
  records: ChangedRecords;
  customers: FlowCustomers;
}

/** An active version with the trigger `record`, or `segment`, which follows changes of members. */
export interface RecordFlow extends ActiveFlow {
  trigger: RecordTrigger;
  segment?: SegmentTrigger;
}

/**
 * Decides for each active version whether changes of its tenant start runs, once for each change, and gives the changes
 * to steps that listen. Runs in the transaction that takes the changes, and sets its tenant.
 *
 * @returns the number of runs that were started or woken
 * @throws FiltersUnansweredError
 */
export async function takeForFlows(
  client: ClientBase,
  parts: FlowParts,
  tenantId: string,
  changes: readonly Change[],
): Promise<number> {
  const active = await activeFlows(client, tenantId);
  await wakeClocks(client, active, changes);
  await takeMerges(client, parts, tenantId, changes);
  await takeExits(client, parts, tenantId, changes);
  const versions = recordFlows(active);
  const listens = await ListenMatcher.of(client, parts.envelope, tenantId);
  if (versions.length === 0 && !listens.isNeeded) return 0;
  const taken = await numberChanges(client, tenantId, changes.map(changeFacts));
  const matched = await matchAll(parts, tenantId, versions, taken);
  const chains = await causeChains(client, tenantId, [...matched.keys()]);
  const byId = new Map(changes.map((change) => [change.id, change]));
  const decisions: Decision[] = [];
  const bulk = new BulkStarts(client);
  let due = 0;
  for (const change of taken) {
    due += await listens.take(byId.get(change.id), change);
    for (const match of matched.get(change) ?? []) {
      const decision = await decide(client, parts, match, { change, chains, bulk });
      decisions.push(decision);
      if (decision.outcome === 'STARTED') {
        due++;
        listens.noteStart();
      }
    }
  }
  await recordDecisions(client, tenantId, { changes: taken, decisions, versions }, bulk.statements());
  return due;
}

/** The versions that changes can start. */
function recordFlows(flows: readonly ActiveFlow[]): RecordFlow[] {
  return flows.flatMap((flow) => {
    const { record, segment } = flow.definition.trigger ?? {};
    if (segment) return [{ ...flow, segment, trigger: memberTrigger(segment) }];
    return record ? [{ ...flow, trigger: record }] : [];
  });
}

/** A version that a change matches, and the record that its run is about. */
export interface Matched<Flow = RecordFlow> {
  flow: Flow;
  around: RecordAround;
  record: { type: string; id: string };
}

/** The versions that each change matches. */
async function matchAll(
  { records, customers }: Pick<FlowParts, 'records' | 'customers'>,
  tenantId: string,
  versions: readonly RecordFlow[],
  changes: readonly NumberedChange[],
): Promise<Map<NumberedChange, Matched[]>> {
  const candidates = changes.flatMap((change) => {
    const flows = versions.filter(({ trigger }) => mismatchOf(trigger, change) === undefined);
    return flows.length > 0 ? [{ change, flows }] : [];
  });
  if (candidates.length > maxRead) throw new FiltersUnansweredError('There are too many changes.');
  const filters = [...new Set(candidates.flatMap(({ flows }) => flows))].flatMap(filtersOf);
  const around = await records.around(
    tenantId,
    candidates.map(({ change }) => change),
    filters,
  );
  const near = candidates.flatMap(({ change, flows }) => {
    const record = around.get(change.id);
    return record ? flows.map((flow) => ({ flow, change, around: record })) : [];
  });
  const members = await MemberCustomers.of(customers, near.flatMap(wantedMember));
  const matched = new Map<NumberedChange, Matched[]>();
  for (const each of near) {
    const met = matchOne(each, members);
    if (met) matched.set(each.change, [...(matched.get(each.change) ?? []), met]);
  }
  return matched;
}

/** What the match of a version needs. Its publisher reads the customers of members. */
export type MatchingFlow = Pick<RecordFlow, 'tenantId' | 'publishedBy' | 'definition' | 'trigger' | 'segment'>;

/** A version that a change can match. */
interface NearMatch<Flow extends MatchingFlow> {
  flow: Flow;
  change: ChangeFacts;
  around: RecordAround;
}

/** The customer to read for a change of a member; none for other changes. */
export function wantedMember({ flow, change, around }: NearMatch<MatchingFlow>): WantedMember[] {
  const { segment, tenantId, publishedBy: principalId } = flow;
  const customerId = segment && customerOfMember(segment, around);
  return customerId === undefined ? [] : [{ tenantId, principalId, customerId, change }];
}

/** @param members with those that `wantedMember` names */
export function matchOne<Flow extends MatchingFlow>(
  { flow, change, around }: NearMatch<Flow>,
  members: MemberCustomers,
): Matched<Flow> | undefined {
  const record = { type: flow.trigger.type, id: change.recordId };
  if (!flow.segment) return matchMismatch(flow, change, around) === undefined ? { flow, around, record } : undefined;
  const id = customerOfMember(flow.segment, around);
  const customer = id === undefined ? undefined : members.find(flow.publishedBy, id);
  if (id === undefined || !customer) return undefined;
  const now = aroundNow(customer);
  const isMet = matchMismatch({ ...flow, trigger: anyCustomer }, customerChange(change, id), now) === undefined;
  return isMet ? { flow, around: now, record: { type: enteringType, id } } : undefined;
}

/** A change of a member, as the condition of its flow reads it. */
function customerChange(change: ChangeFacts, recordId: string): ChangeFacts {
  return { ...change, type: enteringType, recordId, changedFields: [] };
}

const anyCustomer: RecordTrigger = {
  ...{ type: enteringType, operations: [], changedFields: [] },
  ...{ filter: undefined, beforeFilter: undefined },
};

export function filtersOf({ trigger: { type, filter, beforeFilter } }: Pick<RecordFlow, 'trigger'>): TypedFilter[] {
  return [filter, beforeFilter].flatMap((each) => (each === undefined ? [] : [{ type, filter: each }]));
}

/** Why a change does not match a version; the same whenever it is asked. */
export function matchMismatch(
  { trigger, definition }: Pick<RecordFlow, 'trigger' | 'definition'>,
  change: ChangeFacts,
  around: RecordAround,
): Mismatch | undefined {
  const mismatch = mismatchOf(trigger, change) ?? recordMismatch(trigger, around);
  if (mismatch || definition.condition === undefined) return mismatch;
  // The time of the change, so that a later evaluation has the same result.
  const values = runValues(definition, { ...startValues(change, around), now: new Date(change.time) });
  return isTrue(definition.condition, values) ? undefined : 'CONDITION';
}

/** What expressions of a run read of the change that started it. */
export function startValues(change: ChangeFacts, around: RecordAround): StartValues {
  const [record, before] = [recordOf(around), changedBefore(around, change)];
  const { operation, changedFields, time, actor } = change;
  return {
    ...(record && { record: record as JsonObject }),
    ...(before && { before: before as JsonObject }),
    change: { operation, changedFields: [...changedFields], time, actor },
    input: {},
  };
}

async function decide(
  client: ClientBase,
  { envelope, hooks }: FlowParts,
  { flow, around, record }: Matched,
  { change, chains, bulk }: { change: NumberedChange; chains: CauseChains; bulk: BulkStarts },
): Promise<Decision> {
  const { tenantId, flowId, version, definition, segment, publishedBy } = flow;
  const decision = { flowId, version, change: { ...change, recordId: record.id }, recordType: record.type };
  const paused = { ...decision, outcome: 'SUPPRESSED', reason: 'PAUSED' } as const;
  if (flow.state !== 'ACTIVE') return paused;
  const chain = chains.of(change);
  const candidate = { flowId, recordId: record.id, followsItself: definition.followsItself };
  const brake = brakeOf(candidate, chain, change.hop);
  if (brake) return { ...decision, outcome: 'SUPPRESSED', ...brake };
  const expressions = new Expressions((scope) => runValues(definition, { ...scope }));
  const start = await bulk.next(flow, change.number);
  if (!start) return paused;
  const [outcome] = await startRuns(client, { envelope, hooks, expressions }, [
    {
      ...{ tenantId, flowId, version, definition, chain, principalId: publishedBy, hop: change.hop + 1 },
      cause: {
        ...{ kind: segment ? 'SEGMENT' : 'RECORD', changeId: change.id },
        ...{ principalId: change.actor, time: change.time },
      },
      record,
      values: startValues(change, around),
      bulk: start,
    },
  ]);
  if (!outcome) throw new Error('No outcome of the start of a run is known.');
  if ('runId' in outcome) {
    bulk.note(flow, start);
    return { ...decision, outcome: 'STARTED', runId: outcome.runId };
  }
  return { ...decision, outcome: 'SUPPRESSED', reason: outcome.suppressed, explanation: outcome.explanation };
}
