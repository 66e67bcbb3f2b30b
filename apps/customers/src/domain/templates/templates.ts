import {
  TemplateFormat,
  TemplateKind,
  TemplateState,
  type Template,
} from '@rapport/contracts/rapport/content/v1/template';
import { TemplatesServiceService } from '@rapport/contracts/rapport/content/v1/templates_service';
import { canonicalLocale, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Template>(recordContract('rapport/Template'));

/** What is published of a draft. */
const content = ['format', 'subject', 'body', 'textBody', 'locale'] as const;

/** Templates of e-mails and macros. Writes change their drafts. */
export const templates = defineRecord<Template>('rapport/Template', TemplatesServiceService, {
  indexVersion: 1,
  alwaysSet: ['kind', 'format', 'state', 'published_version', 'changed_since_publish'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const kind = record.kind === TemplateKind.UNSPECIFIED ? TemplateKind.EMAIL : record.kind;
    const format = record.format === TemplateFormat.UNSPECIFIED ? TemplateFormat.TEXT : record.format;
    const locale = record.locale && (canonicalLocale(record.locale) ?? record.locale);
    return { record: { ...record, kind, format, locale }, violations: [...violations, ...localeViolations(locale)] };
  },
  stamp: ({ after }) => ({
    state: after.published ? TemplateState.PUBLISHED : TemplateState.DRAFT,
    changedSincePublish: differs(after),
  }),
  detail: ({ key }) => key,
});

export const TemplatesController = recordController(templates, TemplatesServiceService);

function localeViolations(locale: string | undefined): FieldViolation[] {
  if (locale === undefined || canonicalLocale(locale) !== undefined) return [];
  const description = 'must be a BCP 47 tag of a known language, such as de-DE';
  return [{ field: 'locale', reason: 'LOCALE_UNKNOWN', description }];
}

function differs(template: Template): boolean {
  const { published } = template;
  return !published || content.some((name) => template[name] !== published[name]);
}
