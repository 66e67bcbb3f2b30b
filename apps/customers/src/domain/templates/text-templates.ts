import type { EntityManager } from '@mikro-orm/postgresql';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { checkTemplate } from './check-template.js';
import { runLiquid, type Fault } from './render-liquid.js';
import { renderingOf } from './render-template.js';

/** Whether a text has placeholders or tags of Liquid. */
export function isTemplate(text: string): boolean {
  return /\{[{%]/.test(text);
}

/** Why the text of a field is no valid template; undefined for a valid one. */
export async function templateViolation(field: string, text: string): Promise<FieldViolation | undefined> {
  if (!isTemplate(text)) return undefined;
  const done = await checkTemplate({ isHtml: false, body: text });
  return 'faults' in done ? violation(field, done.faults) : undefined;
}

/**
 * Renders the text of a field as the plain text of a template.
 *
 * @param values JSON by name, such as `{ customer, ticket }` of `recordValue`
 * @throws AppError INVALID_ARGUMENT with the field error TEMPLATE_INVALID
 */
export async function renderText(
  source: EntityManager | StatementTransaction,
  { field, text }: { field: string; text: string },
  values: object,
): Promise<string> {
  const rendering = await renderingOf(source, values);
  const done = await runLiquid(currentCaller().tenantId, { source: { isHtml: false, body: text }, rendering });
  if ('rendered' in done) return done.rendered.text;
  throw invalidArgument([violation(field, 'faults' in done ? done.faults : [])]);
}

function violation(field: string, [fault]: readonly Fault[]): FieldViolation {
  const place = fault && fault.line > 0 ? ` (line ${fault.line}, column ${fault.column})` : '';
  return { field, reason: 'TEMPLATE_INVALID', description: `is no valid template: ${fault?.message}${place}` };
}
