import type { DescribedAnswers } from '../described-answers.ts';
import { fileTypeOf, type OperationRequest } from './requests.ts';

/** An answer as callers see it, without the parts that differ between equal requests. */
export interface SeenAnswer {
  /** HTTP status, or the gRPC code. */
  status: number | string;
  /** The error code of a refusal. */
  reason: string | undefined;
  /** The rest of the answer, as text. */
  rest: string;
  /** The body, parsed if it is JSON. */
  body: unknown;
}

/** Headers of which only the presence is compared: times, counters, and a digest of the body, which is compared itself. */
const changing = ['date', 'etag', 'ratelimit', 'x-request-id', 'rapport-consistency-token'];

/**
 * Sends a request to the edge at `url`, and reads only the beginning of a stream.
 *
 * @throws Error when the document does not describe the answer
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
      ...(body !== undefined && { 'content-type': file === undefined ? 'application/json' : fileTypeOf(route) }),
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
  const described = typeof body === 'string' ? body : text.replace(body.requestId, '…');
  return {
    status: response.status,
    reason: typeof body === 'string' ? undefined : body.code,
    rest: [...headers, described].join('\n'),
    body,
  };
}
