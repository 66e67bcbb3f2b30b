import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
// The built version: the load process runs without vitest.
import { expect, onTestFinished, test } from 'vitest';
import { LoadProcess, queryDatabase } from '../dist/index.js';
import { sharedPostgres } from './shared-postgres.js';

test('sends each request complete, with its own id in all places', async () => {
  const seen: { key: unknown; body: string }[] = [];
  const url = await listening((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      seen.push({ key: request.headers['idempotency-key'], body });
      response.writeHead(201).end('{"name":"ü"}');
    });
  });
  const requests = [{ method: 'POST', path: '/', headers: { 'Idempotency-Key': '{uuid}' }, body: 'ü {uuid}' }];

  const result = await started().run({ kind: 'http', url, requests, atOnce: 2, durationMs: 100, perSecond: 100 });

  expect(result).toMatchObject({ requests: 10, statuses: { 201: 10 } });
  expect(new Set(seen.map(({ key }) => key)).size).toBe(10);
  expect(seen.every(({ key, body }) => body === `ü ${String(key)}`)).toBe(true);
});

test('finds the end of an answer: by its length, in chunks, or without a body', async () => {
  const answers = [
    (response: ServerResponse) => response.writeHead(200, { 'content-length': 5 }).end('whole'),
    (response: ServerResponse) => {
      response.write('first, ');
      setTimeout(() => response.end('then'), 5);
    },
    (response: ServerResponse) => response.writeHead(304, { etag: '"1"' }).end(),
  ];
  let next = 0;
  const url = await listening((_request, response) => answers[next++ % 3]?.(response));

  const result = await started().run({
    ...{ kind: 'http', url, requests: [{ path: '/' }] },
    ...{ atOnce: 1, durationMs: 90, perSecond: 100 },
  });

  expect(result.statuses).toEqual({ 200: 6, 304: 3 });
});

test('counts a broken connection as status 0, and opens another', async () => {
  let isFirst = true;
  const url = await listening((request, response) => {
    if (isFirst) request.socket.destroy();
    else response.end('later');
    isFirst = false;
  });

  const result = await started().run({
    ...{ kind: 'http', url, requests: [{ path: '/' }] },
    ...{ atOnce: 1, durationMs: 50, perSecond: 100 },
  });

  expect(result.statuses).toEqual({ 0: 1, 200: 4 });
});

test('sends nothing to other machines', async () => {
  const plan = { kind: 'http' as const, url: 'http://192.0.2.1', requests: [{ path: '/' }], atOnce: 1, durationMs: 1 };

  await expect(started().run(plan)).rejects.toThrow('this machine only');
});

test('sends statements for a tenant, each with its own id', async () => {
  const postgres = await sharedPostgres();
  await queryDatabase(postgres.superuserUrl, 'create table written (tenant_id text, id text primary key)');

  const { statuses } = await started().run({
    ...{ kind: 'sql', url: postgres.superuserUrl, tenantId: 'tenant' },
    text: `insert into written values (current_setting('app.tenant_id'), $1)`,
    values: [['{uuid}']],
    ...{ atOnce: 4, connections: 2, durationMs: 100, perSecond: 200 },
  });

  expect(statuses).toEqual({ 200: 20 });
  const count = `select count(distinct id)::int as count from written where tenant_id = 'tenant'`;
  expect(await queryDatabase(postgres.superuserUrl, count)).toEqual([{ count: 20 }]);
});

function started(): LoadProcess {
  const load = new LoadProcess();
  onTestFinished(() => load.stop());
  return load;
}

async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
