import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  TimelineServiceService as Methods,
  type ListCustomerTimelineRequest,
  type ListDealTimelineRequest,
  type ListLeadTimelineRequest,
  type ListTicketTimelineRequest,
  type ListTimelineResponse,
  type TimelineServiceServer,
} from '@rapport/contracts/rapport/work/v1/timeline_service';
import { PageTokenKey } from '@rapport/persistence';
import { recordType } from '../../engine/fields/record-type.js';
import { listTimeline } from './list-timeline.js';

@Controller()
@ImplementsService(Methods)
export class TimelineController implements ServiceHandlers<TimelineServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  listCustomerTimeline(request: ListCustomerTimelineRequest): Promise<ListTimelineResponse> {
    return listTimeline(this.em, this.pageTokenKey, recordType('rapport/Customer'), request);
  }

  listDealTimeline(request: ListDealTimelineRequest): Promise<ListTimelineResponse> {
    return listTimeline(this.em, this.pageTokenKey, recordType('rapport/Deal'), request);
  }

  listLeadTimeline(request: ListLeadTimelineRequest): Promise<ListTimelineResponse> {
    return listTimeline(this.em, this.pageTokenKey, recordType('rapport/Lead'), request);
  }

  listTicketTimeline(request: ListTicketTimelineRequest): Promise<ListTimelineResponse> {
    return listTimeline(this.em, this.pageTokenKey, recordType('rapport/Ticket'), request);
  }
}
