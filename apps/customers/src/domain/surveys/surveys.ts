import { SurveyKind, SurveyState, type Survey } from '@rapport/contracts/rapport/support/v1/survey';
import { SurveysServiceService } from '@rapport/contracts/rapport/support/v1/surveys_service';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Survey>(recordContract('rapport/Survey'));

/** Surveys: what customers are asked after their tickets are solved. */
export const surveys = defineRecord<Survey>('rapport/Survey', SurveysServiceService, {
  indexVersion: 1,
  alwaysSet: ['kind', 'state', 'delay_seconds', 'per_customer_seconds'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const kind = record.kind === SurveyKind.UNSPECIFIED ? SurveyKind.CSAT : record.kind;
    const state = record.state === SurveyState.UNSPECIFIED ? SurveyState.ACTIVE : record.state;
    return { record: { ...record, kind, state }, violations };
  },
});

export const SurveysController = recordController(surveys, SurveysServiceService);

/** The scores of a kind of surveys. */
export function scoresOf(kind: SurveyKind): readonly number[] {
  const [lowest, highest] = ranges[SurveyKind[kind]] ?? [1, 5];
  return Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);
}

const ranges: Readonly<Record<string, readonly [number, number]>> = { CSAT: [1, 5], CES: [1, 7], NPS: [0, 10] };
