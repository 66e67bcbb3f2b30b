import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { ConsentPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { CampaignRecipientsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_recipients_service';
import { CampaignsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaigns_service';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import { ConsentPagesController } from './domain/topics/consent-pages.controller.js';
import { CampaignRecipientsController } from './domain/campaigns/campaign-recipients.js';
import { CampaignsController } from './domain/campaigns/campaigns.js';
import { TopicsController } from './domain/topics/topics.js';

/** The services of marketing. */
export const marketingServices: readonly ServiceDefinition[] = [TopicsServiceService, ConsentPagesServiceService];
export const marketingServices: readonly ServiceDefinition[] = [
  TopicsServiceService,
  CampaignsServiceService,
  CampaignRecipientsServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const marketingControllers: readonly Type[] = [TopicsController, ConsentPagesController];
export const marketingControllers: readonly Type[] = [
  TopicsController,
  CampaignsController,
  CampaignRecipientsController,
];
