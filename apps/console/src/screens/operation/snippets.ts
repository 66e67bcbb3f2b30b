import { consoleHeaders, problemOf, urlOf, type Problem } from '../../contract/api.ts';
import type { Json } from '../../contract/json.ts';
import type { Operation } from '../../contract/contract.ts';

/** One call of an operation. */
export interface Request {
  operation: Operation;
  parameters: Json;
  body?: unknown;
  file?: File;
}

/** Headers that the request has by its parameters and its body. */
function headersOf({ operation, parameters, body, file }: Request): Record<string, string> {
  const own = operation.parameters.filter(
    ({ in: place, name }) => place === 'header' && (parameters[name] ?? '') !== '',
  );
  return {
    ...Object.fromEntries(own.map(({ name }) => [name, String(parameters[name])])),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(file && { 'content-type': file.type || 'application/octet-stream' }),
    ...(operation.answerUsage === 'messages' && { accept: 'application/x-ndjson' }),
  };
}

/** The request as a command line, with the key in the environment. */
export function curlOf(request: Request): string {
  const { operation, body, file } = request;
  const lines = [
    `curl ${operation.verb === 'GET' ? '' : `-X ${operation.verb} `}${quoted(location.origin + templateUrl(request))}`,
    ...(operation.permission === '' ? [] : ['-H "Authorization: Bearer $RAPPORT_API_KEY"']),
    ...Object.entries(headersOf(request)).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`]),
    ...(file ? [`--data-binary ${quoted(`@${file.name}`)}`] : []),
  ];
  return lines.join(' \\\n  ');
}

/** The address of the request; a parameter of the path that is not known yet stays in braces. */
function templateUrl({ operation, parameters }: Request): string {
  const open = operation.parameters.filter(
    ({ in: place, name }) => place === 'path' && (parameters[name] ?? '') === '',
  );
  const names = Object.fromEntries(open.map(({ name }) => [name, `{${name}}`]));
  return urlOf(operation, { ...parameters, ...names }).replace(/%7B(\w+)%7D/g, '{$1}');
}

/** The request as a call of `@rapport/client`. */
export function typeScriptOf({ operation, parameters, body, file }: Request): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '' && value !== null);
  const input = {
    ...Object.fromEntries(given.map(([name, value]) => [camel(name), value])),
    ...(typeof body === 'object' && body !== null && body),
  };
  const text = literal(file ? { ...input, file: file.name } : input);
  const name = clientName(operation);
  if (operation.answerUsage === 'messages')
    return `for await (const message of rapport.${name}(${text})) {\n  console.log(message);\n}`;
  return `const answer = await rapport.${name}(${text});`;
}

/** Where the client has an operation: the collection of the path, and the verb with what the path adds. */
function clientName({ id, path }: Operation): string {
  const [steps = '', verb] = path.slice('/v1/'.length).split(':');
  const [collection = '', ...below] = steps.split('/').filter((step) => !step.startsWith('{'));
  const first = /^[a-z]+/.exec(id)?.[0] ?? id;
  if (collection === 'objects') return `objectRecords.${(verb ?? first) + below.slice(1).map(capital).join('')}`;
  return `${collection}.${verb ?? first + below.map(capital).join('')}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** An object as TypeScript writes it: names without quotes where they need none. */
function literal(value: Json): string {
  if (Object.keys(value).length === 0) return '';
  return JSON.stringify(value, undefined, 2).replace(/^( *)"([A-Za-z_]\w*)":/gm, '$1$2:');
}

/** The answer to a request, as far as it has come. */
export interface Exchange {
  /** 0 when no answer came. */
  status: number;
  headers: readonly (readonly [string, string])[];
  /** Until the head of the answer came. */
  ms: number;
  /** Body that is text; of a stream its lines so far. */
  text: string;
  file?: Blob;
  /** Whether more of a stream can come. */
  isOpen: boolean;
  problem?: Problem;
}

/** Sends a request and calls back with its answer; for a stream again with each part of it. */
export async function exchange(
  request: Request,
  signal: AbortSignal,
  onChange: (exchange: Exchange) => void,
): Promise<Exchange> {
  const { operation, parameters, body, file } = request;
  const start = performance.now();
  const response = await fetch(urlOf(operation, parameters), {
    method: operation.verb,
    headers: { ...consoleHeaders, ...headersOf(request) },
    signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(file && { body: file }),
  }).catch(() => undefined);
  const ms = Math.round(performance.now() - start);
  if (!response) return { status: 0, headers: [], ms, text: '', isOpen: false };
  const head = { status: response.status, headers: [...response.headers], ms };
  if (!response.ok) {
    const problem = await problemOf(response);
    return { ...head, text: JSON.stringify(problem.body, undefined, 2), isOpen: false, problem };
  }
  if (operation.answerUsage === 'file') return { ...head, text: '', file: await response.blob(), isOpen: false };
  if (operation.answerUsage === 'messages') return readLines(response, head, signal, onChange);
  return { ...head, text: pretty(await response.text()), isOpen: false };
}

async function readLines(
  response: Response,
  head: Pick<Exchange, 'status' | 'headers' | 'ms'>,
  signal: AbortSignal,
  onChange: (exchange: Exchange) => void,
): Promise<Exchange> {
  let text = '';
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
  try {
    for await (const part of (response.body ?? new ReadableStream()).pipeThrough(decoder)) {
      text = (text + part).slice(-100_000);
      onChange({ ...head, text, isOpen: true });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { ...head, text, isOpen: false };
}

function pretty(text: string): string {
  return text.startsWith('{') ? JSON.stringify(JSON.parse(text), undefined, 2) : text;
}
