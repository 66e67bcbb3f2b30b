import { MacroVisibility } from '@rapport/contracts/rapport/support/v1/macro';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { TicketCategory, TicketPriority, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { ownerIdOf } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { SupportTenant } from './support-tenant.js';
import { ticket, TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();
let tenant: TicketTenant;
let support: SupportTenant;
let customerId: string;

beforeEach(async () => {
  tenant = new TicketTenant(service);
  support = new SupportTenant(service, tenant.caller);
  customerId = await tenant.createRequester();
});

const merge = (id: string, intoId: string) => service.call('mergeTicket', { id, merge: { intoId } }, tenant.caller);
const undo = (id: string) => service.call('undoTicketMerge', { id }, tenant.caller);

/** What is said in a ticket, without what the service reports. */
async function textsOf(ticket: Pick<Ticket, 'id'>): Promise<string[]> {
  const entries = await tenant.entriesOf(ticket);
  return entries.filter(({ kind }) => kind !== TicketEntryKind.SYSTEM).map(({ text }) => text);
}

/** A ticket without what each write changes. */
function content({ etag: _etag, updateTime: _time, updatedBy: _by, ...fields }: Ticket) {
  return fields;
}

describe('a merge', () => {
  test('moves the conversation to the survivor, and its undo brings back all of the ticket', async () => {
    const [one, other] = [
      await tenant.createTicket(customerId, { tags: ['vip', 'bug'], followerIds: [v7()] }),
      await tenant.createTicket(customerId, { tags: ['bug', 'late'] }),
    ];
    await tenant.message(one.id, 'first');
    await tenant.message(other.id, 'second');
    await tenant.reply(one.id, { text: 'third' });
    await service.call('solveTicket', { id: one.id }, tenant.caller);
    await service.call('reopenTicket', { id: one.id }, tenant.caller);
    const [before, into] = [await tenant.getTicket(one.id), await tenant.getTicket(other.id)];

    const merged = await merge(one.id, other.id);
    expect(merged.merged).toMatchObject({ mergedIntoId: other.id, category: TicketCategory.CLOSED });
    expect(merged).toMatchObject({ movedEntryCount: 2, survivor: { tags: ['bug', 'late', 'vip'] } });
    expect(merged.survivor?.followerIds).toEqual(one.followerIds);
    expect(await textsOf(other)).toEqual(['first', 'second', 'third']);
    expect(await tenant.entriesOf(one)).toEqual([]);
    expect((await tenant.entriesOf(other))[0]).toMatchObject({ originTicketId: one.id });

    const undone = await undo(one.id);
    expect(content(undone.merged!)).toEqual(content(before));
    expect(content(undone.survivor!)).toEqual(content(into));
    expect(await textsOf(one)).toEqual(['first', 'third']);
    expect(await textsOf(other)).toEqual(['second']);
    expect((await tenant.entriesOf(one))[0]?.originTicketId).toBeUndefined();
  });

  test('is refused for a ticket itself, one that is missing, and one that is merged', async () => {
    const [one, other, third] = [
      await tenant.createTicket(customerId),
      await tenant.createTicket(customerId),
      await tenant.createTicket(customerId),
    ];
    await expect(merge(one.id, one.id)).rejects.toMatchObject({ violations: [{ reason: 'SAME_RECORD' }] });
    await expect(merge(one.id, v7())).rejects.toMatchObject({ violations: [{ reason: 'TICKET_NOT_FOUND' }] });
    await expect(undo(one.id)).rejects.toMatchObject({ reason: 'TICKET_NOT_MERGED' });
    await merge(one.id, other.id);
    await expect(merge(one.id, third.id)).rejects.toMatchObject({ reason: 'TICKET_MERGED' });
    await expect(merge(third.id, one.id)).rejects.toMatchObject({ violations: [{ reason: 'ALREADY_MERGED' }] });
    // The later merge is undone first.
    await merge(other.id, third.id);
    await expect(undo(one.id)).rejects.toMatchObject({ reason: 'TICKET_MERGED' });
    await undo(other.id);
    await service.call('deleteTicket', { id: other.id }, tenant.caller);
    await expect(undo(one.id)).rejects.toMatchObject({ reason: 'TICKET_DELETED', metadata: { ticketId: other.id } });
    await service.call('undeleteTicket', { id: other.id }, tenant.caller);
    expect(content((await undo(one.id)).merged!)).toEqual(content(one));
  });

  test('leaves a ticket that only the undo changes', async () => {
    const externalIds = [{ system: 'erp', value: 'T1' }];
    const [one, other] = [
      await tenant.createTicket(customerId, { externalIds }),
      await tenant.createTicket(customerId),
    ];
    const { merged } = await merge(one.id, other.id);
    const { caller } = tenant;
    const [id, changed] = [one.id, ticket({ subject: 'Late', customerId, externalIds })];
    const refusal = { code: 'FAILED_PRECONDITION', reason: 'TICKET_MERGED', metadata: { mergedInto: other.id } };
    const attempts: (() => Promise<unknown>)[] = [
      () => tenant.updateTicket(id, { subject: 'Late' }),
      () => service.call('upsertTicket', { ticket: changed, matchSystem: 'erp' }, caller),
      () => service.call('takeTicket', { id }, caller),
      () => service.call('assignTicket', { id, assignment: { userId: ownerIdOf(caller.principalId)! } }, caller),
      () => service.call('releaseTicket', { id }, caller),
      () => service.call('setTicketStatus', { id, change: { status: 'open' } }, caller),
      () => tenant.reply(id),
      () => tenant.note(id, 'Late'),
      () => tenant.message(id),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(refusal);
    const items = [{ id, ticket: changed, updateMask: ['subject'] }];
    const { results } = await service.call('batchUpdateTickets', { batch: { items, mode: 2 } }, caller);
    expect(results[0]?.problem).toMatchObject({ reason: 'TICKET_MERGED' });

    expect(await tenant.getTicket(id)).toEqual(merged);
    expect(content((await undo(id)).merged!)).toEqual(content(one));
    await expect(tenant.updateTicket(id, { subject: 'Late' })).resolves.toMatchObject({ subject: 'Late' });
  });

  test('checks the etag before it moves anything', async () => {
    const [one, other] = [await tenant.createTicket(customerId), await tenant.createTicket(customerId)];
    const request = { id: one.id, merge: { intoId: other.id }, etag: '"7"' };
    await expect(service.call('mergeTicket', request, tenant.caller)).rejects.toMatchObject({
      reason: 'ETAG_MISMATCH',
    });
    expect(content(await tenant.getTicket(one.id))).toEqual(content(one));
  });
});

describe('a split', () => {
  const split = (id: string, entryIds: string[], subject?: string) =>
    service.call('splitTicket', { id, split: { entryIds, subject } }, tenant.caller);

  test('moves entries to a new ticket, and a merge is the way back', async () => {
    const { id: queueId } = await support.createQueue('billing');
    const ticket = await tenant.createTicket(customerId, { queueId, priority: TicketPriority.HIGH });
    await tenant.message(ticket.id, 'first');
    const { entry } = await tenant.message(ticket.id, 'second');
    const { created } = await split(ticket.id, [entry!.id], 'A second invoice');
    expect(created).toMatchObject({
      ...{ splitFromId: ticket.id, subject: 'A second invoice', customerId, queueId, priority: TicketPriority.HIGH },
      ...{ category: TicketCategory.NEW, lastCustomerMessageTime: entry!.createTime },
    });
    expect(created!.number).toBe(ticket.number! + 1);
    expect([await textsOf(ticket), await textsOf(created!)]).toEqual([['first'], ['second']]);

    await merge(created!.id, ticket.id);
    const entries = await tenant.entriesOf(ticket);
    expect(await textsOf(ticket)).toEqual(['first', 'second']);
    expect(entries.find(({ id }) => id === entry!.id)?.originTicketId).toBeUndefined();
    await undo(created!.id);
    expect(await textsOf(created!)).toEqual(['second']);
  });

  test('names the entries that the ticket does not have', async () => {
    const [one, other] = [await tenant.createTicket(customerId), await tenant.createTicket(customerId)];
    const { entry: own } = await tenant.message(one.id);
    const { entry: foreign } = await tenant.message(other.id);
    await expect(split(one.id, [own!.id, foreign!.id, own!.id])).rejects.toMatchObject({
      violations: [
        { field: 'split.entryIds[1]', reason: 'ENTRY_NOT_FOUND' },
        { field: 'split.entryIds[2]', reason: 'DUPLICATE' },
      ],
    });
    expect(await textsOf(other)).toHaveLength(1);
  });
});

describe('a macro', () => {
  const apply = (id: string, macroId: string, validateOnly?: boolean, caller = tenant.caller) =>
    service.call('applyMacro', { id, application: { macroId }, validateOnly }, caller);

  test('does all that it says in one transaction, or shows what it would do', async () => {
    const { id: queueId } = await support.createQueue('billing');
    const ticket = await tenant.createTicket(customerId, { tags: ['old'] });
    const macro = await support.createMacro([
      { reply: { text: 'Which number does it have?', templateId: undefined } },
      { addNote: { text: 'Waits.' } },
      { setStatus: { status: 'pending' } },
      { setPriority: { priority: 'URGENT' } },
      { setQueue: { queueId } },
      { addTags: { tags: ['invoice'] } },
      { removeTags: { tags: ['old'] } },
      { setAssignee: { userId: undefined } },
    ]);
    const changed = {
      ...{ queueId, category: TicketCategory.PENDING, priority: TicketPriority.URGENT, tags: ['invoice'] },
      ownerId: tenant.caller.principalId.split(':')[1],
    };
    const tried = await apply(ticket.id, macro.id, true);
    expect(tried.ticket).toMatchObject(changed);
    expect(content(await tenant.getTicket(ticket.id))).toEqual(content(ticket));

    const { ticket: after, entries } = await apply(ticket.id, macro.id);
    expect(after).toMatchObject(changed);
    expect(await tenant.getTicket(ticket.id)).toEqual(after);
    expect(await tenant.entriesOf(ticket)).toEqual(entries);
    expect(entries.map(({ kind }) => kind)).toEqual([TicketEntryKind.PUBLIC_REPLY, TicketEntryKind.INTERNAL_NOTE]);
  });

  test('renders a reply with the ticket and its requester, and is refused with a faulty one', async () => {
    const text = 'Dear {{ customer.displayName }}, #{{ ticket.number }} waits {in our queue}.';
    const replyOf = (of: string) => [
      { addNote: { text: '{{ kept }}' } },
      { reply: { text: of, templateId: undefined } },
    ];
    const macro = await support.createMacro(replyOf(text));
    const { id, number } = await tenant.createTicket(customerId);

    const { entries } = await apply(id, macro.id);
    expect(entries.map((entry) => entry.text)).toEqual([
      '{{ kept }}',
      `Dear Ada Lovelace, #${number} waits {in our queue}.`,
    ]);
    const violations = [{ field: 'macro.actions[1].reply.text', reason: 'TEMPLATE_INVALID' }];
    for (const faulty of ['Dear {{ customer.displayName', '{{ ticket.subject | shout }}', '{% include "other" %}'])
      await expect(support.createMacro(replyOf(faulty))).rejects.toMatchObject({
        ...{ code: 'INVALID_ARGUMENT', violations },
      });
    const hidden = { ...tenant.caller, hidesPii: true };
    await expect(apply(id, macro.id, true, hidden)).rejects.toMatchObject({ reason: 'PERSONAL_DATA_HIDDEN' });
  });

  test('writes dates in the language of the ticket, or else in the locale of the workspace', async () => {
    const text = '{{ "2026-03-05" | date: "%A, %-d %B %Y" }}';
    const macro = await support.createMacro([{ reply: { text, templateId: undefined } }]);
    const dateIn = async (language: string | undefined) => {
      const { id } = await tenant.createTicket(customerId, { language });
      return (await apply(id, macro.id)).entries[0]?.text;
    };
    expect(await dateIn(undefined)).toBe('Thursday, 5 March 2026');
    const settings = { ...Settings.decode(new Uint8Array()), locale: 'de-DE' };
    await service.call('updateSettings', { settings, updateMask: ['locale'] }, tenant.caller);

    expect(await dateIn('zh-CN')).toBe('星期四, 5 三月 2026');
    expect(await dateIn(undefined)).toBe('Donnerstag, 5 März 2026');
    // A mail can name a language that no one knows.
    expect(await dateIn('xx-XX')).toBe('Donnerstag, 5 März 2026');
  });

  test('does nothing if one of its actions fails, and names the action', async () => {
    const ticket = await tenant.createTicket(customerId);
    const macro = await support.createMacro([
      { addNote: { text: 'Waits.' } },
      { setPriority: { priority: 'LOW' } },
      { setStatus: { status: 'no_such_status' } },
    ]);
    await expect(apply(ticket.id, macro.id)).rejects.toMatchObject({
      violations: [{ field: 'actions[2]', reason: 'STATUS_UNKNOWN' }],
    });
    expect(await tenant.getTicket(ticket.id)).toEqual(ticket);
    expect(await tenant.entriesOf(ticket)).toEqual([]);
    await expect(apply(ticket.id, v7())).rejects.toMatchObject({ violations: [{ reason: 'MACRO_NOT_FOUND' }] });
  });

  test('is for those that its visibility names', async () => {
    const ticket = await tenant.createTicket(customerId);
    const team = v7();
    const [own, ofTeam] = [
      await support.createMacro(undefined, { visibility: MacroVisibility.CREATOR }),
      await support.createMacro(undefined, { visibility: MacroVisibility.TEAMS, teamIds: [team] }),
    ];
    const other = { ...tenant.caller, principalId: `user:${v7()}`, teamIds: [team] };
    const refused = { code: 'PERMISSION_DENIED', reason: 'MACRO_NOT_AVAILABLE' };
    await expect(apply(ticket.id, own.id, false, other)).rejects.toMatchObject(refused);
    await expect(apply(ticket.id, ofTeam.id)).rejects.toMatchObject(refused);
    await expect(apply(ticket.id, ofTeam.id, false, other)).resolves.toMatchObject({
      ticket: { priority: TicketPriority.HIGH },
    });
    await expect(apply(ticket.id, own.id)).resolves.toBeDefined();
  });
});
