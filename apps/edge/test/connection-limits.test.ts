import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { platformContract, serviceDefinitions } from '@rapport/contracts';
import { createLogger } from '@rapport/platform';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createEdge, type Edge } from '../src/create-edge.js';
import { startOres } from './running-ores.js';

let edge: Edge;
let port: number;

beforeAll(async () => {
  const config = { host: '127.0.0.1', port: 0, logLevel: 'silent', trustedProxies: [] };
  // No service listens there: these requests end before any call.
  const addresses = new Map(['auth', 'customers', 'sync'].map((name) => [name, '127.0.0.1:1']));
  const contract = platformContract();
  edge = await createEdge({ ...config, addresses }, contract, serviceDefinitions, createLogger('edge', 'silent'));
  port = Number(new URL(await edge.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(async () => edge.app.close());

describe('a client', () => {
  it('with two Host lines is refused', async () => {
    const answer = await talk('GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('400');
    expect(answer).toContain('application/problem+json');
  });

  it('with headers beyond 16 KiB is refused', async () => {
    const answer = await talk(`GET /livez HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toContain('431');
  });

  it('that is not HTTP is refused', async () => {
    expect(await talk('\x16\x03\x01 hello\r\n\r\n')).toContain('400');
  });

  it('without a credential gets 401, and can’t continue its body', async () => {
    const answer = await talk(
      'POST /v1/customers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{',
    );
    expect(answer).toContain('401');
    expect(answer.toLowerCase()).toContain('www-authenticate: bearer');
  });

  it('gets security headers and a request id with every answer', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/unknown`, { headers: { 'x-request-id': 'request-77' } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('x-request-id')).toBe('request-77');
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.json()).toMatchObject({ requestId: 'request-77', code: 'ROUTE_UNKNOWN' });
  });

  it('gets the same for an invalid URL, without an echo of it', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/customers/%zz`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const problem = await answer.text();
    expect(problem).toContain('"in":"path"');
    expect(problem).not.toContain('%zz');
  });

  it('sees that the platform is not ready while its services are down', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: 'unavailable',
      missing: ['auth', 'customers', 'customersChanges', 'sync'],
    });
  });

  it('gets 503 with Retry-After for an operation while auth is down', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/tenant`, { headers: { authorization: 'Bearer x' } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

it('a client without a request, or with half of one, does not keep an edge from stopping', async () => {
  const ores = await startOres();
  onTestFinished(() => ores.stop());
  const stopping = await ores.startEdge();
  const whole = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
  const sent = ['', 'GET /liv', whole, `${whole}GET /liv`];
  const sockets = await Promise.all(sent.map((bytes) => connectedTo(stopping.port, bytes)));
  const ended = sockets.map((socket) => once(socket.resume(), 'close'));

  await stopping.edge.app.close();

  await Promise.all(ended);
});

async function connectedTo(at: number, bytes: string): Promise<Socket> {
  const socket = connect(at, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  if (bytes.includes('\r\n\r\n')) await once(socket, 'readable');
  return socket;
}

/** Sends bytes and returns the answer until the server closes the connection. */
async function talk(bytes: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('close', () => resolve());
    socket.on('error', () => resolve());
    socket.write(bytes);
  });
  socket.destroy();
  return text;
}
