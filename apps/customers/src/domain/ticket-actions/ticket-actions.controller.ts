import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import {
  TicketActionsServiceService as Methods,
  type AddTicketMessageRequest,
  type AddTicketNoteRequest,
  type AssignTicketRequest,
  type MarkTicketSpamRequest,
  type RedactTicketEntryRequest,
  type ReleaseTicketRequest,
  type ReopenTicketRequest,
  type ReplyToTicketRequest,
  type SetTicketStatusRequest,
  type SolveTicketRequest,
  type TakeTicketRequest,
  type TicketActionsServiceServer,
  type TicketEntryResult,
} from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { addTicketMessage, addTicketNote } from './add-entries.js';
import { markTicketSpam, reopenTicket, setTicketStatus, solveTicket } from './change-status.js';
import { assignTicket, releaseTicket, takeTicket } from './own-ticket.js';
import { redactTicketEntry } from './redact-entry.js';
import { replyToTicket } from './reply-to-ticket.js';

@Controller()
@ImplementsService(Methods)
export class TicketActionsController implements ServiceHandlers<TicketActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  replyToTicket(request: ReplyToTicketRequest): Promise<TicketEntryResult> {
    return hotWriteCall(this.em, Methods.replyToTicket, request, (each) => replyToTicket(each, request));
  }

  addTicketNote(request: AddTicketNoteRequest): Promise<TicketEntryResult> {
    return hotWriteCall(this.em, Methods.addTicketNote, request, (each) => addTicketNote(each, request));
  }

  addTicketMessage(request: AddTicketMessageRequest): Promise<TicketEntryResult> {
    return hotWriteCall(this.em, Methods.addTicketMessage, request, (each) => addTicketMessage(each, request));
  }

  takeTicket(request: TakeTicketRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.takeTicket, request, (each) => takeTicket(each, request));
  }

  assignTicket(request: AssignTicketRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.assignTicket, request, (each) => assignTicket(each, request));
  }

  releaseTicket(request: ReleaseTicketRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.releaseTicket, request, (each) => releaseTicket(each, request));
  }

  setTicketStatus(request: SetTicketStatusRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.setTicketStatus, request, (each) => setTicketStatus(each, request));
  }

  solveTicket(request: SolveTicketRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.solveTicket, request, (each) => solveTicket(each, request));
  }

  reopenTicket(request: ReopenTicketRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.reopenTicket, request, (each) => reopenTicket(each, request));
  }

  markTicketSpam(request: MarkTicketSpamRequest): Promise<Ticket> {
    return hotWriteCall(this.em, Methods.markTicketSpam, request, (each) => markTicketSpam(each, request));
  }

  redactTicketEntry(request: RedactTicketEntryRequest): Promise<TicketEntry> {
    return hotWriteCall(this.em, Methods.redactTicketEntry, request, (each) => redactTicketEntry(each, request));
  }
}
