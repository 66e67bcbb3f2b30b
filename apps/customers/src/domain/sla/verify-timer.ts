import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ExplainTicketSlaResponse,
  VerifySlaTimerResponse,
} from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaVerdict } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaMetric } from '@rapport/contracts/rapport/support/v1/sla_policy';
import type { SlaTimer } from '@rapport/contracts/rapport/support/v1/sla_timer';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { queryRows } from '@rapport/persistence';
import { advance, compacted, settle, type SlaState, type SlaTimerState } from '@rapport/time';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { tickets } from '../tickets/tickets.js';
import { PolicyChoice, readActivePolicies, type ActivePolicy } from './choose-policy.js';
import { readKey } from './policy-content.js';
import { definitionsOf, KeptDefinitions } from './sla-definitions.js';
import { slaTimers, timerContent } from './sla-timers.js';
import { eventOf, readEvents, readKept, type EventRow, type KeptTicket } from './ticket-history.js';

/** Counts the history of the ticket of a timer again. */
export async function verifySlaTimer(em: EntityManager, id: string): Promise<VerifySlaTimerResponse> {
  const stored = await find<SlaTimer>(em, slaTimers, id);
  const { ticketId } = stored;
  const events = (await queryRows<EventRow>(em, readEvents([ticketId]))).map(eventOf);
  const [kept] = await queryRows<KeptTicket>(em, readKept(ticketId));
  const known = await KeptDefinitions.load(em, definitionsOf(events));
  const timers = new Map<string, SlaTimerState>();
  let state: SlaState | undefined;
  const keep = (next: SlaState): SlaState => {
    for (const timer of next.timers) timers.set(`${timer.metric}/${timer.cycle}`, timer);
    return compacted(next);
  };
  for (const event of events) state = keep(advance(state, event, known));
  if (state && kept) keep(settle(state, Math.max(kept.state.settledMs, state.settledMs), known));
  const timer = timers.get(`${SlaMetric[stored.metric]}/${stored.cycle}`);
  if (!timer) return { equal: false, differingFields: [], computed: undefined, events: events.length };
  const content = timerContent(ticketId, timer, known);
  const computed: SlaTimer = { ...stored, ...content };
  const differingFields = Object.keys(content).filter((field) => !isEqual(stored, computed, field as keyof SlaTimer));
  return { equal: differingFields.length === 0, differingFields, computed, events: events.length };
}

/** Which policy a ticket would get now, and why not the others. */
export async function explainTicketSla(em: EntityManager, id: string): Promise<ExplainTicketSlaResponse> {
  const ticket = await find<Ticket>(em, tickets, id);
  const [kept] = await queryRows<KeptTicket>(em, readKept(id));
  const choice = await PolicyChoice.load(em, await queryRows<ActivePolicy>(em, readActivePolicies()));
  const chosen = choice.choose(ticket);
  const ruling = kept?.state.policy === undefined ? undefined : readKey(kept.state.policy);
  const verdicts = choice.policies.map((policy) => {
    const { id: policyId, key, name, version, content } = policy;
    const unchosen = choice.meets(policy, ticket) ? SlaVerdict.LATER : SlaVerdict.FILTER_UNMET;
    const verdict = policy === chosen ? SlaVerdict.CHOSEN : unchosen;
    return { policyId, key, name, version, verdict, filter: content.filter };
  });
  return { policyId: ruling?.id, policyVersion: ruling?.version, verdicts };
}

/** A live record that the caller sees. @throws AppError NOT_FOUND */
export async function find<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  id: string,
): Promise<Message> {
  const [record] = await openStored(type, await queryRows<StoredRecord<Message>>(em, liveRecords(type, [id])));
  return liveRecord(em, type, id, record);
}

function isEqual(stored: SlaTimer, computed: SlaTimer, field: keyof SlaTimer): boolean {
  const only = (timer: SlaTimer) => slaTimers.encode({ ...slaTimers.empty(), [field]: timer[field] });
  return only(stored).equals(only(computed));
}
