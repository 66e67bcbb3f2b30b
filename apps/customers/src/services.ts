import type { INestApplicationContext, Type } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { servicesOf, type RunHandler } from '@rapport/contracts';
import { inTenantSession } from '@rapport/persistence';
import { ArticleActionsController } from './domain/articles/article-actions.controller.js';
import { ArticleSectionsController } from './domain/articles/article-sections.js';
import { ArticlesController } from './domain/articles/articles.js';
import { AssignmentActionsController } from './domain/assignment/assignment-actions.controller.js';
import { AssignmentRulesController } from './domain/assignment/assignment-rules.js';
import { AssignmentTrialsController } from './domain/assignment/assignment-trials.controller.js';
import { AssignmentsController } from './domain/assignment/assignments.js';
import { AssociationsController } from './domain/associations/associations.controller.js';
import { AttributionsController } from './domain/attribution/attributions.controller.js';
import { CalendarFeedsController } from './domain/calendar-feeds/calendar-feeds.controller.js';
import { BusinessTimeController } from './domain/calendars/business-time.controller.js';
import { CalendarsController } from './domain/calendars/calendars.js';
import { CampaignActionsController } from './domain/campaigns/campaign-actions.controller.js';
import { CampaignRecipientsController } from './domain/campaigns/campaign-recipients.js';
import { CampaignsController } from './domain/campaigns/campaigns.js';
import { CampaignOutboxController } from './domain/campaigns/sending/campaign-outbox.controller.js';
import { ConsentsController } from './domain/consents/consents.controller.js';
import { CustomFieldsController } from './domain/custom-fields/custom-fields.controller.js';
import { CustomObjectsController } from './domain/custom-objects/custom-objects.js';
import { ObjectRecordsController } from './domain/custom-objects/object-records.js';
import { MergesController } from './domain/customers/merges/merges.controller.js';
import { CustomersController } from './domain/customers/serve-customers.js';
import { DealCopiesController } from './domain/deals/deal-copies.controller.js';
import { DealMovesController } from './domain/deals/deal-moves.controller.js';
import { DealValuesController } from './domain/deals/deal-values.controller.js';
import { DealsController } from './domain/deals/deals.js';
import { DealMergesController } from './domain/deals/merges/deal-merges.controller.js';
import { PipelineStagesController } from './domain/deals/pipeline-stages.controller.js';
import { StageEntriesController } from './domain/deals/stage-entries.js';
import { CurrenciesController } from './domain/exchange-rates/currencies.controller.js';
import { ExchangeRatesController } from './domain/exchange-rates/exchange-rates.js';
import { FilesController } from './domain/files/files.controller.js';
import { ForecastsController } from './domain/forecasts/forecasts.controller.js';
import { PipelineReportsController } from './domain/forecasts/pipeline-report.js';
import { QuotasController } from './domain/forecasts/quotas.js';
import { ForecastSnapshotsController } from './domain/forecasts/snapshots/snapshots.controller.js';
import { ForecastSubmissionsController } from './domain/forecasts/submissions.js';
import { FormActionsController } from './domain/forms/form-actions.controller.js';
import { FormPagesController } from './domain/forms/form-pages.controller.js';
import { FormSubmissionsController } from './domain/forms/form-submissions.js';
import { FormsController } from './domain/forms/forms.js';
import { LeadWorkController } from './domain/leads/lead-work.controller.js';
import { LeadsController } from './domain/leads/leads.js';
import { MacrosController } from './domain/macros/macros.js';
import { MailIntakeController } from './domain/mail-intake/mail-intake.controller.js';
import { MessageActionsController } from './domain/mail-intake/message-actions.controller.js';
import { MailAddressesController, MailOutboxController } from './domain/messages/mail-outbox.controller.js';
import { MessagesController } from './domain/messages/messages.js';
import { DigestOutboxController } from './domain/notifications/digest-outbox.controller.js';
import { NotificationsController } from './domain/notifications/notifications.controller.js';
import { PipelinesController } from './domain/pipelines/pipelines.js';
import { PrivacyController } from './domain/privacy/privacy.controller.js';
import { PriceBooksController, PricesController } from './domain/products/price-books.js';
import { PricingController } from './domain/products/pricing.controller.js';
import { ProductsController } from './domain/products/products.js';
import { QueueLeasesController } from './domain/queues/queue-leases.controller.js';
import { QueuesController } from './domain/queues/queues.js';
import { QuoteActionsController } from './domain/quotes/quote-actions.controller.js';
import { QuotesController } from './domain/quotes/quotes.js';
import { SegmentActionsController } from './domain/segments/segment-actions.controller.js';
import { SegmentMembersController } from './domain/segments/segment-members.js';
import { SegmentsController } from './domain/segments/segments.js';
import { SettingsController } from './domain/settings/settings.controller.js';
import { SlaActionsController } from './domain/sla/sla-actions.controller.js';
import { SlaPoliciesController } from './domain/sla/sla-policies.js';
import { SlaTimersController } from './domain/sla/sla-timers.js';
import { SuppressionsController } from './domain/suppressions/suppressions.controller.js';
import { SurveyPagesController } from './domain/surveys/survey-pages.controller.js';
import { SurveyResponsesController } from './domain/surveys/survey-responses.js';
import { SurveysController } from './domain/surveys/surveys.js';
import { TemplateActionsController } from './domain/templates/template-actions.controller.js';
import { TemplatesController } from './domain/templates/templates.js';
import { TicketActionsController } from './domain/ticket-actions/ticket-actions.controller.js';
import { TicketReportsController } from './domain/ticket-work/ticket-reports.controller.js';
import { TicketWorkController } from './domain/ticket-work/ticket-work.controller.js';
import { TicketEntriesController } from './domain/tickets/ticket-entries.js';
import { TicketStatusesController } from './domain/tickets/ticket-statuses.js';
import { TicketsController } from './domain/tickets/tickets.js';
import { TimelineController } from './domain/timeline/timeline.controller.js';
import { TimersController } from './domain/timers/timers.controller.js';
import { ConsentPagesController } from './domain/topics/consent-pages.controller.js';
import { TopicsController } from './domain/topics/topics.js';
import { MessageEventsController } from './domain/tracking/message-events.js';
import { TouchpointsController } from './domain/tracking/touchpoints.js';
import { TrackingPagesController } from './domain/tracking/tracking-pages.controller.js';
import { ViewsController } from './domain/views/views.controller.js';
import { CallsController } from './domain/work/calls.js';
import { EmailsController } from './domain/work/emails.js';
import { MeetingsController } from './domain/work/meetings.js';
import { NotesController } from './domain/work/notes.js';
import { TaskActionsController } from './domain/work/task-actions.controller.js';
import { TasksController } from './domain/work/tasks.js';
import { WorkspaceController } from './domain/workspace/workspace.controller.js';
import { AuditController } from './engine/changes/audit/audit.controller.js';
import { ChangeFeedController } from './engine/changes/feed/change-feed.controller.js';
import { OperationsController } from './engine/import/operation/operations.controller.js';
import { BulkPace } from './engine/pace/bulk-pace.js';
import { SearchController } from './engine/query/search/search.controller.js';
import { refuseNarrowScope } from './engine/records/scope/refuse-narrow-scopes.js';
import { Sealing } from './engine/sealing/sealing.js';

/** Services whose handlers all respect record owners. The others refuse callers with a narrow record scope. */
const scopedControllers: readonly Type[] = [
  CustomersController,
  CustomFieldsController,
  AssociationsController,
  MergesController,
  ChangeFeedController,
  SearchController,
  ConsentsController,
  SuppressionsController,
  PrivacyController,
  CustomObjectsController,
  ObjectRecordsController,
  SettingsController,
  ViewsController,
  AssignmentRulesController,
  CallsController,
  EmailsController,
  MeetingsController,
  NotesController,
  TasksController,
  CalendarFeedsController,
  TaskActionsController,
  CalendarsController,
  BusinessTimeController,
  TimelineController,
  NotificationsController,
  DigestOutboxController,
  TimersController,
  PipelinesController,
  DealsController,
  DealMovesController,
  DealCopiesController,
  DealMergesController,
  StageEntriesController,
  LeadsController,
  LeadWorkController,
  QuotasController,
  ForecastsController,
  QuotesController,
  QuoteActionsController,
  ForecastSnapshotsController,
  PipelineReportsController,
  ForecastSubmissionsController,
  ExchangeRatesController,
  CurrenciesController,
  ProductsController,
  PriceBooksController,
  PricesController,
  PricingController,
  DealValuesController,
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
  FilesController,
  MessagesController,
  MessageActionsController,
  MailIntakeController,
  MailOutboxController,
  MailAddressesController,
  TemplatesController,
  TemplateActionsController,
  ArticlesController,
  ArticleSectionsController,
  ArticleActionsController,
  TopicsController,
  ConsentPagesController,
  CampaignsController,
  CampaignRecipientsController,
  CampaignActionsController,
  CampaignOutboxController,
  MessageEventsController,
  TouchpointsController,
  FormsController,
  FormSubmissionsController,
  FormActionsController,
  FormPagesController,
  SegmentsController,
  SegmentMembersController,
  SegmentActionsController,
  TrackingPagesController,
  AttributionsController,
];

export const controllers: Type[] = [
  OperationsController,
  AuditController,
  PipelineStagesController,
  WorkspaceController,
  AssignmentActionsController,
  AssignmentsController,
  AssignmentTrialsController,
  ...scopedControllers,
];

/** The gRPC services of this process. */
export const services = servicesOf(controllers);

/** What wraps the handlers of a controller. */
export function runHandlers(app: INestApplicationContext, controller: Type): RunHandler {
  const { em } = app.get(MikroORM);
  const sealing = app.get(Sealing);
  const keepsScopes = scopedControllers.includes(controller);
  return (handle) => {
    BulkPace.of(em).noteCall();
    if (!keepsScopes) refuseNarrowScope();
    return inTenantSession(em, () => sealing.run(em, handle));
  };
}
