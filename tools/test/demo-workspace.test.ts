import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiOf } from '../demo/api.ts';
import { readDemo, writeDemo } from '../demo/demo.ts';
import { goOnWithDemo } from '../run-platform.ts';

const demo = { url: 'http://127.0.0.1:1', apiKey: 'key', workspace: 'kestrel', users: [], isComplete: false };
const fail = () => Promise.reject(new Error('PATCH /v1/deals/1: 404'));

/** What a start says about a demo workspace, and whether the next one leaves it as it is. */
async function goOn(
  isStopping: boolean,
): Promise<{ lines: string[]; isComplete: boolean | undefined; error?: unknown }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rapport-demo-'));
  const lines: string[] = [];
  const stopRequest = isStopping ? AbortSignal.abort() : new AbortController().signal;
  await writeDemo(dataDir, demo);
  const ended = goOnWithDemo(demo, { dataDir, onProgress: (line) => lines.push(line), stopRequest }, fail);
  const error: unknown = await ended.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const isComplete = (await readDemo(dataDir))?.isComplete;
  await rm(dataDir, { recursive: true });
  return { lines, isComplete, error };
}

test('a demo story that fails, as when its records are deleted meanwhile, ends neither the platform nor its workspace', async () => {
  const lines = ['The demo workspace is left as it is: PATCH /v1/deals/1: 404'];
  expect(await goOn(false)).toEqual({ lines, isComplete: true, error: undefined });
});

test('a demo story that is cut by a stop is played by the next start', async () => {
  expect(await goOn(true)).toMatchObject({
    lines: [],
    isComplete: false,
    error: { message: 'PATCH /v1/deals/1: 404' },
  });
});

test.each([
  [
    'that conflicts with another one is sent again',
    'CONCURRENT_WRITE',
    ['/v1/deals/1:lose', '/v1/deals/1:lose'],
    { id: '1' },
  ],
  ['that is refused for another reason is not', 'DUPLICATE_VALUE', ['/v1/deals/1:lose'], 'refused'],
])('a call of the demo story %s', async (_, code, sent, outcome) => {
  const paths: unknown[] = [];
  const server = createServer(({ url }, response) => {
    const isFirst = paths.push(url) === 1;
    response.writeHead(isFirst ? 409 : 200).end(JSON.stringify(isFirst ? { code } : { id: '1' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = apiOf(url, 'key', new AbortController().signal);

  const answer: unknown = await api('POST', '/v1/deals/1:lose', {}).catch(() => 'refused');
  server.close();

  expect(answer).toEqual(outcome);
  expect(paths).toEqual(sent);
});
