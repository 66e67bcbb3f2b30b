import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  TrackingPagesServiceService,
  type FollowTrackedLinkRequest,
  type LoadTrackedImageRequest,
  type TrackingPagesServiceServer,
} from '@rapport/contracts/rapport/marketing/v1/tracking_pages_service';
import { Sealing } from '../../engine/sealing/sealing.js';
import './note-unsubscription.js';
import { followLink, loadImage } from './record-visit.js';

@Controller()
@ImplementsService(TrackingPagesServiceService)
export class TrackingPagesController implements ServiceHandlers<TrackingPagesServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
  ) {}

  followTrackedLink(request: FollowTrackedLinkRequest): Promise<HttpBody> {
    return followLink(this, request);
  }

  loadTrackedImage(request: LoadTrackedImageRequest): Promise<HttpBody> {
    return loadImage(this, request);
  }
}
