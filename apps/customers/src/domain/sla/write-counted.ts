import type { EntityManager } from '@mikro-orm/postgresql';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { rewriteRecords } from '../../engine/merge/moving/move-lists.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords } from '../../engine/records/record-statements.js';
import { tickets } from '../tickets/tickets.js';
import { countEvents, type Counted } from './count-event.js';
import { KeptDefinitions, keysOf } from './sla-definitions.js';
import { beginning, type PolicyChange } from './ticket-changed.js';
import { readKept, type KeptTicket } from './ticket-history.js';

/**
 * Adds an event of now to the history of a ticket, and waits for its row.
 *
 * @param recountOf returns undefined for a ticket that stays as it is
 */
export async function recountTicket(
  em: EntityManager,
  id: string,
  cause: string,
  recountOf: (ticket: Ticket, kept: KeptTicket | undefined) => Promise<PolicyChange | undefined>,
): Promise<void> {
  const [ticket] = await openStored(tickets, await queryRows<StoredRecord<Ticket>>(em, lockRecords(tickets, [id])));
  if (!ticket) return;
  const [kept] = await queryRows<KeptTicket>(em, readKept(id));
  const recount = await recountOf(ticket, kept);
  if (!recount) return;
  const known = await KeptDefinitions.load(em, kept ? keysOf(kept.state) : []);
  recount.define(known);
  const event = { id: cause, timeMs: Date.now(), changes: recount.changes };
  const counted = countEvents(id, kept, [...(kept ? [] : [beginning(ticket)]), event], known);
  await transactionPipeline(em, [...recount.statements]);
  await writeCounted(em, id, counted);
}

/** Stores what has been counted for a locked ticket, and its fields if they changed. */
export async function writeCounted(em: EntityManager, id: string, { fields, statements }: Counted): Promise<void> {
  await transactionPipeline(em, statements);
  await rewriteRecords(em, tickets, [id], (record) => {
    const { nextDueTime, isBreached } = record as Ticket;
    const next = { nextDueTime: fields.nextDueTime, isBreached: isBreached ?? fields.isBreached };
    const isSame = toMs(nextDueTime) === toMs(next.nextDueTime) && isBreached === next.isBreached;
    return isSame ? undefined : { ...record, ...next };
  });
}

function toMs(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
