import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { ConsentPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { CampaignRecipientsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_recipients_service';
import { CampaignsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaigns_service';
import { MessageEventsServiceService } from '@rapport/contracts/rapport/marketing/v1/message_events_service';
import { FormPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/form_pages_service';
import { FormSubmissionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_submissions_service';
import { FormsServiceService } from '@rapport/contracts/rapport/marketing/v1/forms_service';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import { ConsentPagesController } from './domain/topics/consent-pages.controller.js';
import { TouchpointsServiceService } from '@rapport/contracts/rapport/marketing/v1/touchpoints_service';
import { CampaignRecipientsController } from './domain/campaigns/campaign-recipients.js';
import { CampaignsController } from './domain/campaigns/campaigns.js';
import { FormPagesController } from './domain/forms/form-pages.controller.js';
import { FormSubmissionsController } from './domain/forms/form-submissions.js';
import { FormsController } from './domain/forms/forms.js';
import { TopicsController } from './domain/topics/topics.js';
import { MessageEventsController } from './domain/tracking/message-events.js';
import { TouchpointsController } from './domain/tracking/touchpoints.js';

/** The services of marketing. */
export const marketingServices: readonly ServiceDefinition[] = [TopicsServiceService, ConsentPagesServiceService];
export const marketingServices: readonly ServiceDefinition[] = [
  TopicsServiceService,
  CampaignsServiceService,
  CampaignRecipientsServiceService,
  MessageEventsServiceService,
  TouchpointsServiceService,
  FormsServiceService,
  FormSubmissionsServiceService,
  FormPagesServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const marketingControllers: readonly Type[] = [TopicsController, ConsentPagesController];
export const marketingControllers: readonly Type[] = [
  TopicsController,
  CampaignsController,
  CampaignRecipientsController,
  MessageEventsController,
  TouchpointsController,
  FormsController,
  FormSubmissionsController,
  FormPagesController,
];
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { SegmentActionsServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { SegmentMembersServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_members_service';
import { SegmentsServiceService } from '@rapport/contracts/rapport/marketing/v1/segments_service';
import { SegmentActionsController } from './domain/segments/segment-actions.controller.js';
import { SegmentMembersController } from './domain/segments/segment-members.js';
import { SegmentsController } from './domain/segments/segments.js';

/** The services of marketing. */
export const marketingServices: readonly ServiceDefinition[] = [
  SegmentsServiceService,
  SegmentMembersServiceService,
  SegmentActionsServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const marketingControllers: readonly Type[] = [
  SegmentsController,
  SegmentMembersController,
  SegmentActionsController,
];
