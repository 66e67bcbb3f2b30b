import { FlowReentry, type FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { enrolls, enteringType } from '../../enrollments/enter-flow.js';
import { typeOfRecord } from '../variables.js';
import type { Place } from './faults.js';

/** Checks the kind of a definition and its rules for customers, apart from their filters, which customers checks. */
export function checkEnrollment(root: Place, { kind, enrollment, trigger }: FlowDefinition): void {
  if (!enrolls({ kind })) {
    if (enrollment) root.at('enrollment').add('NOT_ALLOWED', 'is for journeys and sequences only');
    return;
  }
  if (trigger && typeOfRecord(trigger) !== enteringType) {
    root.at('trigger').add('NOT_ALLOWED', 'must be about customers, which enter the flow');
  }
  if (!enrollment) return;
  const { reentry, reentryAfterSeconds } = enrollment;
  const place = root.at('enrollment', 'reentryAfterSeconds');
  if (reentry === FlowReentry.AFTER && reentryAfterSeconds === undefined)
    place.add('REQUIRED', 'is required for AFTER');
  if (reentry !== FlowReentry.AFTER && reentryAfterSeconds !== undefined) place.add('NOT_ALLOWED', 'is for AFTER only');
}
