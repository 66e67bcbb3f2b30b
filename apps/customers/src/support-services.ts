import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { MacrosServiceService } from '@rapport/contracts/rapport/support/v1/macros_service';
import { QueueLeasesServiceService } from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import { QueuesServiceService } from '@rapport/contracts/rapport/support/v1/queues_service';
import { SlaActionsServiceService } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaPoliciesServiceService } from '@rapport/contracts/rapport/support/v1/sla_policies_service';
import { SlaTimersServiceService } from '@rapport/contracts/rapport/support/v1/sla_timers_service';
import { SurveyPagesServiceService } from '@rapport/contracts/rapport/support/v1/survey_pages_service';
import { SurveyResponsesServiceService } from '@rapport/contracts/rapport/support/v1/survey_responses_service';
import { SurveysServiceService } from '@rapport/contracts/rapport/support/v1/surveys_service';
import { TicketActionsServiceService } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { TicketEntriesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_entries_service';
import { TicketReportsServiceService } from '@rapport/contracts/rapport/support/v1/ticket_reports_service';
import { TicketStatusesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_statuses_service';
import { TicketWorkServiceService } from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import { TicketsServiceService } from '@rapport/contracts/rapport/support/v1/tickets_service';
import { MacrosController } from './domain/macros/macros.js';
import { QueueLeasesController } from './domain/queues/queue-leases.controller.js';
import { QueuesController } from './domain/queues/queues.js';
import { SlaActionsController } from './domain/sla/sla-actions.controller.js';
import { SlaPoliciesController } from './domain/sla/sla-policies.js';
import { SlaTimersController } from './domain/sla/sla-timers.js';
import { SurveyPagesController } from './domain/surveys/survey-pages.controller.js';
import { SurveyResponsesController } from './domain/surveys/survey-responses.js';
import { SurveysController } from './domain/surveys/surveys.js';
import { TicketActionsController } from './domain/ticket-actions/ticket-actions.controller.js';
import { TicketReportsController } from './domain/ticket-work/ticket-reports.controller.js';
import { TicketWorkController } from './domain/ticket-work/ticket-work.controller.js';
import { TicketEntriesController } from './domain/tickets/ticket-entries.js';
import { TicketStatusesController } from './domain/tickets/ticket-statuses.js';
import { TicketsController } from './domain/tickets/tickets.js';
/** The services of customer service. */
export const supportServices: readonly ServiceDefinition[] = [
  TicketsServiceService,
  TicketEntriesServiceService,
  TicketStatusesServiceService,
  TicketActionsServiceService,
  TicketWorkServiceService,
  TicketReportsServiceService,
  QueuesServiceService,
  QueueLeasesServiceService,
  MacrosServiceService,
  SlaPoliciesServiceService,
  SlaTimersServiceService,
  SlaActionsServiceService,
  SurveysServiceService,
  SurveyResponsesServiceService,
  SurveyPagesServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const supportControllers: readonly Type[] = [
  TicketsController,
  TicketEntriesController,
  TicketStatusesController,
  TicketActionsController,
  TicketWorkController,
  TicketReportsController,
  QueuesController,
  QueueLeasesController,
  MacrosController,
  SlaPoliciesController,
  SlaTimersController,
  SlaActionsController,
  SurveysController,
  SurveyResponsesController,
  SurveyPagesController,
];
