import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createLogger } from '@rapport/platform';
import { expect, it } from 'vitest';
import { createHttpServer } from '../src/http/http-server.js';
import { registerOidc } from '../src/oidc/forward-oidc.js';
import { figures } from '../src/limits/limit-metrics.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { Limits } from '../src/limits/limits.js';
import { OidcConnection } from '../src/oidc/oidc-connection.js';
import { answerTo } from './raw-answer.js';

it('a client that disconnects before its request is forwarded to the provider holds no place', async () => {
  const logger = createLogger('test', 'silent');
  const server = createHttpServer({ logger, trustedProxies: [] });
  const limits = new Limits(defaultLimitSettings(), undefined, logger, 1);
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  // Delays before a call is forwarded.
  server.addHook('preHandler', async ({ url }, reply) => {
    if (!url.endsWith('?gone')) return;
    if (!reply.raw.closed) await once(reply.raw, 'close');
    leave();
  });
  await registerOidc(server, new OidcConnection('127.0.0.1:1', undefined), limits, {
    isTls: false,
    refusedHost: undefined,
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const before = figures.placesUsed.interactive;

  const socket = connect(port, '127.0.0.1');
  socket.write('GET /oauth/jwks?gone HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'connect');
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  server.server.once('request', () => resolve());
  await asked;
  socket.destroy();

  await gone;
  // One that comes later is answered later.
  const next = await answerTo(port, 'GET /oauth/jwks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(next.status).toBe(503);
  expect(figures.placesUsed.interactive).toBe(before);
  await server.close();
  limits.close();
});
