import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import {
  SegmentActionsServiceService as Methods,
  type AddSegmentMembersRequest,
  type ChangeSegmentMembersResponse,
  type PauseSegmentRequest,
  type PreviewSegmentRequest,
  type PreviewSegmentResponse,
  type RebuildSegmentRequest,
  type RemoveSegmentMembersRequest,
  type ResumeSegmentRequest,
  type SegmentActionsServiceServer,
  type SnapshotSegmentRequest,
  type VerifySegmentRequest,
  type VerifySegmentResponse,
} from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { Sequencer } from '../../engine/changes/log/sequencer.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import {
  addSegmentMembers,
  pauseSegment,
  rebuildSegment,
  removeSegmentMembers,
  resumeSegment,
  snapshotSegment,
} from './change-segment.js';
import { previewSegment } from './preview-segment.js';
import { SegmentFollower } from './segment-follower.js';
import { verifySegment } from './verify-segment.js';

@Controller()
@ImplementsService(Methods)
export class SegmentActionsController implements ServiceHandlers<SegmentActionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    readonly follower: SegmentFollower,
    readonly sequencer: Sequencer,
  ) {}

  previewSegment(request: PreviewSegmentRequest): Promise<PreviewSegmentResponse> {
    return previewSegment(this.em, request);
  }

  addSegmentMembers(request: AddSegmentMembersRequest): Promise<ChangeSegmentMembersResponse> {
    return hotWriteCall(this.em, Methods.addSegmentMembers, request, (each) => addSegmentMembers(each, request));
  }

  removeSegmentMembers(request: RemoveSegmentMembersRequest): Promise<ChangeSegmentMembersResponse> {
    return hotWriteCall(this.em, Methods.removeSegmentMembers, request, (each) => removeSegmentMembers(each, request));
  }

  snapshotSegment(request: SnapshotSegmentRequest): Promise<Segment> {
    return hotWriteCall(this.em, Methods.snapshotSegment, request, (each) => snapshotSegment(each, request));
  }

  rebuildSegment(request: RebuildSegmentRequest): Promise<Segment> {
    return hotWriteCall(this.em, Methods.rebuildSegment, request, (each) => rebuildSegment(each, request));
  }

  pauseSegment(request: PauseSegmentRequest): Promise<Segment> {
    return hotWriteCall(this.em, Methods.pauseSegment, request, (each) => pauseSegment(each, request));
  }

  resumeSegment(request: ResumeSegmentRequest): Promise<Segment> {
    return hotWriteCall(this.em, Methods.resumeSegment, request, (each) => resumeSegment(each, request));
  }

  verifySegment({ id }: VerifySegmentRequest): Promise<VerifySegmentResponse> {
    return verifySegment(this.em, this, id);
  }
}
