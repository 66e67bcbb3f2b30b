import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Template } from '@rapport/contracts/rapport/content/v1/template';
import {
  TemplateActionsServiceService as Methods,
  type PublishTemplateRequest,
  type RenderTemplateRequest,
  type RenderTemplateResponse,
  type TemplateActionsServiceServer,
  type ValidateTemplateRequest,
  type ValidateTemplateResponse,
} from '@rapport/contracts/rapport/content/v1/template_actions_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { checkTemplate } from './check-template.js';
import { publishTemplate } from './publish-template.js';
import { publishedOf, readTemplate, renderSource, sourceOf } from './render-template.js';
import { valuesOf } from './rendered-values.js';

@Controller()
@ImplementsService(Methods)
export class TemplateActionsController implements ServiceHandlers<TemplateActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async validateTemplate({ id }: ValidateTemplateRequest): Promise<ValidateTemplateResponse> {
    const source = sourceOf(await readTemplate(this.em, id));
    const done = await checkTemplate(source);
    return 'faults' in done ? { faults: done.faults, variables: [] } : { faults: [], variables: done.variables };
  }

  publishTemplate(request: PublishTemplateRequest): Promise<Template> {
    return hotWriteCall(this.em, Methods.publishTemplate, request, (transaction) =>
      publishTemplate(transaction, request),
    );
  }

  async renderTemplate({ id, rendering }: RenderTemplateRequest): Promise<RenderTemplateResponse> {
    const { records = [], published = false } = rendering ?? {};
    const template = await readTemplate(this.em, id);
    const texts = published ? publishedOf(template) : template;
    const values = await valuesOf(this.em, records);
    const { subject, text, html } = await renderSource(this.em, texts, values);
    return { subject, text, html };
  }
}
