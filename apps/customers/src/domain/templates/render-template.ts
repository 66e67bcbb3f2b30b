import type { EntityManager } from '@mikro-orm/postgresql';
import { TemplateFormat, type PublishedTemplate, type Template } from '@rapport/contracts/rapport/content/v1/template';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { AppError, canonicalLocale, currentCaller } from '@rapport/platform';
import { defaultLocale, defaultTimeZone } from '../../engine/query/workspace-time-zone.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import {
  runLiquid,
  type Fault,
  type RenderedTemplate,
  type TemplateRendering,
  type TemplateSource,
} from './render-liquid.js';
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
  const rendering = await renderingOf(source, values, texts.locale);
  const done = await runLiquid(currentCaller().tenantId, { source: sourceOf(texts), rendering });
  if ('rendered' in done) return done.rendered;
  throw invalidTemplate('faults' in done ? done.faults : []);
}

/**
 * Renders a published version with the values of each of several records.
 *
 * @returns the mails in their order, undefined for those that can not be rendered
 */
export async function renderEach(
  source: Source,
  texts: PublishedTemplate,
  batch: readonly object[],
): Promise<(RenderedTemplate | undefined)[]> {
  const common = await renderingOf(source, {}, texts.locale);
  const render = (values: readonly object[]) =>
    runLiquid(currentCaller().tenantId, { source: sourceOf(texts), rendering: { ...common, batch: values } });
  const mails: (RenderedTemplate | undefined)[] = [];
  for (let from = 0; from < batch.length; from += renderedAtOnce) {
    const values = batch.slice(from, from + renderedAtOnce);
    const done = await render(values);
    // One that takes too long fails the others with it, so each has a turn of its own then.
    const each = 'batch' in done ? [done] : await inTurn(values, (one) => render([one]));
    mails.push(...each.flatMap((one) => ('batch' in one ? one.batch : [one])).map((one) => mailIn(one)));
  }
  return mails;
}

/**
 * The values of a template, with the time zone of the workspace. Dates are written in the locale of the template, or else in the
 * language of the ticket among the values, or else in the locale of the workspace.
 */
export async function renderingOf(source: Source, values: object, locale?: string): Promise<TemplateRendering> {
  const settings = await settingsOf(source);
  return { values, timeZone: settings.timeZone, locale: locale ?? languageIn(values) ?? settings.locale };
}

/** Mails name any language as theirs, so a ticket can have one that is not known. */
function languageIn(values: { ticket?: { language?: string | undefined } }): string | undefined {
  const language = values.ticket?.language;
  return language === undefined ? undefined : canonicalLocale(language);
}

/** Within the deadline of a thread, on a busy machine too. */
const renderedAtOnce = 50;

async function inTurn<Item, Done>(items: readonly Item[], work: (item: Item) => Promise<Done>): Promise<Done[]> {
  const done: Done[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

function mailIn(done: object): RenderedTemplate | undefined {
  return 'rendered' in done ? (done.rendered as RenderedTemplate) : undefined;
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

async function settingsOf(source: Source): Promise<{ timeZone: string; locale: string }> {
  const [settings] = await queryRows<{ time_zone: string; locale: string }>(source, {
    name: 'settings_of_templates',
    sql: 'select time_zone, locale from workspace_settings where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  return { timeZone: settings?.time_zone ?? defaultTimeZone, locale: settings?.locale ?? defaultLocale };
}
