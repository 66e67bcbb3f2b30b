import { v7 } from 'uuid';
import { HttpConnection } from './http-connection.js';
import type { HttpPlan, HttpRequest, LoadResult } from './load-plan.js';
import { runSenders } from './run-senders.js';

/** Sends HTTP requests, each connection one at a time. Connections are open before the clock starts. */
export async function loadByHttp(plan: HttpPlan): Promise<LoadResult> {
  const { host } = new URL(plan.url);
  // Built on first use: building all of them at once would delay the other loads of this process.
  const requests: (() => Buffer)[] = [];
  const connections = Array.from({ length: plan.atOnce }, () => new HttpConnection(plan.url));
  await Promise.all(connections.map((connection) => connection.open()));
  try {
    const senders = connections.map((connection) => (index: number, done: (status: number) => void) => {
      const place = index % plan.requests.length;
      const request = plan.requests[place];
      if (!request) throw new Error('A load without requests.');
      const make = (requests[place] ??= requestMaker(request, host));
      connection.send(make(), done);
    });
    return await runSenders(senders, plan);
  } finally {
    for (const connection of connections) connection.close();
  }
}

function requestMaker(request: HttpRequest, host: string): () => Buffer {
  const text = requestText(request, host);
  const bytes = Buffer.from(text);
  return text.includes('{uuid}') ? () => Buffer.from(text.replaceAll('{uuid}', v7())) : () => bytes;
}

/** Still contains `{uuid}`; its content-length is correct for any UUID. */
function requestText({ method = 'GET', path, headers = {}, body }: HttpRequest, host: string): string {
  const length = body === undefined ? undefined : Buffer.byteLength(body.replaceAll('{uuid}', v7()));
  return [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(length === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${length}`]),
    '',
    body ?? '',
  ].join('\r\n');
}
