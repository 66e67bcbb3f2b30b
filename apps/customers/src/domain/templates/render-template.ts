import type { EntityManager } from '@mikro-orm/postgresql';
import { TemplateFormat, type PublishedTemplate, type Template } from '@rapport/contracts/rapport/content/v1/template';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { defaultTimeZone } from '../../engine/query/workspace-time-zone.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { runLiquid, type Fault, type RenderedTemplate, type TemplateSource } from './render-liquid.js';
import { templates } from './templates.js';

/** Reads within a transaction, or outside of one. */
type Source = EntityManager | StatementTransaction;

/**
 * Renders the published version of a template.
 *
 * @param values JSON by name, such as `{ customer, ticket }` of `recordValue`
 * @throws AppError NOT_FOUND TEMPLATE_NOT_FOUND; FAILED_PRECONDITION TEMPLATE_NOT_PUBLISHED; INVALID_ARGUMENT TEMPLATE_INVALID
 */
export async function renderTemplate(source: Source, templateId: string, values: object): Promise<RenderedTemplate> {
  return renderSource(source, publishedOf(await readTemplate(source, templateId)), values);
}

/** Renders the texts of a template, of its draft or of a published version. @throws AppError INVALID_ARGUMENT TEMPLATE_INVALID */
export async function renderSource(
  source: Source,
  texts: TemplateTexts & Pick<PublishedTemplate, 'locale'>,
  values: object,
): Promise<RenderedTemplate> {
  const rendering = { values, timeZone: await timeZoneOf(source), locale: texts.locale ?? 'en' };
  const done = await runLiquid(currentCaller().tenantId, { source: sourceOf(texts), rendering });
  if ('rendered' in done) return done.rendered;
  throw invalidTemplate('faults' in done ? done.faults : []);
}

/** A live template. @throws AppError NOT_FOUND */
export async function readTemplate(source: Source, id: string): Promise<Template> {
  const stored = await queryRows<StoredRecord<Template>>(source, liveRecords(templates, [id]));
  const [template] = await openStored(templates, stored);
  return liveRecord(source, templates, id, template);
}

/** @throws AppError FAILED_PRECONDITION TEMPLATE_NOT_PUBLISHED */
export function publishedOf({ published, key }: Template): PublishedTemplate {
  if (published) return published;
  throw new AppError('FAILED_PRECONDITION', 'TEMPLATE_NOT_PUBLISHED', `The template ${key} was never published.`);
}

/** The texts of a draft, or of a published version, which has the HTML of MJML. */
type TemplateTexts = Pick<PublishedTemplate, 'format' | 'subject' | 'body' | 'textBody'> & {
  html?: string | undefined;
};

export function sourceOf({ format, subject, body, textBody, html }: TemplateTexts): TemplateSource {
  const isMjml = format === TemplateFormat.MJML && html === undefined;
  return { isHtml: format !== TemplateFormat.TEXT, isMjml, subject, body: html ?? body, textBody };
}

/** INVALID_ARGUMENT TEMPLATE_INVALID that names the first fault. */
export function invalidTemplate([first]: readonly Fault[]): AppError {
  const place = first && first.line > 0 ? `${first.field}, line ${first.line}, column ${first.column}` : first?.field;
  const message = first ? `${place}: ${first.message}` : 'The template cannot be rendered.';
  return new AppError('INVALID_ARGUMENT', 'TEMPLATE_INVALID', message);
}

async function timeZoneOf(source: Source): Promise<string> {
  const [settings] = await queryRows<{ time_zone: string }>(source, {
    name: 'time_zone_of_templates',
    sql: 'select time_zone from workspace_settings where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  return settings?.time_zone ?? defaultTimeZone;
}
