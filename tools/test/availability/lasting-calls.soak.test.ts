import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setInterval as every } from 'node:timers/promises';
import { sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { beforeAll, expect, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { replicatedPlatform } from './replicated-platform.ts';

/** How long the calls last, in seconds: connections between processes live for 2 s. */
const seconds = sizeOf('LASTING_SECONDS', { short: 8, long: 90 });

let platform: Platform;
let api: ApiClient;
let authorization: string;

beforeAll(async () => {
  ({ platform } = await replicatedPlatform());
  const { apiKey } = await platform.createTenant('Patient');
  authorization = `Bearer ${apiKey}`;
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 300_000);

it('a watch and a slow import survive the replacement of their connections', { timeout: soakTimeoutMs }, async () => {
  const seen: string[] = [];
  const gone = new AbortController();
  const watching = watch(seen, gone.signal);
  await expect.poll(() => seen.length).toBe(1);
  const upload = request(`${platform.edgeUrl}/v1/customers:import`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/csv' },
  });
  const imported = new Promise<string>((resolve, reject) => {
    upload.once('response', (answer) => void text(answer).then(resolve, reject)).once('error', reject);
  });
  upload.write('displayName\n');
  const created: string[] = [];
  let rows = 0;

  for await (const _ of every(1_000)) {
    upload.write(`Row ${(rows += 1)} as long as a name is\n`);
    const { body } = await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
    created.push((body as { id: string }).id);
    if (rows === seconds) break;
  }
  await expect.poll(() => created.filter((id) => !seen.some((event) => event.includes(id)))).toEqual([]);
  upload.end();

  expect(JSON.parse(await imported)).toMatchObject({ rows, created: rows, failed: 0 });
  expect(seen.filter((event) => event.startsWith('event: error'))).toEqual([]);
  gone.abort();
  await watching;
});

/** Collects events of the change feed, until it ends. */
async function watch(seen: string[], signal: AbortSignal): Promise<void> {
  const headers = { authorization, accept: 'text/event-stream' };
  const { body } = await fetch(`${platform.edgeUrl}/v1/changes`, { headers, signal });
  let rest = '';
  try {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split('\n\n');
      rest = events.pop() ?? '';
      seen.push(...events);
    }
    seen.push('event: error: the end');
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
