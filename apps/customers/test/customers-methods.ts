import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { MailIntakeServiceService } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import {
  MailAddressesServiceService,
  MailOutboxServiceService,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageActionsServiceService } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { MessagesServiceService } from '@rapport/contracts/rapport/content/v1/messages_service';
import { AuditServiceService } from '@rapport/contracts/rapport/customers/v1/audit_service';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { CustomFieldsServiceService } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { OperationsServiceService } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { PrivacyServiceService } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { SearchServiceService } from '@rapport/contracts/rapport/customers/v1/search_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { CustomObjectsServiceService } from '@rapport/contracts/rapport/objects/v1/custom_objects_service';
import { ObjectRecordsServiceService } from '@rapport/contracts/rapport/objects/v1/object_records_service';
import { DealCopiesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_copies_service';
import { DealMergesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import { DealMovesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { DealValuesServiceService } from '@rapport/contracts/rapport/sales/v1/deal_values_service';
import { DealsServiceService } from '@rapport/contracts/rapport/sales/v1/deals_service';
import { LeadWorkServiceService } from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { LeadsServiceService } from '@rapport/contracts/rapport/sales/v1/leads_service';
import { PipelineStagesServiceService } from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { ExchangeRatesServiceService } from '@rapport/contracts/rapport/sales/v1/exchange_rates_service';
import { PriceBooksServiceService } from '@rapport/contracts/rapport/sales/v1/price_books_service';
import { PricesServiceService } from '@rapport/contracts/rapport/sales/v1/prices_service';
import { ProductsServiceService } from '@rapport/contracts/rapport/sales/v1/products_service';
import { CurrenciesServiceService } from '@rapport/contracts/rapport/sales/v1/currencies_service';
import { PricingServiceService } from '@rapport/contracts/rapport/sales/v1/pricing_service';
import { PipelinesServiceService } from '@rapport/contracts/rapport/sales/v1/pipelines_service';
import { QuoteActionsServiceService } from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { QuotesServiceService } from '@rapport/contracts/rapport/sales/v1/quotes_service';
import { StageEntriesServiceService } from '@rapport/contracts/rapport/sales/v1/stage_entries_service';
import { MacrosServiceService } from '@rapport/contracts/rapport/support/v1/macros_service';
import { QueueLeasesServiceService } from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import { TicketReportsServiceService } from '@rapport/contracts/rapport/support/v1/ticket_reports_service';
import { TicketWorkServiceService } from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import { QueuesServiceService } from '@rapport/contracts/rapport/support/v1/queues_service';
import { AssignmentActionsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import { AssignmentRulesServiceService } from '@rapport/contracts/rapport/work/v1/assignment_rules_service';
import { AssignmentTrialsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_trials_service';
import { AssignmentsServiceService } from '@rapport/contracts/rapport/work/v1/assignments_service';
import { ForecastSubmissionsServiceService } from '@rapport/contracts/rapport/sales/v1/forecast_submissions_service';
import { PipelineReportsServiceService } from '@rapport/contracts/rapport/sales/v1/pipeline_reports_service';
import { ForecastSnapshotsServiceService } from '@rapport/contracts/rapport/sales/v1/forecast_snapshots_service';
import { ForecastsServiceService } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { QuotasServiceService } from '@rapport/contracts/rapport/sales/v1/quotas_service';
import { CallsServiceService } from '@rapport/contracts/rapport/work/v1/calls_service';
import { DigestOutboxServiceService } from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import { EmailsServiceService } from '@rapport/contracts/rapport/work/v1/emails_service';
import { MeetingsServiceService } from '@rapport/contracts/rapport/work/v1/meetings_service';
import { NotificationsServiceService } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { NotesServiceService } from '@rapport/contracts/rapport/work/v1/notes_service';
import { TaskActionsServiceService } from '@rapport/contracts/rapport/work/v1/task_actions_service';
import { TasksServiceService } from '@rapport/contracts/rapport/work/v1/tasks_service';
import { BusinessTimeServiceService } from '@rapport/contracts/rapport/work/v1/business_time_service';
import { CalendarsServiceService } from '@rapport/contracts/rapport/work/v1/calendars_service';
import { CalendarFeedsServiceService } from '@rapport/contracts/rapport/work/v1/calendar_feeds_service';
import { SettingsServiceService } from '@rapport/contracts/rapport/work/v1/settings_service';
import { FormActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_actions_service';
import { FormSubmissionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_submissions_service';
import { FormsServiceService } from '@rapport/contracts/rapport/marketing/v1/forms_service';
import { AttributionsServiceService } from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { MessageEventsServiceService } from '@rapport/contracts/rapport/marketing/v1/message_events_service';
import { TouchpointsServiceService } from '@rapport/contracts/rapport/marketing/v1/touchpoints_service';
import { SurveyResponsesServiceService } from '@rapport/contracts/rapport/support/v1/survey_responses_service';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import { SurveysServiceService } from '@rapport/contracts/rapport/support/v1/surveys_service';
import { SegmentActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { CampaignActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import { CampaignOutboxServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { CampaignRecipientsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_recipients_service';
import { CampaignsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaigns_service';
import { SegmentMembersServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_members_service';
import { SegmentsServiceService } from '@rapport/contracts/rapport/marketing/v1/segments_service';
import { ArticleActionsServiceService } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { ArticleSectionsServiceService } from '@rapport/contracts/rapport/content/v1/article_sections_service';
import { ArticlesServiceService } from '@rapport/contracts/rapport/content/v1/articles_service';
import { TemplateActionsServiceService } from '@rapport/contracts/rapport/content/v1/template_actions_service';
import { TemplatesServiceService } from '@rapport/contracts/rapport/content/v1/templates_service';
import { TimersServiceService } from '@rapport/contracts/rapport/work/v1/timers_service';
import { TimelineServiceService } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { TicketActionsServiceService } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { SlaActionsServiceService } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaPoliciesServiceService } from '@rapport/contracts/rapport/support/v1/sla_policies_service';
import { SlaTimersServiceService } from '@rapport/contracts/rapport/support/v1/sla_timers_service';
import { TicketEntriesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_entries_service';
import { TicketStatusesServiceService } from '@rapport/contracts/rapport/support/v1/ticket_statuses_service';
import { TicketsServiceService } from '@rapport/contracts/rapport/support/v1/tickets_service';
import { ViewsServiceService } from '@rapport/contracts/rapport/work/v1/views_service';
import { WorkspaceServiceService } from '@rapport/contracts/rapport/work/v1/workspace_service';

/** The methods of all services of customers, by name. */
export const definitions = {
  ...CustomersServiceService,
  ...CustomFieldsServiceService,
  ...AssociationsServiceService,
  ...MergesServiceService,
  ...OperationsServiceService,
  ...ChangeFeedServiceService,
  ...AuditServiceService,
  ...ConsentsServiceService,
  ...SearchServiceService,
  ...SuppressionsServiceService,
  ...PrivacyServiceService,
  ...LeadsServiceService,
  ...LeadWorkServiceService,
  ...AssignmentRulesServiceService,
  ...AssignmentsServiceService,
  ...AssignmentActionsServiceService,
  ...AssignmentTrialsServiceService,
  ...PipelinesServiceService,
  ...PipelineStagesServiceService,
  ...DealsServiceService,
  ...DealMovesServiceService,
  ...DealCopiesServiceService,
  ...DealMergesServiceService,
  ...StageEntriesServiceService,
  ...CustomObjectsServiceService,
  ...ObjectRecordsServiceService,
  ...SettingsServiceService,
  ...ViewsServiceService,
  ...FilesServiceService,
  ...WorkspaceServiceService,
  ...QuotasServiceService,
  ...ForecastsServiceService,
  ...CallsServiceService,
  ...EmailsServiceService,
  ...MeetingsServiceService,
  ...NotesServiceService,
  ...TasksServiceService,
  ...QuotesServiceService,
  ...QuoteActionsServiceService,
  ...CalendarFeedsServiceService,
  ...ForecastSnapshotsServiceService,
  ...TaskActionsServiceService,
  ...CalendarsServiceService,
  ...BusinessTimeServiceService,
  ...TimelineServiceService,
  ...PipelineReportsServiceService,
  ...ForecastSubmissionsServiceService,
  ...ExchangeRatesServiceService,
  ...CurrenciesServiceService,
  ...PricingServiceService,
  ...DealValuesServiceService,
  ...ProductsServiceService,
  ...PriceBooksServiceService,
  ...PricesServiceService,
  ...NotificationsServiceService,
  ...DigestOutboxServiceService,
  ...TimersServiceService,
  ...TicketsServiceService,
  ...TicketEntriesServiceService,
  ...SlaPoliciesServiceService,
  ...SlaTimersServiceService,
  ...SlaActionsServiceService,
  ...TicketStatusesServiceService,
  ...TicketActionsServiceService,
  ...QueuesServiceService,
  ...QueueLeasesServiceService,
  ...TicketWorkServiceService,
  ...TicketReportsServiceService,
  ...MacrosServiceService,
  ...TemplatesServiceService,
  ...TemplateActionsServiceService,
  ...MessagesServiceService,
  ...MessageActionsServiceService,
  ...MailIntakeServiceService,
  ...MailOutboxServiceService,
  ...MailAddressesServiceService,
  ...SurveysServiceService,
  ...TopicsServiceService,
  ...SurveyResponsesServiceService,
  ...FormsServiceService,
  ...FormActionsServiceService,
  ...FormSubmissionsServiceService,
  ...SegmentsServiceService,
  ...SegmentMembersServiceService,
  ...SegmentActionsServiceService,
  ...MessageEventsServiceService,
  ...TouchpointsServiceService,
  ...AttributionsServiceService,
  ...ArticlesServiceService,
  ...ArticleSectionsServiceService,
  ...ArticleActionsServiceService,
  ...CampaignsServiceService,
  ...CampaignRecipientsServiceService,
  ...CampaignActionsServiceService,
  ...CampaignOutboxServiceService,
};
type Definitions = typeof definitions;
type Stream =
  | 'importCustomers'
  | 'exportCustomers'
  | 'uploadImportFile'
  | 'watchOperation'
  | 'downloadOperationIssues'
  | 'watchChanges'
  | 'snapshotCustomers'
  | 'exportPersonalData'
  | 'subscribe'
  | 'exportAuditEntries'
  | 'uploadFile'
  | 'downloadFile'
  | 'downloadWorkspaceExport'
  | 'uploadWorkspaceArchive'
  | 'exportQuoteUbl'
  | 'renderQuote'
  | 'watchNotifications'
  | 'downloadRawMessage'
  | 'readRawMessage'
  | 'readOutgoingAttachment'
  | 'storeAttachment'
  | 'storeLargeMessage';
/** Methods with one request and one answer. */
export type Method = Exclude<keyof Definitions, Stream>;
export type Answer<Name extends Method> = ReturnType<Definitions[Name]['responseDeserialize']>;
export type Request<Name extends Method> = Partial<ReturnType<Definitions[Name]['requestDeserialize']>>;
