import type { FastifyReply } from 'fastify';
import { answerHeaders, cacheStatus } from './answer-headers.js';
import type { CachedRoute } from './cached-route.js';
import type { ConsistencyTokens } from './consistency-tokens.js';
import { tokenHeader } from './consistency-tokens.js';
import { notBefore } from './directives.js';
import { hasCurrent } from './entity-tag.js';
import { etagOf } from './kept-answer.js';
import { cacheKey, type ReadCache } from './read-cache.js';

type Message = Record<string, unknown>;

/** Answers a read whose answer may be kept, on the ordinary path. */
export async function answerRead(
  reply: FastifyReply,
  route: CachedRoute,
  { reads, tokens }: { reads: ReadCache; tokens: ConsistencyTokens },
  message: Message,
  { gone, leftMs }: { gone: AbortSignal; leftMs: number },
  ask: (signal: AbortSignal) => Promise<Message>,
  toJson: (answer: Message) => Message,
): Promise<FastifyReply> {
  const { principal, headers, raw } = reply.request;
  if (!principal) throw new Error(`${route.url}: nobody asks.`);
  const token = headers[tokenHeader];
  const request = {
    route,
    tenantId: principal.caller.tenantId,
    key: cacheKey(principal.rights, raw.url ?? ''),
    message,
    leftMs,
    notBefore: notBefore(
      headers['cache-control'],
      typeof token === 'string' ? token : undefined,
      tokens,
      performance.now(),
    ),
  };
  const load = async (signal: AbortSignal) => {
    const answer = await ask(signal);
    const body = Buffer.from(reply.serializeInput(toJson(answer), '200') as string);
    return { body, etag: etagOf(answer['etag'], body) };
  };
  // Until it is known better.
  void reply.header('cache-status', 'rapport; fwd=miss');
  const { kept, status } = await reads.read(request, load, gone);
  const now = performance.now();
  if (kept.refusal) {
    void reply.header('cache-status', cacheStatus(status, Math.ceil((kept.freshUntil - now) / 1_000)));
    throw kept.refusal;
  }
  const lines = answerHeaders(kept, status, now);
  for (let index = 0; index < lines.length; index += 2) void reply.header(lines[index] ?? '', lines[index + 1]);
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && hasCurrent(ifNoneMatch, kept.etag)) return reply.code(304).send();
  return reply.code(200).type('application/json; charset=utf-8').send(kept.body());
}
