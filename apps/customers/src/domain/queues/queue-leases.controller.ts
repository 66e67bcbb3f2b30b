import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  QueueLeasesServiceService as Methods,
  type GetQueueStatsRequest,
  type NextTicketRequest,
  type NextTicketResponse,
  type QueueLeasesServiceServer,
  type QueueStats,
  type ReturnTicketRequest,
  type ReturnTicketResponse,
} from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { nextTicket, returnTicket } from './lease-tickets.js';
import { queueStats } from './queue-stats.js';
import './route-tickets.js';

@Controller()
@ImplementsService(Methods)
export class QueueLeasesController implements ServiceHandlers<QueueLeasesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  nextTicket(request: NextTicketRequest): Promise<NextTicketResponse> {
    return hotWriteCall(this.em, Methods.nextTicket, request, (transaction) => nextTicket(transaction, request));
  }

  returnTicket(request: ReturnTicketRequest): Promise<ReturnTicketResponse> {
    return hotWriteCall(this.em, Methods.returnTicket, request, (transaction) => returnTicket(transaction, request));
  }

  getQueueStats({ id }: GetQueueStatsRequest): Promise<QueueStats> {
    return queueStats(this.em, id);
  }
}
