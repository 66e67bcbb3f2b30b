import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  FormPagesServiceService as Methods,
  type FormPagesServiceServer,
  type ShowFormPageRequest,
  type SubmitFormPageRequest,
} from '@rapport/contracts/rapport/marketing/v1/form_pages_service';
import { PublicUrl } from '../links/public-links.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { showFormPage, submitFormPage } from './serve-form.js';

@Controller()
@ImplementsService(Methods)
export class FormPagesController implements ServiceHandlers<FormPagesServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    readonly suppressionKey: SuppressionKey,
    readonly publicUrl: PublicUrl,
  ) {}

  showFormPage(request: ShowFormPageRequest): Promise<HttpBody> {
    return showFormPage(this, request);
  }

  submitFormPage(request: SubmitFormPageRequest): Promise<HttpBody> {
    return submitFormPage(this, request);
  }
}
