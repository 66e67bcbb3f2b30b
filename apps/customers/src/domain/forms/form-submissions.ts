import type { FormSubmission } from '@rapport/contracts/rapport/marketing/v1/form_submission';
import { FormSubmissionsServiceService } from '@rapport/contracts/rapport/marketing/v1/form_submissions_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** What visitors have sent by forms. Only the service writes them. */
export const formSubmissions = defineRecord<FormSubmission>('rapport/FormSubmission', FormSubmissionsServiceService, {
  indexVersion: 1,
});

export const FormSubmissionsController = recordController(formSubmissions, FormSubmissionsServiceService);
