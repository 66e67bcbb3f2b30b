import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  TicketReportsServiceService as Methods,
  type GetTicketReportRequest,
  type TicketReport,
  type TicketReportsServiceServer,
} from '@rapport/contracts/rapport/support/v1/ticket_reports_service';
import { ticketReport } from './ticket-report.js';

@Controller()
@ImplementsService(Methods)
export class TicketReportsController implements ServiceHandlers<TicketReportsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  getTicketReport(request: GetTicketReportRequest): Promise<TicketReport> {
    return ticketReport(this.em, request);
  }
}
