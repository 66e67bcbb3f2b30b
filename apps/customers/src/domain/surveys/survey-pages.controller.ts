import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  SurveyPagesServiceService as Methods,
  type AnswerSurveyPageRequest,
  type ShowSurveyPageRequest,
  type SurveyPagesServiceServer,
} from '@rapport/contracts/rapport/support/v1/survey_pages_service';
import { Sealing } from '../../engine/sealing/sealing.js';
import { answerSurveyPage, showSurveyPage } from './survey-page.js';

@Controller()
@ImplementsService(Methods)
export class SurveyPagesController implements ServiceHandlers<SurveyPagesServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
  ) {}

  showSurveyPage(request: ShowSurveyPageRequest): Promise<HttpBody> {
    return showSurveyPage(this, request);
  }

  answerSurveyPage(request: AnswerSurveyPageRequest): Promise<HttpBody> {
    return answerSurveyPage(this, request);
  }
}
