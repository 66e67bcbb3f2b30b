import { MacroVisibility, type Macro, type MacroAction } from '@rapport/contracts/rapport/support/v1/macro';
import { TicketPriority, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketReply } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { ApplyMacroRequest, MacroResult } from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField, ownerIdOf } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { within } from '../../engine/values/within.js';
import { macros } from '../macros/macros.js';
import { addTicketNote } from '../ticket-actions/add-entries.js';
import { lockUnmerged } from '../ticket-actions/locked-ticket.js';
import { replyToTicket, valuesOfTicket } from '../ticket-actions/reply-to-ticket.js';
import { isTemplate, renderText } from '../templates/text-templates.js';
import { changeTicket } from '../tickets/ticket-writes.js';

/** Handles ApplyMacro. */
export async function applyMacro(
  transaction: StatementTransaction,
  { id, application, etag }: ApplyMacroRequest,
): Promise<MacroResult> {
  if (!application) throw invalidField('application', 'REQUIRED', 'is required');
  const macro = await macroOf(transaction, application.macroId);
  const { before } = await lockUnmerged(transaction, id);
  checkEtag(etag, etagVersion(before.etag));
  let ticket = before;
  const entries: TicketEntry[] = [];
  for (const [index, action] of macro.actions.entries()) {
    const added = await addEntryOf(transaction, ticket, action, `actions[${index}]`);
    if (!added) continue;
    ticket = added.ticket ?? ticket;
    if (added.entry) entries.push(added.entry);
  }
  const { changes, places } = changesOf(ticket, macro.actions);
  if (places.size > 0) ticket = await atPlaces(places, () => changeTicket(transaction, id, changes));
  return { ticket, entries };
}

async function macroOf(transaction: StatementTransaction, id: string): Promise<Macro> {
  const [macro] = await openStored(macros, await transaction.rows<StoredRecord<Macro>>(liveRecords(macros, [id])));
  if (!macro) throw invalidField('application.macroId', 'MACRO_NOT_FOUND', 'must be the id of a live macro');
  if (isFor(macro)) return macro;
  const message = 'The visibility of the macro excludes the caller.';
  throw new AppError('PERMISSION_DENIED', 'MACRO_NOT_AVAILABLE', message);
}

function isFor({ visibility, teamIds, createdBy }: Macro): boolean {
  const caller = currentCaller();
  switch (visibility) {
    case MacroVisibility.CREATOR:
      return createdBy === caller.principalId;
    case MacroVisibility.TEAMS:
      return teamIds.some((id) => caller.teamIds?.includes(id) ?? false);
    default:
      return true;
  }
}

/** Adds the entry of an action that has one. @param place of the action in the macro */
async function addEntryOf(
  transaction: StatementTransaction,
  ticket: Ticket,
  { reply, addNote }: MacroAction,
  place: string,
): Promise<{ ticket?: Ticket | undefined; entry?: TicketEntry | undefined } | undefined> {
  const { id } = ticket;
  if (reply) {
    return within({ reply: `${place}.reply` }, async () => {
      const text = await textOf(transaction, ticket, reply);
      return replyToTicket(transaction, { id, reply: { ...blankReply, ...reply, text } });
    });
  }
  if (!addNote) return undefined;
  const request = { id, note: { text: addNote.text, mentions: [] } };
  return within({ note: `${place}.addNote` }, () => addTicketNote(transaction, request as never));
}

/** The text of a reply, rendered if it is a template. */
async function textOf(
  transaction: StatementTransaction,
  ticket: Ticket,
  { text }: NonNullable<MacroAction['reply']>,
): Promise<string | undefined> {
  if (text === undefined || !isTemplate(text)) return text;
  return renderText(transaction, { field: 'reply.text', text }, await valuesOfTicket(transaction, ticket));
}

const blankReply = TicketReply.decode(new Uint8Array());

/** The fields of a ticket that the actions set, and by which action: the last one of each field counts. */
function changesOf(
  ticket: Ticket,
  actions: readonly MacroAction[],
): { changes: Partial<Ticket>; places: Map<keyof Ticket, string> } {
  let changes: Partial<Ticket> = {};
  const places = new Map<keyof Ticket, string>();
  for (const [index, action] of actions.entries()) {
    const set = fieldsOf({ ...ticket, ...changes }, action);
    changes = { ...changes, ...set };
    for (const name of Object.keys(set)) places.set(name as keyof Ticket, `actions[${index}]`);
  }
  return { changes, places };
}

function fieldsOf({ tags }: Ticket, action: MacroAction): Partial<Ticket> {
  const { setStatus, setPriority, setQueue, setAssignee, addTags, removeTags } = action;
  if (setStatus) return { status: setStatus.status };
  if (setPriority) return { priority: TicketPriority[setPriority.priority as keyof typeof TicketPriority] };
  if (setQueue) return { queueId: setQueue.queueId };
  if (setAssignee) return { ownerId: setAssignee.userId ?? ownerIdOf(currentCaller().principalId) };
  if (addTags) return { tags: [...new Set([...tags, ...addTags.tags])] };
  if (removeTags) return { tags: tags.filter((tag) => !removeTags.tags.includes(tag)) };
  return {};
}

/** Names the actions in the errors of the fields that they set. */
function atPlaces<Result>(places: ReadonlyMap<string, string>, work: () => Promise<Result>): Promise<Result> {
  return within(Object.fromEntries([...places].map(([name, place]) => [`ticket.${name}`, place])), work);
}
