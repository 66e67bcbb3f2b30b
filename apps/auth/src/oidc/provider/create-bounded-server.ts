import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { AllowedCallers, type ServiceCertificates } from '@rapport/contracts';
import type { Logger } from '@rapport/platform';

const limits = {
  headersTimeout: 5_000,
  requestTimeout: 8_000,
  connectionsCheckingInterval: 1_000,
  // Longer than the edge's idle timeout, so that the edge never sends on a connection that this server is closing.
  keepAliveTimeout: 72_000,
};

/** The server's certificates, and the names in the certificates of allowed callers. */
export interface MutualTls {
  certificates: ServiceCertificates;
  allowedCallers: readonly string[];
}

/** Creates an HTTP server for other processes of the platform. @param tls plain HTTP when absent, for tests only */
export function createBoundedServer(listener: RequestListener, tls: MutualTls | undefined, logger: Logger): Server {
  const server = tls ? createMutualTlsServer(listener, tls, logger) : createServer(limits, listener);
  server.maxConnections = 2_000;
  return server;
}

/**
 * Tells requests of the edge's own code from those that it forwards: it forwards no such header line. Only the edge itself holds its
 * certificate.
 */
export function edgeRequests(tls: MutualTls | undefined): (request: IncomingMessage) => boolean {
  const edge = new AllowedCallers(['edge']);
  return ({ headers, socket }) =>
    headers['x-rapport-own-request'] === 'true' && (!tls || edge.has((socket as TLSSocket).getPeerX509Certificate()));
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
    logger.warn('refused a connection to the OpenID provider from a process that is not an allowed caller');
    socket.destroy();
  });
  return server;
}
