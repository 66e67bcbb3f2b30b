// Runs in a worker thread: checks or renders one template after the other, each within its limits.
import { parentPort } from 'node:worker_threads';
import { convert } from 'html-to-text';
import { Liquid, type Template } from 'liquidjs';

/** The texts of a template. */
export interface TemplateSource {
  isHtml: boolean;
  subject?: string | undefined;
  body: string;
  textBody?: string | undefined;
}

/** What a template shows, and how. Only checked without `rendering`. */
export interface TemplateJob {
  source: TemplateSource;
  rendering?: { values: object; timeZone: string; locale: string } | undefined;
}

export interface Fault {
  field: 'subject' | 'body' | 'textBody';
  line: number;
  column: number;
  message: string;
}

export interface RenderedTemplate {
  subject?: string | undefined;
  text: string;
  html?: string | undefined;
}

export type TemplateDone = { faults: Fault[] } | { variables: string[] } | { rendered: RenderedTemplate };

const maxLength = 500_000;

const limits = { parseLimit: 200_000, renderLimit: 500, memoryLimit: 5_000_000 };

/** Tags that read other templates, and a filter that keeps a value from being escaped. */
const refused = { tags: ['include', 'render', 'layout', 'block'], filters: ['raw'] };

class TemplateFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

parentPort?.on('message', (job: TemplateJob) => parentPort?.postMessage(work(job)));
parentPort?.postMessage('ready');

function work({ source, rendering }: TemplateJob): TemplateDone {
  const engines = { text: engineFor(false, rendering), body: engineFor(source.isHtml, rendering) };
  const parts = [
    { field: 'subject', text: source.subject, engine: engines.text },
    { field: 'body', text: source.body, engine: engines.body },
    { field: 'textBody', text: source.textBody, engine: engines.text },
  ] as const;
  const faults: Fault[] = [];
  const parsed = parts.map(({ field, text, engine }) => {
    try {
      return text === undefined ? undefined : engine.parse(text);
    } catch (error) {
      faults.push(faultOf(field, error));
      return undefined;
    }
  });
  if (faults.length > 0) return { faults };
  const names = new Set(parsed.flatMap((each, index) => (each ? variablesOf(parts[index]!.engine, each) : [])));
  if (!rendering) return { variables: [...names].toSorted() };
  try {
    const [subject, body = '', textBody] = parts.map(({ field, engine }, index) =>
      rendered(field, engine, parsed[index], rendering.values),
    );
    return { rendered: mailOf(source, { subject, body, textBody }) };
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    return { faults: [error.fault] };
  }
}

function engineFor(isHtml: boolean, rendering: TemplateJob['rendering']): Liquid {
  const engine = new Liquid({
    ...limits,
    ...{ templates: {}, strictFilters: true, ownPropertyOnly: true, locale: rendering?.locale ?? 'en' },
    ...{ timezoneOffset: rendering?.timeZone ?? 'UTC', ...(isHtml && { outputEscape: 'escape' as const }) },
  });
  for (const tag of refused.tags) delete engine.tags[tag];
  for (const filter of refused.filters) delete engine.filters[filter];
  if (!isHtml) return engine;
  engine.registerFilter('escape', { raw: true, handler: escaped });
  engine.registerFilter('lines', { raw: true, handler: (value) => escaped(value).replaceAll(/\r?\n/g, '<br>\n') });
  return engine;
}

function escaped(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

const entities: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;' },
  ...{ '"': '&#34;', "'": '&#39;' },
};

function variablesOf(engine: Liquid, parsed: Template[]): string[] {
  return engine.globalFullVariablesSync(parsed);
}

/** @throws TemplateFault */
function rendered(
  field: Fault['field'],
  engine: Liquid,
  parsed: Template[] | undefined,
  values: object,
): string | undefined {
  if (!parsed) return undefined;
  let text: string;
  try {
    text = engine.renderSync(parsed, values) as string;
  } catch (error) {
    throw new TemplateFault(faultOf(field, error));
  }
  if (text.length <= maxLength) return text;
  throw new TemplateFault({ field, line: 0, column: 0, message: `The result has more than ${maxLength} characters.` });
}

function mailOf(
  { isHtml }: TemplateSource,
  { subject, body, textBody }: { subject: string | undefined; body: string; textBody: string | undefined },
): RenderedTemplate {
  // A header is one line.
  const line = subject
    ?.replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 998);
  if (!isHtml) return { subject: line, text: body };
  return { subject: line, text: textBody ?? plainText(body), html: body };
}

function plainText(html: string): string {
  return convert(html, { wordwrap: false, limits: { maxInputLength: maxLength, maxDepth: 50 } });
}

function faultOf(field: Fault['field'], error: unknown): Fault {
  const { message = '', token } = error as { message?: string; token?: { getPosition?: () => [number, number] } };
  const [line, column] = token?.getPosition?.() ?? [0, 0];
  return { field, line, column, message: message.replace(/, line:\d+, col:\d+$/, '').slice(0, 500) };
}
