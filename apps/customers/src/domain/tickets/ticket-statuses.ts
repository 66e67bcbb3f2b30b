import { TicketCategory } from '@rapport/contracts/rapport/support/v1/ticket';
import type { TicketStatus } from '@rapport/contracts/rapport/support/v1/ticket_status';
import { TicketStatusesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_statuses_service';
import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { limitRecords } from '../../engine/write/limit-records.js';

/** Most live statuses of a tenant. */
const maxStatuses = 100;

/** The statuses that every workspace has, and their categories. */
const builtInStatuses: Readonly<Record<string, TicketCategory>> = {
  new: TicketCategory.NEW,
  open: TicketCategory.OPEN,
  pending: TicketCategory.PENDING,
  on_hold: TicketCategory.ON_HOLD,
  solved: TicketCategory.SOLVED,
  closed: TicketCategory.CLOSED,
};

const limit = {
  ...{ table: 'ticket_status', most: maxStatuses },
  ...{ reason: 'TOO_MANY_TICKET_STATUSES', noun: 'ticket statuses' },
};

/** Statuses that a tenant has defined for its tickets. */
export const ticketStatuses = defineRecord<TicketStatus>('rapport/TicketStatus', TicketStatusesServiceService, {
  indexVersion: 1,
  guard({ after: { key, category } }) {
    const fixed = builtInStatuses[key];
    if (fixed === undefined || fixed === category) return [];
    const description = `must be ${TicketCategory[fixed]}, the category of the built-in status`;
    return [{ field: 'category', reason: 'CATEGORY_FIXED', description }];
  },
  also: (changes) => limitRecords(changes, limit),
});

export const TicketStatusesController = recordController(ticketStatuses, TicketStatusesServiceService);

/** What a ticket knows of a status. */
export interface StatusFact {
  status: string;
  category: keyof typeof TicketCategory;
}

/** The statuses of the tenant, as facts of its tickets. */
export function statusFacts(): Statement {
  return {
    name: 'ticket_statuses_of_tenant',
    sql: `select jsonb_build_object('status', key, 'category', category) as fact from ticket_status
      where tenant_id = $1 and delete_time is null limit ${maxStatuses}`,
    values: [currentCaller().tenantId],
  };
}

/** The keys of all statuses that tickets can have. */
export function statusKeys(facts: readonly unknown[]): string[] {
  const own = (facts as readonly StatusFact[]).map(({ status }) => status);
  return [...new Set([...Object.keys(builtInStatuses), ...own])];
}

/** The category of a status. Undefined for a key that is neither built in nor of the tenant. */
export function categoryOf(status: string, facts: readonly unknown[]): TicketCategory | undefined {
  const own = (facts as readonly StatusFact[]).find((fact) => fact.status === status);
  return builtInStatuses[status] ?? (own && TicketCategory[own.category]);
}
