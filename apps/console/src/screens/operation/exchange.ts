import { consoleHeaders, problemOf, urlOf, type Problem } from '../../contract/api.ts';
import { headersOf, type Request } from './snippets.ts';

/** The answer to a request, as far as it has come. */
export interface Exchange {
  /** 0 when no answer came. */
  status: number;
  headers: readonly (readonly [string, string])[];
  /** Until the head of the answer came. */
  ms: number;
  /** Body that is text; of a stream its lines so far. */
  text: string;
  /** Body that is a file. */
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
