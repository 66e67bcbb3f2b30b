import type { Assignment } from '@rapport/contracts/rapport/work/v1/assignment';
import { AssignmentsServiceService } from '@rapport/contracts/rapport/work/v1/assignments_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** The choices of assignment rules. Retained indefinitely, unlike the change log. */
export const assignments = defineRecord<Assignment>('rapport/Assignment', AssignmentsServiceService, {
  indexVersion: 1,
});

export const AssignmentsController = recordController(assignments, AssignmentsServiceService);
