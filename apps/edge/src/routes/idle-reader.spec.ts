import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { cutOffIdleReader } from './idle-reader.js';

const timeoutMs = 100;
let server: Server;

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('a client', () => {
  it('that reads nothing of its answer is disconnected', async () => {
    const [response] = await exchange();
    response.write(Buffer.alloc(64 * 1024 * 1024));
    await once(response, 'close');
    expect(response.writableFinished).toBe(false);
  });

  it('without anything to read is not', async () => {
    const [response, answer] = await exchange();
    response.write('a');
    for (let waits = 0; waits < 3; waits++) await once(response, 'timeout');
    response.end('b');
    let text = '';
    for await (const data of answer) text += String(data);
    expect(text).toBe('ab');
  });
});

/** Both ends of one answer, of which nothing has been read. */
async function exchange(): Promise<[ServerResponse, IncomingMessage]> {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const answered = new Promise<IncomingMessage>((resolve) => {
    get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, resolve);
  });
  const [, response] = await asked;
  cutOffIdleReader(response, timeoutMs);
  response.flushHeaders();
  return [response, await answered];
}
