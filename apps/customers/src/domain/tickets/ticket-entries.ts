import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { TicketEntriesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_entries_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Contributions to tickets. Retained as long as their tickets, unlike the change log. */
export const ticketEntries = defineRecord<TicketEntry>('rapport/TicketEntry', TicketEntriesServiceService, {
  indexVersion: 1,
});

export const TicketEntriesController = recordController(ticketEntries, TicketEntriesServiceService);
