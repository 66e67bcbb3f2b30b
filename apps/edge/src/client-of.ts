import type { CallClient } from '@rapport/platform';
import type { FastifyRequest } from 'fastify';

const maxUserAgentLength = 200;

/** From where a request comes, as services are told: what metadata can't carry is replaced. */
export function clientOf({ ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): CallClient {
  const userAgent = (headers['user-agent'] ?? '').slice(0, maxUserAgentLength).replace(/[^\x20-\x7e]/g, '?');
  return { address: ip, userAgent };
}
