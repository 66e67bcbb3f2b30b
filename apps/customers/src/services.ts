import type { ServiceDefinition } from '@grpc/grpc-js';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { RunHandler } from '@rapport/contracts';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { AuditServiceService } from '@rapport/contracts/rapport/customers/v1/audit_service';
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
import { PipelineStagesServiceService } from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { AssignmentActionsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import { AssignmentRulesServiceService } from '@rapport/contracts/rapport/work/v1/assignment_rules_service';
import { AssignmentTrialsServiceService } from '@rapport/contracts/rapport/work/v1/assignment_trials_service';
import { AssignmentsServiceService } from '@rapport/contracts/rapport/work/v1/assignments_service';
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
import { TimersServiceService } from '@rapport/contracts/rapport/work/v1/timers_service';
import { TimelineServiceService } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { ViewsServiceService } from '@rapport/contracts/rapport/work/v1/views_service';
import { WorkspaceServiceService } from '@rapport/contracts/rapport/work/v1/workspace_service';
import { inTenantSession } from '@rapport/persistence';
import { AssociationsController } from './domain/associations/associations.controller.js';
import { AuditController } from './engine/changes/audit/audit.controller.js';
import { BulkPace } from './engine/pace/bulk-pace.js';
import { ChangeFeedController } from './engine/changes/feed/change-feed.controller.js';
import { ConsentsController } from './domain/consents/consents.controller.js';
import { CustomFieldsController } from './domain/custom-fields/custom-fields.controller.js';
import { CustomObjectsController } from './domain/custom-objects/custom-objects.js';
import { ObjectRecordsController } from './domain/custom-objects/object-records.js';
import { CustomersController } from './domain/customers/serve-customers.js';
import { MergesController } from './domain/customers/merges/merges.controller.js';
import { OperationsController } from './engine/import/operation/operations.controller.js';
import { refuseNarrowScope } from './engine/records/scope/refuse-narrow-scopes.js';
import { SearchController } from './engine/query/search/search.controller.js';
import { AssignmentActionsController } from './domain/assignment/assignment-actions.controller.js';
import { AssignmentRulesController } from './domain/assignment/assignment-rules.js';
import { AssignmentTrialsController } from './domain/assignment/assignment-trials.controller.js';
import { AssignmentsController } from './domain/assignment/assignments.js';
import { BusinessTimeController } from './domain/calendars/business-time.controller.js';
import { CalendarsController } from './domain/calendars/calendars.js';
import { PipelineStagesController } from './domain/deals/pipeline-stages.controller.js';
import { CalendarFeedsController } from './domain/calendar-feeds/calendar-feeds.controller.js';
import { PrivacyController } from './domain/privacy/privacy.controller.js';
import { SettingsController } from './domain/settings/settings.controller.js';
import { Sealing } from './engine/sealing/sealing.js';
import { SuppressionsController } from './domain/suppressions/suppressions.controller.js';
import { CallsController } from './domain/work/calls.js';
import { EmailsController } from './domain/work/emails.js';
import { MeetingsController } from './domain/work/meetings.js';
import { NotesController } from './domain/work/notes.js';
import { DigestOutboxController } from './domain/notifications/digest-outbox.controller.js';
import { NotificationsController } from './domain/notifications/notifications.controller.js';
import { TimersController } from './domain/timers/timers.controller.js';
import { TimelineController } from './domain/timeline/timeline.controller.js';
import { TaskActionsController } from './domain/work/task-actions.controller.js';
import { TasksController } from './domain/work/tasks.js';
import { ViewsController } from './domain/views/views.controller.js';
import { contentControllers, contentServices } from './content-services.js';
import { marketingControllers, marketingServices } from './marketing-services.js';
import { salesControllers, salesServices } from './sales-services.js';
import { supportControllers, supportServices } from './support-services.js';
import { WorkspaceController } from './domain/workspace/workspace.controller.js';

/** The services of this process, and their controllers. */
export const services: readonly ServiceDefinition[] = [
  CustomersServiceService,
  CustomFieldsServiceService,
  AssociationsServiceService,
  MergesServiceService,
  OperationsServiceService,
  ChangeFeedServiceService,
  SearchServiceService,
  AuditServiceService,
  ConsentsServiceService,
  SuppressionsServiceService,
  PrivacyServiceService,
  PipelineStagesServiceService,
  CustomObjectsServiceService,
  ObjectRecordsServiceService,
  SettingsServiceService,
  ViewsServiceService,
  WorkspaceServiceService,
  AssignmentActionsServiceService,
  AssignmentRulesServiceService,
  AssignmentsServiceService,
  AssignmentTrialsServiceService,
  CallsServiceService,
  EmailsServiceService,
  MeetingsServiceService,
  NotesServiceService,
  TasksServiceService,
  CalendarFeedsServiceService,
  TaskActionsServiceService,
  CalendarsServiceService,
  BusinessTimeServiceService,
  TimelineServiceService,
  NotificationsServiceService,
  DigestOutboxServiceService,
  TimersServiceService,
  ...salesServices,
  ...supportServices,
  ...contentServices,
  ...marketingServices,
];
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
  ...salesControllers,
  ...supportControllers,
  ...contentControllers,
  ...marketingControllers,
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
