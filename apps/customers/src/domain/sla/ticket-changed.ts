import {
  TicketEntryAuthor,
  TicketEntryKind,
  type TicketEntry,
} from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { TicketChannel, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { etagVersion, runStatements, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { SlaChange, SlaEvent } from '@rapport/time';
import type { Source } from '../../engine/assignment/rule-statements.js';
import { onTicketChange, type TicketChange, type TicketListener } from '../tickets/ticket-listeners.js';
import { PolicyChoice, readActivePolicies, type ActivePolicy } from './choose-policy.js';
import { countEvents } from './count-event.js';
import { calendarsOf, categoryName, policyKey, priorityName } from './policy-content.js';
import { keepDefinition, KeptDefinitions, keysOf, presentCalendars } from './sla-definitions.js';
import { readKept, type KeptTicket } from './ticket-history.js';

/** Keeps the history and the timers of a ticket that changes. */
const ticketChanged: TicketListener = async (source, change) => {
  const { before, after } = change;
  const [rows = [], policies = []] = await runStatements(source, readKept(after.id), readActivePolicies());
  const kept = (rows as unknown as KeptTicket[])[0];
  const choice = await PolicyChoice.load(source, policies as unknown as ActivePolicy[]);
  const chosen = choice.choose(after);
  const given = isChosenAnew(change, kept, choice, chosen) ? await policyChange(source, chosen) : unchanged;
  const events = eventsOf(change, kept, given);
  if (events.length === 0) return { fields: {}, statements: [] };
  const known = await KeptDefinitions.load(source, kept ? keysOf(kept.state) : []);
  given.define(known);
  const { fields, statements } = countEvents(after.id, kept, events, known);
  return {
    fields: { ...fields, isBreached: before?.isBreached ?? fields.isBreached },
    statements: [...given.statements, ...statements],
  };
};

onTicketChange(ticketChanged);

/** A ticket keeps its policy, also an earlier version of it, until a change brings it to another one. */
function isChosenAnew(
  { before, after }: TicketChange,
  kept: KeptTicket | undefined,
  choice: PolicyChoice,
  chosen: ActivePolicy | undefined,
): boolean {
  if (after.mergedIntoId !== undefined) return false;
  if (!kept || !before) return chosen !== undefined;
  return choice.choose(before)?.id !== chosen?.id;
}

/** The change that gives a ticket a policy, and what it needs. */
export interface PolicyChange {
  changes: readonly SlaChange[];
  /** Adds the definitions that the transaction keeps. */
  define(known: KeptDefinitions): void;
  statements: readonly TransactionStatement[];
}

const unchanged: PolicyChange = { changes: [], define: () => undefined, statements: [] };

/** @param chosen undefined: no policy is for the ticket */
export async function policyChange(source: Source, chosen: ActivePolicy | undefined): Promise<PolicyChange> {
  if (!chosen) return { ...unchanged, changes: [{ kind: 'POLICY' }] };
  const calendars = await presentCalendars(source, calendarsOf(chosen.content));
  const key = policyKey(chosen.id, chosen.version);
  return {
    changes: [
      { kind: 'CALENDARS', calendars: Object.fromEntries(calendars.map((calendar) => [calendar.id, calendar.key])) },
      { kind: 'POLICY', policy: key },
    ],
    define(known) {
      known.addPolicy(key, chosen.content);
      for (const calendar of calendars) known.addCalendar(calendar.key, calendar.rule);
    },
    statements: calendars.map((calendar) => keepDefinition(calendar.key, calendar.rule)),
  };
}

/** The events of a change. Nothing for one without effect on timers. */
function eventsOf(change: TicketChange, kept: KeptTicket | undefined, given: PolicyChange): SlaEvent[] {
  const { before, after, time } = change;
  const began = kept === undefined && before !== undefined ? [beginning(before)] : [];
  const changes = [...changesOf(change), ...given.changes];
  if (changes.length === 0) return began;
  return [...began, { id: `tickets@${etagVersion(after.etag)}`, timeMs: Date.parse(time), changes }];
}

/** The first event of a ticket whose history was not kept, such as one of an imported workspace. */
export function beginning(ticket: Ticket): SlaEvent {
  const answered: SlaChange[] = ticket.firstResponseTime === undefined ? [] : [{ kind: 'PUBLIC_REPLY', by: 'HUMAN' }];
  return { id: 'imported', timeMs: Date.parse(ticket.createTime ?? ''), changes: [created(ticket), ...answered] };
}

function changesOf({ before, after, entry }: TicketChange): SlaChange[] {
  const isMerged = after.mergedIntoId !== undefined;
  const wasMerged = before?.mergedIntoId !== undefined;
  const isDeleted = after.deleteTime !== undefined;
  const wasDeleted = before?.deleteTime !== undefined;
  if (!before) return [created(after), ...entryChanges(entry)];
  if (isDeleted !== wasDeleted)
    return [{ kind: isDeleted ? 'DELETED' : 'UNDELETED' }, ...(isDeleted ? [] : statesOf(after))];
  if (isMerged !== wasMerged) return [{ kind: isMerged ? 'MERGED' : 'UNMERGED' }, ...(isMerged ? [] : statesOf(after))];
  if (isMerged) return [];
  return [
    ...entryChanges(entry),
    ...statesOf(after).filter(({ kind }) => {
      if (kind === 'STATUS') return before.category !== after.category;
      return priorityName(before.priority) !== priorityName(after.priority);
    }),
  ];
}

/** The status and the priority of a ticket. */
function statesOf({ category, priority }: Ticket): SlaChange[] {
  return [
    { kind: 'STATUS', category: categoryName(category) },
    { kind: 'PRIORITY', priority: priorityName(priority) },
  ];
}

function created({ category, priority, channel }: Ticket): SlaChange {
  const isOfAgent = channel === TicketChannel.API && currentCaller().principalId.startsWith('user:');
  const by = isOfAgent ? 'AGENT' : 'CUSTOMER';
  return { kind: 'CREATED', category: categoryName(category), priority: priorityName(priority), by };
}

function entryChanges(entry: TicketEntry | undefined): SlaChange[] {
  switch (entry?.kind) {
    case TicketEntryKind.CUSTOMER_MESSAGE:
      return [{ kind: 'CUSTOMER_MESSAGE' }];
    case TicketEntryKind.PUBLIC_REPLY:
      return [{ kind: 'PUBLIC_REPLY', by: entry.by === TicketEntryAuthor.HUMAN ? 'HUMAN' : 'MACHINE' }];
    default:
      return [];
  }
}
