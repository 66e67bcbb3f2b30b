import type { EntityManager } from '@mikro-orm/postgresql';
import type { Queue } from '@rapport/contracts/rapport/support/v1/queue';
import type { QueueStats } from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import { queryRows, readEachForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { term } from '../../engine/fields/terms.js';
import { ofAll } from '../../engine/query/list/planner-settings.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { tickets } from '../tickets/tickets.js';
import { waiting } from './lease-tickets.js';
import { queues } from './queues.js';

const maxAgents = 200;

/** Handles GetQueueStats. */
export async function queueStats(em: EntityManager, id: string): Promise<QueueStats> {
  const [found] = await queryRows<StoredRecord<Queue>>(em, liveRecords(queues, [id]));
  await liveRecord(em, queues, id, found?.record);
  const [[counts] = [], agents = []] = await readEachForTenant<object>(em, [countTickets(id), countByAgent(id)], ofAll);
  const { oldest, next_due: nextDue, ...numbers } = counts as CountsRow;
  return {
    queueId: id,
    ...numbers,
    oldestWaitingTime: timeOf(oldest),
    nextDueTime: timeOf(nextDue),
    agents: agents as QueueStats['agents'],
  };
}

interface CountsRow extends Pick<
  QueueStats,
  'waitingCount' | 'leasedCount' | 'assignedCount' | 'pausedCount' | 'breachedCount'
> {
  /** As PostgreSQL writes it. */
  oldest: string | null;
  next_due: string | null;
}

function timeOf(text: string | null): string | undefined {
  return text === null ? undefined : new Date(text).toISOString();
}

/** The tickets of the queue that are not solved, each with its unexpired lease. */
const openTickets = `from ticket left join ticket_lease lease
    on lease.tenant_id = $1 and lease.ticket_id = ticket.id and lease.expire_time > clock_timestamp()
  where ticket.tenant_id = $1 and ticket.queue_id = $2 and terms @> array[$3] and delete_time is null
    and category in ('NEW', 'OPEN', 'PENDING', 'ON_HOLD')`;

function countTickets(id: string) {
  return {
    name: 'count_tickets_of_queue',
    sql: `select count(*) filter (where ${waiting} and lease.ticket_id is null)::int as "waitingCount",
        count(*) filter (where ${waiting} and lease.ticket_id is not null)::int as "leasedCount",
        count(*) filter (where owner_id is not null and category in ('NEW', 'OPEN'))::int as "assignedCount",
        count(*) filter (where category in ('PENDING', 'ON_HOLD'))::int as "pausedCount",
        count(*) filter (where is_breached)::int as "breachedCount",
        min(create_time) filter (where ${waiting}) as oldest,
        min(next_due_time) filter (where category in ('NEW', 'OPEN')) as next_due
      ${openTickets}`,
    values: [currentCaller().tenantId, id, queueTerm(id)],
  };
}

function countByAgent(id: string) {
  return {
    name: 'count_tickets_of_agents',
    sql: `select coalesce(owner_id, lease.user_id) as "userId", count(owner_id)::int as "assignedCount",
        (count(*) - count(owner_id))::int as "leasedCount"
      ${openTickets} and category in ('NEW', 'OPEN') and coalesce(owner_id, lease.user_id) is not null
      group by 1 order by count(*) desc, 1 limit ${maxAgents}`,
    values: [currentCaller().tenantId, id, queueTerm(id)],
  };
}

function queueTerm(id: string): string {
  return term(tickets, 'queue_id', id);
}
