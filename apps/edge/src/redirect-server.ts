import { createServer, type Server } from 'node:http';

/**
 * Sends whoever asks over plain HTTP to the same path of `origin`, with the method and the body that they had (308). The
 * origin is configured: the Host line is the client's word only.
 *
 * @param origin such as `https://api.example.com`
 */
export async function startRedirectServer(port: number, host: string, origin: string): Promise<Server> {
  const limits = {
    headersTimeout: 5_000,
    requestTimeout: 8_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16_384,
  };
  const server = createServer(limits, ({ url = '' }, response) => {
    // Nobody reads the body, so no other request can follow.
    response.setHeader('connection', 'close');
    if (url.startsWith('/')) response.writeHead(308, { location: origin + url }).end();
    else response.writeHead(400).end();
  });
  server.maxConnections = 1_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}
