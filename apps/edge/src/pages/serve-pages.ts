import { costOf, type PageRoute } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { AppError, blockOf, cutText, pageHeadersOf, type PageSources } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EdgeCache } from '../cache/edge-cache.js';
import { tagsOfChange } from '../cache/tags.js';
import { clientGone } from '../calls/call-ends.js';
import { requestDeadlineMs } from '../calls/peer-client.js';
import type { ServiceClients } from '../calls/service-clients.js';
import { asAppError } from '../http/handle-error.js';
import { problemHeaders, toProblem } from '../http/problem.js';
import { clientOf } from '../http/request-head.js';
import type { PublicLimits } from '../limits/public-limits.js';
import { problemPage } from './problem-page.js';
import { isFromProgram } from './reading-programs.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The contract's page, on every route that has one. */
    page?: PageRoute;
  }
}

export interface PageParts {
  clients: ServiceClients;
  cache: Pick<EdgeCache, 'invalidations'>;
  limits: PublicLimits;
}

/** Most characters of a parameter. A longer one is cut: it must not make the page fail. */
const longestValue = 200;

/** Content type of the forms of pages. */
const formType = 'application/x-www-form-urlencoded';

/** The other content type that a one-click unsubscription can have (RFC 8058, section 3.2). */
const partsType = 'multipart/form-data';

/**
 * Serves the public pages of the contract. They share nothing with the API: no credential, cookie or origin is read, every answer is a
 * page for people or what the service sends, and their limits are their own.
 */
export async function servePages(
  server: FastifyInstance,
  routes: readonly PageRoute[],
  parts: PageParts,
): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(formType, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addContentTypeParser(partsType, { parseAs: 'buffer' }, ({ routeOptions }, body, done) => {
      const isTaken = routeOptions.config.page?.isOneClick === true;
      done(isTaken ? null : new AppError('INVALID_ARGUMENT', 'CONTENT_TYPE_UNSUPPORTED', 'Send a form.'), body);
    });
    scope.addHook('onRequest', (_request, reply, done) => {
      void reply.headers(pageHeadersOf());
      done();
    });
    scope.setErrorHandler(answerError);
    for (const route of routes) addPage(scope, route, parts);
    for (const [url, verbs] of verbsByPath(routes)) {
      const allow = [...verbs, ...(verbs.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ');
      scope.options(url, async (_request, reply) => reply.code(204).header('allow', allow).send());
    }
  });
}

/** The first steps of the paths of pages, such as `q`. */
export function firstSteps(routes: readonly PageRoute[]): string[] {
  return [...new Set(routes.map(({ path }) => path.template.split('/')[1] ?? ''))];
}

function addPage(scope: FastifyInstance, route: PageRoute, { clients, cache, limits }: PageParts): void {
  const { method, verb, path, form, site } = route;
  const client = clients.for(method.path);
  scope.route({
    method: verb,
    url: path.pattern,
    config: { page: route },
    ...(form && { bodyLimit: form.maxBytes }),
    // Before its body is read.
    onRequest: async (request) => limits.charge(request.ip, linkOf(request, route), costOf(method)),
    handler: async (request, reply) => {
      const leave = limits.enter(request.ip);
      const end = new AbortController();
      reply.raw.once('close', () => {
        leave();
        if (!reply.raw.writableFinished) end.abort(clientGone());
      });
      const context = { requestId: request.id, principalToken: undefined, client: clientOf(request) };
      const deadlineMs = Math.max(1, requestDeadlineMs(method) - reply.elapsedTime);
      const options = { context, deadlineMs, signal: end.signal };
      const answer = (await client.unary(method.path, messageOf(request, route), options)) as HttpBody;
      const headers = headersOf(answer);
      // The tenant is known from the answer only: after a failure, the change log invalidates what was changed nevertheless.
      const tenant = headers.get('tenant');
      const types = tenant === undefined ? [] : method.policy.invalidates;
      await cache.invalidations.invalidate(types.flatMap((type) => tagsOfChange(tenant ?? '', type, undefined)));
      return send(reply, { verb, sharedSeconds: site?.sharedSeconds ?? 0 }, answer, headers);
    },
  });
}

function tokenOf({ params }: FastifyRequest, name: string): string {
  return (params as Readonly<Record<string, string>>)[name] ?? '';
}

/** What a rate is limited for: a link; of a site, which has many readers, the link and the block of addresses. */
function linkOf(request: FastifyRequest, { token, site }: PageRoute): string {
  const link = tokenOf(request, token);
  return site ? `${link} ${blockOf(request.ip)}` : link;
}

/** A parameter of a query. One that is there twice has its first value. */
function valueIn(query: unknown, name: string): string | undefined {
  const value = (query as Readonly<Record<string, string | string[] | undefined>>)[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? undefined : cutText(first, longestValue);
}

function messageOf(
  request: FastifyRequest,
  { token, language, fromProgram, form, site }: PageRoute,
): Record<string, unknown> {
  const { headers, body, query } = request;
  const accepted = headers['accept-language'];
  return {
    [token]: tokenOf(request, token),
    ...Object.fromEntries((site?.inPath ?? []).map((name) => [name, cutText(tokenOf(request, name), longestValue)])),
    ...Object.fromEntries((site?.inQuery ?? []).map((name) => [name, valueIn(query, name)])),
    // A longer one is cut: it must not make the page fail.
    ...(language !== undefined && { [language]: accepted?.slice(0, 500) }),
    ...(fromProgram !== undefined && { [fromProgram]: isFromProgram(request) }),
    ...(form && {
      [form.name]: { contentType: contentTypeOf(headers), data: body ?? new Uint8Array(), extensions: [] },
    }),
  };
}

function contentTypeOf({ 'content-type': given = '' }: FastifyRequest['headers']): string {
  return given.toLowerCase().startsWith(partsType) ? partsType : formType;
}

/** Mail clients in browsers show the images of mails within their own pages. */
const shownElsewhere = { 'cross-origin-resource-policy': 'cross-origin' };

/** The headers that a service may set, with the form of their values. */
const headerForms: Readonly<Record<string, RegExp>> = {
  ':status': /^4\d\d$/,
  // Browsers read a backslash like a slash. A scheme may be in capitals: RFC 3986, section 3.1.
  location: /^(?:https?:\/\/|\/(?![/\\]))[\x21-\x7e]{1,2000}$/i,
  'style-hash': /^sha256-[A-Za-z0-9+/]{43}=$/,
  'script-hash': /^sha256-[A-Za-z0-9+/]{43}=$/,
  'form-action': /^https:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?$/,
  'content-disposition': /^[\x20-\x7e]{1,500}$/,
  tenant: /^[0-9a-f-]{36}$/,
};

function headersOf({ extensions }: HttpBody): ReadonlyMap<string, string> {
  const headers = extensions
    .filter(({ typeUrl }) => typeUrl.endsWith('/rapport.api.v1.HttpHeader'))
    .map(({ value }) => HttpHeader.decode(value))
    .filter(({ name, value }) => headerForms[name]?.test(value));
  return new Map(headers.map(({ name, value }) => [name, value]));
}

function send(
  reply: FastifyReply,
  { verb, sharedSeconds }: { verb: string; sharedSeconds: number },
  answer: HttpBody,
  headers: ReadonlyMap<string, string>,
): FastifyReply {
  const location = headers.get('location');
  if (location !== undefined) {
    // A form is not sent again to where it leads: RFC 9110, section 15.4.4.
    return reply
      .code(verb === 'POST' ? 303 : 302)
      .header('location', location)
      .send();
  }
  const disposition = headers.get('content-disposition');
  if (disposition !== undefined) void reply.header('content-disposition', disposition);
  return reply
    .code(Number(headers.get(':status') ?? 200))
    .headers({ ...pageHeadersOf(sourcesOf(headers)), ...cachingOf(verb, sharedSeconds) })
    .headers(answer.contentType.startsWith('image/') ? shownElsewhere : {})
    .type(answer.contentType)
    .send(Buffer.from(answer.data));
}

function sourcesOf(headers: ReadonlyMap<string, string>): PageSources {
  const [styleHash, scriptHash, formAction] = ['style-hash', 'script-hash', 'form-action'].map((name) =>
    headers.get(name),
  );
  return { styleHash, scriptHash, formAction };
}

function cachingOf(verb: string, sharedSeconds: number): Readonly<Record<string, string>> {
  const isShared = verb === 'GET' && sharedSeconds > 0;
  return isShared ? { 'cache-control': `public, max-age=${sharedSeconds}` } : {};
}

/** Answers an error as a page. What it says depends on the status only. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = asAppError(error, request);
  request.isShed = refusal.code === 'RESOURCE_EXHAUSTED' || refusal.reason === 'OVERLOADED';
  const { status } = toProblem(refusal, request.id);
  const { text, styleHash } = problemPage(status, request.headers['accept-language']);
  return reply
    .code(status)
    .headers({ ...pageHeadersOf({ styleHash }), ...problemHeaders(refusal) })
    .type('text/html; charset=utf-8')
    .send(text);
}

function verbsByPath(routes: readonly PageRoute[]): Map<string, string[]> {
  const verbs = new Map<string, string[]>();
  for (const { path, verb } of routes) verbs.set(path.pattern, [...(verbs.get(path.pattern) ?? []), verb]);
  return verbs;
}
