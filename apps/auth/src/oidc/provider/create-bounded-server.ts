import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { AllowedCallers, type ServiceCertificates } from '@rapport/contracts';
import type { Logger } from '@rapport/platform';

const limits = {
  headersTimeout: 5_000,
  requestTimeout: 8_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the edge keeps a connection that is idle: it never sends on one that we close.
  keepAliveTimeout: 72_000,
};

/** What the server proves itself with, and which processes may connect: their names are in their certificates. */
export interface MutualTls {
  certificates: ServiceCertificates;
  allowedCallers: readonly string[];
}

/** An HTTP server for processes of the platform. @param tls plain when absent, which is for tests only */
export function createBoundedServer(listener: RequestListener, tls: MutualTls | undefined, logger: Logger): Server {
  const server = tls ? createMutualTlsServer(listener, tls, logger) : createServer(limits, listener);
  server.maxConnections = 2_000;
  return server;
}

function createMutualTlsServer(listener: RequestListener, { certificates, allowedCallers }: MutualTls, logger: Logger) {
  const verified = { requestCert: true, rejectUnauthorized: true, handshakeTimeout: 5_000 };
  const server = createTlsServer({ ...limits, ...verified, ...certificates.current }, listener);
  server.once(
    'close',
    certificates.onChange((current) => server.setSecureContext(current)),
  );
  const callers = new AllowedCallers(allowedCallers);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (callers.has(socket.getPeerX509Certificate())) return;
    logger.warn('a process that may not call the OpenID provider has tried to');
    socket.destroy();
  });
  return server;
}
