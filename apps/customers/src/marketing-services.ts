import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { ConsentPagesServiceService } from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import { ConsentPagesController } from './domain/topics/consent-pages.controller.js';
import { TopicsController } from './domain/topics/topics.js';

/** The services of marketing. */
export const marketingServices: readonly ServiceDefinition[] = [TopicsServiceService, ConsentPagesServiceService];

/** Their controllers, whose handlers all respect record owners. */
export const marketingControllers: readonly Type[] = [TopicsController, ConsentPagesController];
