// Runs in a worker thread: checks or renders one template after the other, each within its limits.
import { parentPort } from 'node:worker_threads';
import { convert } from 'html-to-text';
import { Liquid, type Template } from 'liquidjs';
import type { ParserError } from 'mrml';
import { cutText } from '@rapport/platform';

/** The texts of a template. */
export interface TemplateSource {
  isHtml: boolean;
  /** Whether the body is MJML, which becomes HTML first. */
  isMjml?: boolean;
  subject?: string | undefined;
  body: string;
  textBody?: string | undefined;
}

/** What a template shows, and how. Only checked without `rendering`. */
export interface TemplateJob {
  source: TemplateSource;
  rendering?: TemplateRendering | undefined;
}

export interface TemplateRendering {
  values: object;
  timeZone: string;
  locale: string;
  /** Values of several renderings in place of `values`: the template is parsed once, and the answer is a `batch`. */
  batch?: readonly object[] | undefined;
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

type Rendering = { faults: Fault[] } | { rendered: RenderedTemplate };

/** A value that a template shows, and where. */
export interface FoundValue extends Omit<Fault, 'message'> {
  /** Such as `customer.emails[0].address`. */
  name: string;
  /** Steps of the name, such as `customer` and `emails`. Empty for one that is not known before it is rendered. */
  segments: string[];
}

export interface CheckedTemplate {
  /** Names of the values that the template shows, sorted. */
  variables: string[];
  /** The same, where each is first shown. */
  found: FoundValue[];
  /** What MJML was compiled to. */
  html?: string;
}

export type TemplateDone = Rendering | CheckedTemplate | { batch: Rendering[] };

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

// An error that is no fault of the template ends the thread.
parentPort?.on('message', (job: TemplateJob) => {
  void compileAndWork(job).then((done) => parentPort?.postMessage(done));
});
parentPort?.postMessage('ready');

async function compileAndWork(job: TemplateJob): Promise<TemplateDone> {
  if (job.source.isMjml !== true) return work(job);
  // Before the compiler moves the places of its faults.
  const checked = work({ source: job.source });
  if ('faults' in checked) return checked;
  const compiled = await compileMjml(job.source.body);
  if ('fault' in compiled) return { faults: [compiled.fault] };
  const { html } = compiled;
  if (html.length > maxLength) return { faults: [tooLong('body')] };
  const done = work({ ...job, source: { ...job.source, body: html } });
  return 'variables' in done ? { ...done, ...('found' in checked && { found: checked.found }), html } : done;
}

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
  if (!rendering) {
    const found = parts.flatMap(({ field, engine }, index) => foundIn(field, engine, parsed[index]));
    const byName = new Map(found.toReversed().map((each) => [each.name, each]));
    return { variables: [...byName.keys()].toSorted(), found: [...byName.values()].toReversed() };
  }
  const render = (values: object): Rendering => {
    try {
      const [subject, body = '', textBody] = parts.map(({ field, engine }, index) =>
        rendered(field, engine, parsed[index], values),
      );
      return { rendered: mailOf(source, { subject, body, textBody }) };
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      return { faults: [error.fault] };
    }
  };
  return rendering.batch ? { batch: rendering.batch.map((values) => render(values)) } : render(rendering.values);
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

function foundIn(field: Fault['field'], engine: Liquid, parsed: Template[] = []): FoundValue[] {
  const values = Object.values(engine.analyzeSync(parsed).globals).flat();
  return values.map((value) => ({
    field,
    name: String(value),
    // A step may be the value of another one: `customer[field]`.
    segments: value.segments.map((segment) => (typeof segment === 'string' ? segment : '')),
    line: value.location.row,
    column: value.location.col,
  }));
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
  throw new TemplateFault(tooLong(field));
}

function tooLong(field: Fault['field']): Fault {
  return { field, line: 0, column: 0, message: `The result has more than ${maxLength} characters.` };
}

function mailOf(
  { isHtml }: TemplateSource,
  { subject, body, textBody }: { subject: string | undefined; body: string; textBody: string | undefined },
): RenderedTemplate {
  // A header is one line.
  const line = subject === undefined ? undefined : cutText(subject.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim(), 998);
  if (!isHtml) return { subject: line, text: body };
  return { subject: line, text: textBody ?? plainText(body), html: body };
}

function plainText(html: string): string {
  return convert(html, { wordwrap: false, limits: { maxInputLength: maxLength, maxDepth: 50 } });
}

function faultOf(field: Fault['field'], error: unknown): Fault {
  const { message = '', token } = error as { message?: string; token?: { getPosition?: () => [number, number] } };
  const [line, column] = token?.getPosition?.() ?? [0, 0];
  return { field, line, column, message: cutText(message.replace(/, line:\d+, col:\d+$/, ''), 500) };
}

/**
 * Compiles MJML with placeholders to HTML. It runs in a thread with limits: a template that exhausts the stack of the compiler leaves it
 * unusable, so that the error ends the thread.
 *
 * The compiler (mrml, a port of MJML) is WebAssembly without imports of files and sockets, and includes have no loader: both are refused.
 */
async function compileMjml(body: string): Promise<{ html: string } | { fault: Fault }> {
  // It is large, and most templates are not MJML.
  const { Engine } = await import('mrml');
  const engine = new Engine();
  // A mail that loads fonts of other sites reveals its readers to them.
  engine.setRenderOptions({ disableComments: true, fonts: {}, socialIconOrigin: null });
  const result = engine.toHtml(body);
  engine.free();
  if (result.type === 'success') return { html: result.content };
  const details = result.origin === 'parser' ? result.details : undefined;
  return { fault: { field: 'body', ...placeOf(body, details), message: messageOf(result.message, details) } };
}

function placeOf(body: string, details: ParserError | undefined): Pick<Fault, 'line' | 'column'> {
  if (!details || !('position' in details)) return { line: 0, column: 0 };
  const before = Buffer.from(body).subarray(0, details.position.start).toString().split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function messageOf(message: string, details: ParserError | undefined): string {
  if (details?.type === 'include-loader-error') return 'Includes are not allowed.';
  return cutText(details?.type === 'parser-error' ? details.source : message, 500);
}
