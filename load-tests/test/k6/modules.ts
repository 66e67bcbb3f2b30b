import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callAndWait } from './call-and-wait.ts';
import { grpcModule } from './grpc.ts';
import type { Request } from './send-request.ts';

/** A check that was made. */
export interface CheckResult {
  name: string;
  passed: boolean;
}

/** Whether the script is being loaded, when k6 makes no calls, and the checks made since. */
export interface Stage {
  isInit: boolean;
  results: CheckResult[];
}

interface HttpParams {
  headers?: Record<string, string>;
  tags?: Record<string, string>;
}

/** The supported fields of k6's `Params`: k6 would ignore any other, which is a mistake. */
const knownParams = [
  ...['auth', 'compression', 'cookies', 'headers', 'jar', 'redirects', 'responseCallback', 'responseType', 'tags'],
  'timeout',
];

/** Stand-ins for the k6 modules of our scripts, whose calls are synchronous, as k6's are. */
export function k6Modules(
  stage: Stage,
  root: string,
): { modules: Record<string, unknown>; open: (path: string) => string } {
  const request = (method: string, url: string, body?: string | Record<string, string>, params: HttpParams = {}) => {
    if (stage.isInit) throw new Error('k6 makes no requests while it loads a script.');
    const unknown = Object.keys(params).filter((name) => !knownParams.includes(name));
    if (unknown.length > 0) throw new Error(`k6's HTTP has no ${unknown.join(', ')}.`);
    return send(encode({ method, url, body, headers: params.headers ?? {} }));
  };
  const http = {
    get: (url: string, params?: HttpParams) => request('GET', url, undefined, params),
    post: (url: string, body?: string | Record<string, string>, params?: HttpParams) =>
      request('POST', url, body, params),
    request,
  };
  return {
    modules: {
      k6: { check: checker(stage), sleep },
      'k6/http': moduleOf(http),
      'k6/encoding': moduleOf({ b64encode: (text: string) => Buffer.from(text).toString('base64') }),
      'k6/net/grpc': moduleOf(grpcModule(stage, root)),
    },
    open(path) {
      if (!stage.isInit) throw new Error('k6 opens files only while it loads a script.');
      return readFileSync(join('/', path), 'utf8');
    },
  };
}

function checker(stage: Stage) {
  return <Value>(value: Value, checks: Record<string, (value: Value) => boolean>): boolean => {
    const made = Object.entries(checks).map(([name, isMet]) => ({ name, passed: isMet(value) }));
    stage.results.push(...made);
    return made.every(({ passed }) => passed);
  };
}

/** Does not wait. */
function sleep(seconds: number): void {
  if (!(seconds >= 0)) throw new Error(`sleep(${seconds})`);
}

/** k6 sends an object as a form. */
function encode(request: Omit<Request, 'body'> & { body: string | Record<string, string> | undefined }): Request {
  if (typeof request.body !== 'object') return { ...request, body: request.body };
  return {
    ...request,
    body: new URLSearchParams(request.body).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...request.headers },
  };
}

function send(request: Request) {
  const answer = callAndWait({ kind: 'http', request });
  return {
    ...answer,
    json(selector?: string): unknown {
      const body = JSON.parse(answer.body ?? '') as Record<string, unknown>;
      return selector === undefined ? body : body[selector];
    },
  };
}

/** With its functions as named exports too, as k6's modules have them. */
function moduleOf<Functions extends object>(functions: Functions) {
  return { ...functions, default: functions, __esModule: true };
}
