import type { SurveyResponse } from '@rapport/contracts/rapport/support/v1/survey_response';
import { SurveyResponsesServiceService } from '@rapport/contracts/rapport/support/v1/survey_responses_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Questions to customers about tickets, and their answers. Only the service writes them. */
export const surveyResponses = defineRecord<SurveyResponse>('rapport/SurveyResponse', SurveyResponsesServiceService, {
  indexVersion: 1,
});

export const SurveyResponsesController = recordController(surveyResponses, SurveyResponsesServiceService);
