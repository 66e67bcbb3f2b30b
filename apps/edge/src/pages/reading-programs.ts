import type { FastifyRequest } from 'fastify';
import { isbot } from 'isbot';

/** Headers of browsers and mail clients that prefetch an address. */
const prefetching: Readonly<Record<string, RegExp>> = {
  'sec-purpose': /prefetch|prerender/i,
  purpose: /prefetch|preview/i,
  'x-purpose': /preview/i,
  'x-moz': /prefetch/i,
};

/** Whether a program rather than a person asks for a page. The user agent is read here and goes no further. */
export function isFromProgram({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  const { 'user-agent': userAgent } = headers;
  if (method === 'HEAD' || !userAgent || isbot(userAgent)) return true;
  return Object.entries(prefetching).some(([name, form]) => form.test(String(headers[name] ?? '')));
}
