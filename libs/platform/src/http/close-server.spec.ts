import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { closeServer } from './close-server.js';

test('a request that has arrived on an idle connection, but is not read yet, is answered', async () => {
  const server = createServer((_request, response) => response.end('answered'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8');
  const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
  client.write(request);
  expect((await once(client, 'data')).join()).toContain('answered');

  const answer = once(client, 'data');
  client.write(request);
  const closed = closeServer(server);

  expect((await answer).join()).toContain('answered');
  await Promise.all([closed, once(client, 'close')]);
});
