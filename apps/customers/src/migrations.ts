import {
  CreateAuditChain,
  CreateAuditRemoval,
  CreateIdempotencyKey,
  CreateRefusal,
  CreateTimer,
} from '@rapport/persistence';
import { AddCustomFieldRecordType } from './migrations/add-custom-field-record-type.migration.js';
import { AddCustomFieldsAndTerms } from './migrations/add-custom-fields-and-terms.migration.js';
import { AddConversionDaysToCampaign } from './migrations/add-conversion-days-to-campaign.migration.js';
import { AddDueTimeToMailJob } from './migrations/add-due-time-to-mail-job.migration.js';
import { AddEnvelopeToMessage } from './migrations/add-envelope-to-message.migration.js';
import { AddForecastToDeal } from './migrations/add-forecast-to-deal.migration.js';
import { AddMoveToStageEntry } from './migrations/add-move-to-stage-entry.migration.js';
import { AddRotTimeToDeal } from './migrations/add-rot-time-to-deal.migration.js';
import { OrderDealsByRotTime } from './migrations/order-deals-by-rot-time.migration.js';
import { AddRankToDeal } from './migrations/add-rank-to-deal.migration.js';
import { AddRecordScope } from './migrations/add-record-scope.migration.js';
import { AuditChanges } from './migrations/audit-changes.migration.js';
import { BoundPendingSearchEntries } from './migrations/bound-pending-search-entries.migration.js';
import { BoundReadChanges } from './migrations/bound-read-changes.migration.js';
import { CreateConsentAndSuppression } from './migrations/create-consent-and-suppression.migration.js';
import { CreateChangeLog } from './migrations/create-change-log.migration.js';
import { CreateAssociationAndMerge } from './migrations/create-association-and-merge.migration.js';
import { CreateCustomObject } from './migrations/create-custom-object.migration.js';
import { CreateCalendar } from './migrations/create-calendar.migration.js';
import { CreateCustomer } from './migrations/create-customer.migration.js';
import { CreateErasure } from './migrations/create-erasure.migration.js';
import { EncryptAllTypes } from './migrations/encrypt-all-types.migration.js';
import { CreateForecastSubmission } from './migrations/create-forecast-submission.migration.js';
import { CreateForecastSnapshot } from './migrations/create-forecast-snapshot.migration.js';
import { CreateObjectRecord } from './migrations/create-object-record.migration.js';
import { CreateOperation } from './migrations/create-operation.migration.js';
import { KeepOrderValuesByRow } from './migrations/keep-order-values-by-row.migration.js';
import { OrderDealsByRank } from './migrations/order-deals-by-rank.migration.js';
import { FindNotificationsOfApprovals } from './migrations/find-notifications-of-approvals.migration.js';
import { FindOpenTasksOfDeals } from './migrations/find-open-tasks-of-deals.migration.js';
import { ConvertForecasts } from './migrations/convert-forecasts.migration.js';
import { SendMessagesToUsers } from './migrations/send-messages-to-users.migration.js';
import { CountAutomaticReplies } from './migrations/count-automatic-replies.migration.js';
import { CountMessagesOfFlows } from './migrations/count-messages-of-flows.migration.js';
import { TimeForecastSnapshots } from './migrations/time-forecast-snapshots.migration.js';
import { RestoreDealValues } from './migrations/restore-deal-values.migration.js';
import { HashFewAuditedRecords } from './migrations/hash-few-audited-records.migration.js';
import { PlanSequencingOnce } from './migrations/plan-sequencing-once.migration.js';
import { SkipLogStatistics } from './migrations/skip-log-statistics.migration.js';
import { ValueClosedDealsOnly } from './migrations/value-closed-deals-only.migration.js';
import { OrderByAllTimes } from './migrations/order-by-all-times.migration.js';
import { ReadChangesOfRecord } from './migrations/read-changes-of-record.migration.js';
import { ReadRecordsAsOf } from './migrations/read-records-as-of.migration.js';
import { RemoveChanges } from './migrations/remove-changes.migration.js';
import { SealPersonalData } from './migrations/seal-personal-data.migration.js';
import { TakeChangesByAddress } from './migrations/take-changes-by-address.migration.js';
import { CreateFile } from './migrations/create-file.migration.js';
import { CreateAssignment } from './migrations/create-assignment.migration.js';
import { CreateAssignmentRule } from './migrations/create-assignment-rule.migration.js';
import { CreateAssignmentTurn } from './migrations/create-assignment-turn.migration.js';
import { CreateLead } from './migrations/create-lead.migration.js';
import { CreateDeal } from './migrations/create-deal.migration.js';
import { CreatePipeline } from './migrations/create-pipeline.migration.js';
import { CreateQuota } from './migrations/create-quota.migration.js';
import { CreateRecordAssociation } from './migrations/create-record-association.migration.js';
import { CreateWorkspaceArchive } from './migrations/create-workspace-archive.migration.js';
import { KeepCursorsOverPromotions } from './migrations/keep-cursors-over-promotions.migration.js';
import { LogFileDeletionsOnce } from './migrations/log-file-deletions-once.migration.js';
import { DraftAllUniqueValues } from './migrations/draft-all-unique-values.migration.js';
import { CreateWorkspaceSettings } from './migrations/create-workspace-settings.migration.js';
import { CreatePublicLink } from './migrations/create-public-link.migration.js';
import { CreateQuote } from './migrations/create-quote.migration.js';
import { CreateSavedView } from './migrations/create-saved-view.migration.js';
import { CreateStageEntry } from './migrations/create-stage-entry.migration.js';
import { CreateExchangeRate } from './migrations/create-exchange-rate.migration.js';
import { CreateMoneyFunctions } from './migrations/create-money-functions.migration.js';
import { AddValueToDeal } from './migrations/add-value-to-deal.migration.js';
import { CreateArticle } from './migrations/create-article.migration.js';
import { CreateArticleSection } from './migrations/create-article-section.migration.js';
import { CreateArticleText } from './migrations/create-article-text.migration.js';
import { CreateSurvey } from './migrations/create-survey.migration.js';
import { CreateSurveyResponse } from './migrations/create-survey-response.migration.js';
import { CreateTopic } from './migrations/create-topic.migration.js';
import { HoldMessages } from './migrations/hold-messages.migration.js';
import { LimitChangeLog } from './migrations/limit-change-log.migration.js';
import { LookBeforeSequencing } from './migrations/look-before-sequencing.migration.js';
import { MergeDeals } from './migrations/merge-deals.migration.js';
import { NameCutsInAudit } from './migrations/name-cuts-in-audit.migration.js';
import { CreateOptIn } from './migrations/create-opt-in.migration.js';
import { CreateCampaign } from './migrations/create-campaign.migration.js';
import { CreateCampaignRecipient } from './migrations/create-campaign-recipient.migration.js';
import { CreateCampaignMember } from './migrations/create-campaign-member.migration.js';
import { CreateMessageEvent } from './migrations/create-message-event.migration.js';
import { CreateCampaignLink } from './migrations/create-campaign-link.migration.js';
import { CreateTouchpoint } from './migrations/create-touchpoint.migration.js';
import { AddNotificationDigest } from './migrations/add-notification-digest.migration.js';
import { AllowConversions } from './migrations/allow-conversions.migration.js';
import { AllowMjmlTemplates } from './migrations/allow-mjml-templates.migration.js';
import { CreateForm } from './migrations/create-form.migration.js';
import { CreateFormSubmission } from './migrations/create-form-submission.migration.js';
import { CreateTemplate } from './migrations/create-template.migration.js';
import { CreateProduct } from './migrations/create-product.migration.js';
import { CreatePriceBook } from './migrations/create-price-book.migration.js';
import { CreatePrice } from './migrations/create-price.migration.js';
import { SkipStatistics } from './migrations/skip-statistics.migration.js';
import { TraceChanges } from './migrations/trace-changes.migration.js';
import { CreateNotification } from './migrations/create-notification.migration.js';
import { CreateTask } from './migrations/create-task.migration.js';
import { CreateNote } from './migrations/create-note.migration.js';
import { CreateCall } from './migrations/create-call.migration.js';
import { CreateMeeting } from './migrations/create-meeting.migration.js';
import { CreateEmail } from './migrations/create-email.migration.js';
import { CreateTicketStatus } from './migrations/create-ticket-status.migration.js';
import { CreateRecordNumber } from './migrations/create-record-number.migration.js';
import { CreateTicket } from './migrations/create-ticket.migration.js';
import { CreateTicketEntry } from './migrations/create-ticket-entry.migration.js';
import { CreateMacro } from './migrations/create-macro.migration.js';
import { CreateQueue } from './migrations/create-queue.migration.js';
import { CreateMessage } from './migrations/create-message.migration.js';
import { CreateMailTables } from './migrations/create-mail-tables.migration.js';
import { CreateSlaPolicy } from './migrations/create-sla-policy.migration.js';
import { CreateSlaTimer } from './migrations/create-sla-timer.migration.js';
import { CreateSlaHistory } from './migrations/create-sla-history.migration.js';
import { CreateUserState } from './migrations/create-user-state.migration.js';
import { CreateTicketLease } from './migrations/create-ticket-lease.migration.js';
import { CreateTicketMerge } from './migrations/create-ticket-merge.migration.js';
import { CreateSegment } from './migrations/create-segment.migration.js';
import { CreateSegmentMember } from './migrations/create-segment-member.migration.js';
import { KeepSegments } from './migrations/keep-segments.migration.js';
import { CountVotesApart } from './migrations/count-votes-apart.migration.js';
import { IndexArticleWords } from './migrations/index-article-words.migration.js';
import { SealImports } from './migrations/seal-imports.migration.js';
import { SealWorkspaceArchive } from './migrations/seal-workspace-archive.migration.js';
import { ScopeTicketEntries } from './migrations/scope-ticket-entries.migration.js';

/** Migrations, oldest first. */
export const migrations = [
  CreateIdempotencyKey,
  CreateCustomer,
  AddCustomFieldsAndTerms,
  CreateAssociationAndMerge,
  CreateOperation,
  CreateChangeLog,
  BoundPendingSearchEntries,
  CreateAuditChain,
  AuditChanges,
  CreateConsentAndSuppression,
  CreateErasure,
  AddRecordScope,
  SealPersonalData,
  TakeChangesByAddress,
  TraceChanges,
  BoundReadChanges,
  CreateRefusal,
  KeepOrderValuesByRow,
  SkipStatistics,
  AddCustomFieldRecordType,
  CreatePipeline,
  CreateDeal,
  CreateStageEntry,
  EncryptAllTypes,
  CreateRecordAssociation,
  CreateWorkspaceSettings,
  CreateFile,
  CreateCustomObject,
  CreateObjectRecord,
  ReadChangesOfRecord,
  OrderByAllTimes,
  CreateWorkspaceArchive,
  CreateAuditRemoval,
  RemoveChanges,
  LogFileDeletionsOnce,
  DraftAllUniqueValues,
  CreateSavedView,
  AddRankToDeal,
  OrderDealsByRank,
  AddForecastToDeal,
  CreateLead,
  CreateAssignmentRule,
  CreateAssignment,
  CreateAssignmentTurn,
  CreateQuota,
  ReadRecordsAsOf,
  AddMoveToStageEntry,
  AddRotTimeToDeal,
  OrderDealsByRotTime,
  CreateTimer,
  CreateTask,
  CreateNote,
  CreateCall,
  CreateMeeting,
  CreateEmail,
  CreatePublicLink,
  CreateQuote,
  CreateForecastSnapshot,
  CreateCalendar,
  CreateForecastSubmission,
  CreateExchangeRate,
  CreateProduct,
  CreatePriceBook,
  CreatePrice,
  CreateMoneyFunctions,
  AddValueToDeal,
  FindOpenTasksOfDeals,
  ConvertForecasts,
  TimeForecastSnapshots,
  CreateNotification,
  RestoreDealValues,
  ValueClosedDealsOnly,
  SkipLogStatistics,
  PlanSequencingOnce,
  HashFewAuditedRecords,
  CreateRecordNumber,
  CreateTicketStatus,
  CreateTicket,
  CreateTicketEntry,
  CreateQueue,
  CreateMacro,
  CreateMessage,
  CreateMailTables,
  CreateTemplate,
  KeepCursorsOverPromotions,
  CreateSlaPolicy,
  CreateSlaTimer,
  CreateSlaHistory,
  CreateArticleSection,
  CreateArticle,
  CreateArticleText,
  CreateTicketLease,
  CreateTicketMerge,
  CreateSurvey,
  CreateSurveyResponse,
  CreateTopic,
  CreateOptIn,
  CreateCampaign,
  CreateCampaignRecipient,
  CreateCampaignMember,
  CreateMessageEvent,
  CreateTouchpoint,
  CreateCampaignLink,
  CreateForm,
  CreateFormSubmission,
  AllowMjmlTemplates,
  CreateSegment,
  CreateSegmentMember,
  KeepSegments,
  AddDueTimeToMailJob,
  HoldMessages,
  NameCutsInAudit,
  FindNotificationsOfApprovals,
  LimitChangeLog,
  LookBeforeSequencing,
  MergeDeals,
  AddConversionDaysToCampaign,
  AllowConversions,
  CreateUserState,
  AddNotificationDigest,
  SealWorkspaceArchive,
  SendMessagesToUsers,
  AddEnvelopeToMessage,
  CountAutomaticReplies,
  CountMessagesOfFlows,
  SealImports,
  CountVotesApart,
  IndexArticleWords,
  ScopeTicketEntries,
];
