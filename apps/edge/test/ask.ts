import { Agent, request } from 'node:http';

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

/** Headers that keep a read from being answered ahead of the router: a body may follow. */
export const ordinary: Record<string, string> = { expect: '100-continue' };

/** One request by node:http, with the raw headers of its answer. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const type: Record<string, string> =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  const sent = request(url, { method, agent, headers: { ...type, ...headers } }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.once('error', reject);
    answer.once('end', () => {
      const entries = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: answer.statusCode ?? 0, headers: Object.fromEntries(entries) as never, body: text });
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}
