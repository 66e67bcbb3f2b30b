import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  TicketWorkServiceService as Methods,
  type ApplyMacroRequest,
  type MacroResult,
  type MergeTicketRequest,
  type SplitTicketRequest,
  type TicketMergeResult,
  type TicketSplitResult,
  type TicketWorkServiceServer,
  type UndoTicketMergeRequest,
} from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { applyMacro } from './apply-macro.js';
import { mergeTicket, undoTicketMerge } from './merge-tickets.js';
import { splitTicket } from './split-ticket.js';

@Controller()
@ImplementsService(Methods)
export class TicketWorkController implements ServiceHandlers<TicketWorkServiceServer> {
  constructor(private readonly em: EntityManager) {}

  mergeTicket(request: MergeTicketRequest): Promise<TicketMergeResult> {
    return hotWriteCall(this.em, Methods.mergeTicket, request, (each) => mergeTicket(each, request));
  }

  undoTicketMerge(request: UndoTicketMergeRequest): Promise<TicketMergeResult> {
    return hotWriteCall(this.em, Methods.undoTicketMerge, request, (each) => undoTicketMerge(each, request));
  }

  splitTicket(request: SplitTicketRequest): Promise<TicketSplitResult> {
    return hotWriteCall(this.em, Methods.splitTicket, request, (each) => splitTicket(each, request));
  }

  applyMacro(request: ApplyMacroRequest): Promise<MacroResult> {
    return hotWriteCall(this.em, Methods.applyMacro, request, (each) => applyMacro(each, request));
  }
}
