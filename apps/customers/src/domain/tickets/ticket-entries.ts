import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { TicketEntriesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_entries_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Contributions to tickets. Retained as long as their tickets, unlike the change log. */
export const ticketEntries = defineRecord<TicketEntry>('rapport/TicketEntry', TicketEntriesServiceService, {
  indexVersion: 1,
  // Only a redaction changes an entry: its text keeps all else, white space too, by which the spans of redactions are counted.
  normalise: (sent) => ({ record: sent, violations: [] }),
});

export const TicketEntriesController = recordController(ticketEntries, TicketEntriesServiceService);
