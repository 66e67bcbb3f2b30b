import { FormSubmissionState } from '@rapport/contracts/rapport/marketing/v1/form_submission';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { onOptInEnd, type OptInListener } from '../topics/end-opt-in.js';
import { formSubmissions } from './form-submissions.js';

/** Type of the origin of double opt-ins that submissions have started. */
export const submissionOrigin = 'form_submission';

/** Ends a submission whose topics were confirmed, or not in time. */
const endSubmission: OptInListener = async (transaction, { type, id }, { outcome }) => {
  if (type !== submissionOrigin) return;
  const { record: before, ...known } = await readForChange(transaction, formSubmissions, id);
  // It may have been erased with its customer.
  if (before?.state !== FormSubmissionState.PENDING) return;
  const confirmed = { state: FormSubmissionState.CONFIRMED, confirmTime: new Date().toISOString() };
  const fields = outcome === 'CONFIRMED' ? confirmed : { state: FormSubmissionState.EXPIRED };
  const change = { changes: { ...before, ...fields }, mask: Object.keys(fields) };
  await changeRecord(transaction, formSubmissions, before, known, change);
};

onOptInEnd(endSubmission);
