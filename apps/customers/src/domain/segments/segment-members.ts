import type { SegmentMember } from '@rapport/contracts/rapport/marketing/v1/segment_member';
import { SegmentMembersServiceService } from '@rapport/contracts/rapport/marketing/v1/segment_members_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Memberships of customers in segments. Only the service writes them. */
export const segmentMembers = defineRecord<SegmentMember>('rapport/SegmentMember', SegmentMembersServiceService, {
  indexVersion: 1,
});

export const SegmentMembersController = recordController(segmentMembers, SegmentMembersServiceService);
