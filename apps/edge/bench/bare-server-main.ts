// A bare server, which receives its answer from its parent: bare-server.ts.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import type { BareAnswer } from './bare-server.ts';

process.on('disconnect', () => process.exit());
const [{ status, headers, body }] = (await once(process, 'message')) as [BareAnswer];
const length = { 'content-length': Buffer.byteLength(body) };

if (process.argv[2] === 'fastify') {
  const server = fastify();
  server.get('/*', (_request, reply) => {
    void reply.code(status).headers(headers);
    return status === 304 ? reply.send() : reply.send(body);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  process.send?.((server.server.address() as AddressInfo).port);
} else {
  const all = status === 304 ? headers : { ...headers, ...length };
  const server = createServer((_request, response) => void response.writeHead(status, all).end(body));
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}
