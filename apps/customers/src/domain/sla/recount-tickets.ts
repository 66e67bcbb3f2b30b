import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, setTimer, type FiringTimer, type Statement, type TimerHandler } from '@rapport/persistence';
import { Sealing } from '../../engine/sealing/sealing.js';
import { PolicyChoice, readActivePolicies, type ActivePolicy } from './choose-policy.js';
import { policyKey } from './policy-content.js';
import { keepDefinition, presentCalendars } from './sla-definitions.js';
import { policyChange } from './ticket-changed.js';
import { recountTicket } from './write-counted.js';

/** Tickets that one transaction locks. */
const batchSize = 50;

/** Counts the running timers that have a changed calendar by its present version from now on. */
export const recountByCalendar: TimerHandler = (em, timer) =>
  eachBatch(em, timer, ticketsOfCalendar, async (ids) => {
    const [calendar] = await presentCalendars(em, [timer.recordId]);
    if (!calendar) return;
    const { id, key, rule } = calendar;
    for (const ticketId of ids) {
      await recountTicket(em, ticketId, key, async (_ticket, kept) =>
        kept?.state.calendars[id] === key
          ? undefined
          : {
              changes: [{ kind: 'CALENDARS', calendars: { [id]: key } }],
              define: (known) => known.addCalendar(key, rule),
              statements: [keepDefinition(key, rule)],
            },
      );
    }
  });

/** Gives open tickets the policies in force. */
export const recountByPolicy: TimerHandler = (em, timer) =>
  eachBatch(em, timer, openTickets, async (ids) => {
    const choice = await PolicyChoice.load(em, await queryRows<ActivePolicy>(em, readActivePolicies()));
    for (const ticketId of ids) {
      await recountTicket(em, ticketId, `slaPolicies/${timer.recordId}@${timer.purpose}`, async (ticket, kept) => {
        const chosen = choice.choose(ticket);
        const isSame = kept?.state.policy === (chosen && policyKey(chosen.id, chosen.version));
        return isSame || ticket.mergedIntoId !== undefined ? undefined : policyChange(em, chosen);
      });
    }
  });

/** Does a batch of tickets, and leaves those after it to another timer. */
async function eachBatch(
  em: EntityManager,
  { tenantId, kind, recordType, recordId, purpose, payload }: FiringTimer,
  page: (tenantId: string, recordId: string, after: string) => Statement,
  work: (ids: string[]) => Promise<void>,
): Promise<void> {
  const after = (payload['after'] as string | undefined) ?? '00000000-0000-0000-0000-000000000000';
  const ids = (await queryRows<{ id: string }>(em, page(tenantId, recordId, after))).map(({ id }) => id);
  await Sealing.of(em).run(em, () => work(ids));
  if (ids.length < batchSize) return;
  const next = { tenantId, kind, recordType, recordId, purpose, dueTime: new Date() };
  await setTimer(em, { ...next, payload: { after: ids.at(-1)! } });
}

/** Tickets with running timers that have used a calendar, after an id. */
function ticketsOfCalendar(tenantId: string, calendarId: string, after: string): Statement {
  return {
    name: 'sla_tickets_of_calendar',
    sql: `select ticket_id as id from sla_ticket
      where tenant_id = $1 and is_live and state->'calendars' ? $2 and ticket_id > $3 order by ticket_id limit ${batchSize}`,
    values: [tenantId, calendarId, after],
  };
}

function openTickets(tenantId: string, _policyId: string, after: string): Statement {
  return {
    name: 'open_tickets_after',
    sql: `select id from ticket where tenant_id = $1 and category not in ('SOLVED', 'CLOSED') and delete_time is null
      and id > $2 order by id limit ${batchSize}`,
    values: [tenantId, after],
  };
}
