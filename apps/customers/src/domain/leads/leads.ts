import { LeadStatus, type Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import { LeadsServiceService } from '@rapport/contracts/rapport/sales/v1/leads_service';
import type { FieldViolation, ViolationCode } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Leads: work on the interest of customers, before there is a deal. */
export const leads = defineRecord<Lead>('rapport/Lead', LeadsServiceService, {
  indexVersion: 1,
  alwaysSet: ['status'],
  guard: statusViolations,
  stamp({ before, after }, now) {
    const status = statusOf(after);
    return {
      status,
      statusTime: before?.status === status ? before.statusTime : now,
      disqualifyReason: status === LeadStatus.UNQUALIFIED ? after.disqualifyReason : undefined,
    };
  },
  detail: ({ source }) => source,
  openStatuses: ['NEW', 'WORKING', 'NURTURE'],
});

export const LeadsController = recordController(leads, LeadsServiceService);

/** A lead with a deal is qualified: only the methods that change both change its status. */
function statusViolations({ before, after }: RecordChange<Lead>): FieldViolation[] {
  const [from, to] = [before?.status, statusOf(after)];
  const isQualified = to === LeadStatus.QUALIFIED;
  if (isQualified && after.dealId === undefined) {
    return [violation('status', 'QUALIFY_REQUIRED', 'is set by POST /v1/leads/{id}:qualify only')];
  }
  if (from === LeadStatus.QUALIFIED && !isQualified && after.dealId !== undefined) {
    return [
      violation('status', 'REOPEN_REQUIRED', 'of a qualified lead is changed by POST /v1/leads/{id}:reopen only'),
    ];
  }
  if (to === LeadStatus.UNQUALIFIED && after.disqualifyReason === undefined) {
    return [violation('disqualifyReason', 'REQUIRED', 'must be set with the status UNQUALIFIED')];
  }
  return [];
}

function statusOf({ status }: Lead): LeadStatus {
  return status === LeadStatus.UNSPECIFIED ? LeadStatus.NEW : status;
}

function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
}
