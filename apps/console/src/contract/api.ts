import {
  infiniteQueryOptions,
  keepPreviousData,
  QueryClient,
  useQuery,
  useSuspenseInfiniteQuery,
  type Query,
  type QueryFunctionContext,
} from '@tanstack/react-query';
import { isContractLoaded, loadSentences, theContract, type Operation, type Resource } from './contract.ts';
import { itemsAt, type Json, textAt } from './json.ts';

interface CallOptions {
  body?: unknown;
  /** Raw bytes of a body that is a file. */
  file?: Blob;
  /** Etag that the record must still have; an empty one of a resource without etags. */
  ifMatch?: string;
  signal?: AbortSignal;
}

/** An RFC 9457 problem: a refusal, or a part of an answer. */
export class Problem extends Error {
  /** Such as `FILTER_SYNTAX`; `NETWORK` when no answer came. */
  readonly code: string;
  /** Faults of single values, by their JSON pointers into the body or the parameters. */
  readonly errors: readonly ValueFault[];

  constructor(
    readonly status: number,
    readonly body: Json,
    readonly requestId?: string,
    /** Seconds after which the call may succeed. */
    readonly retryAfter?: number,
  ) {
    super(textAt(body, 'detail'));
    this.code = textAt(body, 'code') || `HTTP_${status}`;
    this.errors = (body.errors ?? []) as readonly ValueFault[];
  }
}

export interface ValueFault {
  in: 'body' | 'path' | 'query' | 'header';
  pointer: string;
  code: string;
  detail: string;
}

/** Headers that show a call of the console, which no page of another origin can set. */
export const consoleHeaders = { 'Rapport-Console': '1' };

/** Writes that have not succeeded, by target: one under way is not sent twice, and its next try has the same idempotency key. */
const writes = new Map<string, { asked: string; key: string; answer?: Promise<unknown> | undefined }>();

/** Calls an operation. @throws Problem */
export async function call<Answer = Json>(
  id: string,
  parameters: Json = {},
  options: CallOptions = {},
): Promise<Answer> {
  const operation = theContract().operation(id);
  const exchange = async (key?: string) => {
    const response = await send(operation, parameters, options, key);
    return (hasJson(response) ? await response.json() : {}) as Answer;
  };
  if (operation.verb === 'GET' || options.file || options.signal) return exchange();
  const target = JSON.stringify(parameters);
  const asked = id + JSON.stringify(options);
  let write = writes.get(target);
  if (write?.asked !== asked) writes.set(target, (write = { asked, key: crypto.randomUUID() }));
  try {
    const answer = await (write.answer ??= exchange(write.key));
    if (writes.get(target) === write) writes.delete(target);
    return answer as Answer;
  } finally {
    write.answer = undefined;
  }
}

/** The answer of an operation that gives a file. @throws Problem */
export async function download(id: string, parameters: Json = {}): Promise<Blob> {
  return (await send(theContract().operation(id), parameters, {})).blob();
}

/** The messages of a stream, until it ends or the signal aborts it. @throws Problem */
export async function* stream<Message = Json>(
  id: string,
  parameters: Json,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const operation = theContract().operation(id);
  const response = await send(operation, parameters, { signal }, undefined, 'application/x-ndjson');
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>;
  let rest = '';
  for await (const text of (response.body ?? new ReadableStream()).pipeThrough(decoder)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as Message;
  }
}

/**
 * Reads a stream as long as the signal allows. One that breaks or ends is opened again, later each time.
 *
 * @param parameters of the next opening
 * @param goesOn asked at each end, with its problem and the milliseconds until the next opening
 */
export async function follow<Message = Json>(
  id: string,
  parameters: () => Json,
  signal: AbortSignal,
  onMessage: (message: Message) => void,
  goesOn: (problem: unknown, waitMs: number) => boolean,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    let problem: unknown;
    try {
      for await (const message of stream<Message>(id, parameters(), signal)) {
        failures = 0;
        onMessage(message);
      }
    } catch (error) {
      problem = error;
    }
    const waitMs = Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    if (signal.aborted || !goesOn(problem, waitMs)) return;
    await new Promise((resolve) => {
      setTimeout(resolve, waitMs);
      signal.addEventListener('abort', resolve, { once: true });
    });
  }
}

/** The path and query of a call, with every parameter of the path in place. */
export function urlOf({ path, parameters: known }: Operation, parameters: Json): string {
  const query = new URLSearchParams();
  for (const { name, in: place } of known) {
    const value = parameters[name];
    if (place !== 'query' || value === undefined || value === '') continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const filled = path.replace(/\{([^{}]*)\}/g, (_, name: string) => encodeURIComponent(textAt(parameters, name)));
  return query.size > 0 ? `${filled}?${query}` : filled;
}

async function send(
  operation: Operation,
  parameters: Json,
  { body, file, ifMatch, signal }: CallOptions,
  key: string = crypto.randomUUID(),
  accept?: string,
): Promise<Response> {
  const request: RequestInit = {
    method: operation.verb,
    headers: {
      ...consoleHeaders,
      ...(accept !== undefined && { Accept: accept }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(file && { 'Content-Type': file.type || 'application/octet-stream' }),
      ...(ifMatch && { 'If-Match': ifMatch }),
      ...(operation.verb === 'POST' && { 'Idempotency-Key': key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(file && { body: file }),
    ...(signal && { signal }),
  };
  const response = await fetch(urlOf(operation, parameters), request).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Problem(0, { code: 'NETWORK', detail: 'The server did not answer.' });
  });
  if (response.ok) return response;
  throw await problemOf(response);
}

/** The problem that an answer is. */
export async function problemOf(response: Response): Promise<Problem> {
  const body = hasJson(response) ? ((await response.json()) as Json) : {};
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new Problem(
    response.status,
    { detail: response.statusText, ...body },
    response.headers.get('x-request-id') ?? undefined,
    Number.isFinite(after) ? after : undefined,
  );
}

function hasJson({ status, headers }: Response): boolean {
  return status !== 204 && headers.get('content-type')?.includes('json') === true;
}

/** How often what no change of a record announces is asked again, in milliseconds. */
const ledgerMs = 5_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    // Without a connection a call fails, and the screen says so, in place of waiting without a word.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      refetchOnReconnect: true,
      staleTime: 10_000,
      // What the request itself causes fails again.
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: false,
      refetchInterval: ({ queryKey: [collection] }) => (isLedger(collection) ? ledgerMs : false),
    },
  },
});

interface ReadQuery<Answer> {
  queryKey: unknown[];
  queryFn: (context: QueryFunctionContext) => Promise<Answer>;
  enabled: boolean;
}

/**
 * The answer of a read. Its key begins with the collection of the operation, such as `customers`, so that a change of one of its
 * records can invalidate it.
 *
 * @param enabled whether it is asked at all
 */
export function readQuery<Answer = Json>(id: string, parameters: Json = {}, enabled = true): ReadQuery<Answer> {
  return {
    queryKey: [collectionOf(id), id, parameters],
    queryFn: ({ signal }) => call<Answer>(id, parameters, { signal }),
    enabled,
  };
}

export interface Page {
  items: Json[];
  nextPageToken: string;
  totalSize?: number;
}

/** The pages of a list, each with at most 100 items. */
export function listQuery(resource: Resource, parameters: Json = {}) {
  return infiniteQueryOptions({
    queryKey: [collectionOf(resource.list), resource.list, 'pages', parameters],
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const page = theContract().hasParameter(resource.list, 'pageSize') ? { pageSize: 100, pageToken: pageParam } : {};
      const answer = await call(resource.list, { ...page, ...parameters }, { signal });
      const total = answer.totalSize;
      return {
        items: itemsAt(answer, resource.items),
        nextPageToken: textAt(answer, 'nextPageToken'),
        ...(typeof total === 'number' && { totalSize: total }),
      };
    },
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
    placeholderData: keepPreviousData,
  });
}

/** All items of a collection that are read so far. The screen waits for the first page. */
export function useItems(name: string): { items: Json[]; more: (() => void) | undefined } {
  const resource = theContract().resource(name);
  if (!resource) throw new Error(`The contract has no ${name}.`);
  const { data, hasNextPage, fetchNextPage } = useSuspenseInfiniteQuery(listQuery(resource));
  return {
    items: data.pages.flatMap(({ items }) => items),
    more: hasNextPage ? () => void fetchNextPage() : undefined,
  };
}

/** The first part of the path below `/v1/`, without a verb: `customers` of `/v1/customers/{id}:merge`. */
function collectionOf(id: string): string {
  const [, collection = ''] = /^\/v1\/([^/:]+)/.exec(theContract().operation(id).path) ?? [];
  return collection;
}

/** Whether only the server writes the items of a collection, such as deliveries. The change feed does not have them. */
function isLedger(collection: unknown): boolean {
  if (typeof collection !== 'string' || !isContractLoaded()) return false;
  const resource = theContract().resource(collection);
  return resource !== undefined && !resource.isRecord && resource.update === undefined && resource.create === undefined;
}

/** Shows a part of the screen again once the sentences of the contract are there. */
export function useSentences(): void {
  useQuery({ queryKey: ['', 'sentences'], queryFn: loadSentences, staleTime: Infinity });
}

/** Has the reads of a collection asked again. @param name such as `customers` or `objects/{object}/records` */
export async function invalidate(name: string): Promise<void> {
  const reads = { queryKey: [name.split('/')[0]] };
  // TanStack Query does not begin the first load of a read again, though it may have read before the change.
  const firstLoads = queryClient
    .getQueryCache()
    .findAll({ ...reads, fetchStatus: 'fetching', predicate: ({ state }) => state.data === undefined });
  await queryClient.invalidateQueries(reads);
  await Promise.all(firstLoads.map((query) => readAgain(query)));
}

async function readAgain(query: Query): Promise<void> {
  await Promise.allSettled([query.promise]);
  await queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
}
