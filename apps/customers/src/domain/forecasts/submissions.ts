import type { ForecastSubmission } from '@rapport/contracts/rapport/sales/v1/forecast_submission';
import { ForecastSubmissionsServiceService } from '@rapport/contracts/rapport/sales/v1/forecast_submissions_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Submissions: what owners expect to sell, beside what is computed. */
export const forecastSubmissions = defineRecord<ForecastSubmission>(
  'rapport/ForecastSubmission',
  ForecastSubmissionsServiceService,
  { indexVersion: 1 },
);

export const ForecastSubmissionsController = recordController(forecastSubmissions, ForecastSubmissionsServiceService);
