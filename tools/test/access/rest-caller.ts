import type { DescribedAnswers } from '../described-answers.ts';
import type { OperationRequest } from './requests.ts';

/** What a caller gets to see, without what tells two answers to the same question apart. */
export interface SeenAnswer {
  /** HTTP status, or the gRPC code. */
  status: number | string;
  /** The reason for programs, when it is a refusal. */
  reason: string | undefined;
  /** Everything else that came, as text. */
  rest: string;
  /** The body as it came, parsed when it is JSON. */
  body: unknown;
}

/** Headers of which only the presence is compared: times, counters, and a digest of the body, which is compared itself. */
const changing = ['date', 'etag', 'ratelimit', 'x-request-id', 'rapport-consistency-token'];

/**
 * Asks the edge at `url` with a request, and reads no more of a stream than its beginning.
 *
 * @throws Error when the answer is none that the document describes
 */
export async function askEdge(
  url: string,
  described: DescribedAnswers,
  { route, parts, file }: OperationRequest,
  authorization: string | undefined,
): Promise<SeenAnswer> {
  const body = file ?? (parts.body === undefined ? undefined : JSON.stringify(parts.body));
  const leave = new AbortController();
  const path = pathOf({ route, parts });
  const response = await fetch(url + path, {
    method: route.verb,
    headers: {
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { 'content-type': file === undefined ? 'application/json' : 'text/csv' }),
      ...(route.answerUsage === 'messages' && { accept: 'application/x-ndjson' }),
    },
    ...(body !== undefined && { body }),
    signal: leave.signal,
  });
  const isEndless = response.ok && route.answerUsage === 'messages';
  const text = isEndless ? '' : await response.text();
  if (isEndless) leave.abort();
  described.assertText(route.verb, path, response, text);
  return seen(response, text);
}

/** Path and query of a request. */
export function pathOf({ route, parts }: Pick<OperationRequest, 'route' | 'parts'>): string {
  const path = route.path.template.replace(/\{([^{}]+)\}/g, (_, name: string) =>
    encodeURIComponent(String(parts.params[name])),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts.query)) {
    for (const item of [value].flat()) query.append(name, String(item));
  }
  return `${path}?${query.toString()}`;
}

function seen(response: Response, text: string): SeenAnswer {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${changing.includes(name) ? '…' : value}`);
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const body = isProblem ? (JSON.parse(text) as { code: string; requestId: string }) : text;
  const told = typeof body === 'string' ? body : text.replace(body.requestId, '…');
  return {
    status: response.status,
    reason: typeof body === 'string' ? undefined : body.code,
    rest: [...headers, told].join('\n'),
    body,
  };
}
