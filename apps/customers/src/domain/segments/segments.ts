import { SegmentKind, SegmentState, type Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import { SegmentsServiceService } from '@rapport/contracts/rapport/marketing/v1/segments_service';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Segment>(recordContract('rapport/Segment'));

/** Sets of customers, by a filter or one by one. */
export const segments = defineRecord<Segment>('rapport/Segment', SegmentsServiceService, {
  indexVersion: 1,
  alwaysSet: ['kind', 'size', 'state'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const kind = record.kind === SegmentKind.UNSPECIFIED ? SegmentKind.DYNAMIC : record.kind;
    return { record: { ...record, kind }, violations };
  },
  stamp: ({ before, after: { kind } }) => ({
    ...(before ? {} : { state: kind === SegmentKind.STATIC ? SegmentState.LIVE : SegmentState.BUILDING }),
  }),
});

export const SegmentsController = recordController(segments, SegmentsServiceService);
