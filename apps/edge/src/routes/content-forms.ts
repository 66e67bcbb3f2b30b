import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '@rapport/platform';
import type { FastifyBodyParser, FastifyInstance } from 'fastify';
import { headOf } from '../http/request-head.js';

/** JSON Merge Patch, RFC 7396. */
const mergePatch = 'application/merge-patch+json';

/**
 * Accepts JSON in a scope. Many clients send its content type with each POST, with or without a body: an empty body counts
 * as none, unless the route needs one.
 */
export function readJsonBodies(scope: FastifyInstance): void {
  // Fastify's own parser refuses every empty body as malformed JSON.
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, jsonParser(scope));
}

/** Accepts JSON Merge Patches too. */
export function readMergePatches(scope: FastifyInstance): void {
  scope.addContentTypeParser(mergePatch, { parseAs: 'string' }, jsonParser(scope));
}

function jsonParser(scope: FastifyInstance): FastifyBodyParser<string> {
  const parse = scope.getDefaultJsonParser('error', 'error');
  return (request, body, done) => {
    if (body === '' && request.routeOptions.config.route?.isBodyRequired === false) return done(null, undefined);
    return parse(request, body, done);
  };
}

/**
 * Refuses bodies that would be misread: those with a content coding, and JSON in a charset other than UTF-8. Raw bytes are passed on
 * unread, so they may have any coding.
 */
export function refuseContentCoding(scope: FastifyInstance): void {
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    const isRead = headOf(request.raw).hasBody && request.routeOptions.config.route?.bodyUsage !== 'bytes';
    const problem = isRead ? problemOf(request.headers) : undefined;
    if (problem === undefined) done(null, payload);
    else done(new AppError('INVALID_ARGUMENT', 'CONTENT_TYPE_UNSUPPORTED', problem));
  });
}

function problemOf(headers: IncomingHttpHeaders): string | undefined {
  const { 'content-type': type = '', 'content-encoding': coding = 'identity' } = headers;
  if (coding.toLowerCase() !== 'identity') return 'Send the body without a Content-Encoding.';
  const isJson = /^\s*application\/(?:merge-patch\+)?json\b/i.test(type);
  const charsets = [...type.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)];
  const isUtf8 = charsets.every(([, name = '']) => /^utf-?8$/i.test(name));
  return isJson && !isUtf8 ? 'Send JSON in UTF-8.' : undefined;
}
