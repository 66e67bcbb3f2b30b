import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { AttributionsServiceService } from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { CampaignActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import { CampaignOutboxServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { CampaignRecipientsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_recipients_service';
import { CampaignsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaigns_service';
import { ConsentPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { FormActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_actions_service';
import { FormPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/form_pages_service';
import { FormSubmissionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_submissions_service';
import { FormsServiceService } from '@rapport/contracts/rapport/marketing/v1/forms_service';
import { MessageEventsServiceService } from '@rapport/contracts/rapport/marketing/v1/message_events_service';
import { SegmentActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { SegmentMembersServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_members_service';
import { SegmentsServiceService } from '@rapport/contracts/rapport/marketing/v1/segments_service';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import { TouchpointsServiceService } from '@rapport/contracts/rapport/marketing/v1/touchpoints_service';
import { TrackingPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/tracking_pages_service';
import { AttributionsController } from './domain/attribution/attributions.controller.js';
import { CampaignActionsController } from './domain/campaigns/campaign-actions.controller.js';
import { CampaignRecipientsController } from './domain/campaigns/campaign-recipients.js';
import { CampaignsController } from './domain/campaigns/campaigns.js';
import { CampaignOutboxController } from './domain/campaigns/sending/campaign-outbox.controller.js';
import { FormActionsController } from './domain/forms/form-actions.controller.js';
import { FormPagesController } from './domain/forms/form-pages.controller.js';
import { FormSubmissionsController } from './domain/forms/form-submissions.js';
import { FormsController } from './domain/forms/forms.js';
import { SegmentActionsController } from './domain/segments/segment-actions.controller.js';
import { SegmentMembersController } from './domain/segments/segment-members.js';
import { SegmentsController } from './domain/segments/segments.js';
import { ConsentPagesController } from './domain/topics/consent-pages.controller.js';
import { TopicsController } from './domain/topics/topics.js';
import { MessageEventsController } from './domain/tracking/message-events.js';
import { TouchpointsController } from './domain/tracking/touchpoints.js';
import { TrackingPagesController } from './domain/tracking/tracking-pages.controller.js';

/** The services of marketing. */
export const marketingServices: readonly ServiceDefinition[] = [
  TopicsServiceService,
  ConsentPagesServiceService,
  CampaignsServiceService,
  CampaignRecipientsServiceService,
  CampaignActionsServiceService,
  CampaignOutboxServiceService,
  MessageEventsServiceService,
  TouchpointsServiceService,
  FormsServiceService,
  FormSubmissionsServiceService,
  FormActionsServiceService,
  FormPagesServiceService,
  SegmentsServiceService,
  SegmentMembersServiceService,
  SegmentActionsServiceService,
  TrackingPagesServiceService,
  AttributionsServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const marketingControllers: readonly Type[] = [
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
