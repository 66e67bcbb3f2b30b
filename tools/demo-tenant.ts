import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '@rapport/testing';
import { makeDemoDeals } from './demo-deals.ts';
import { makeDemoObjects } from './demo-objects.ts';

/** What `demo.json` holds: where the API is, and a key for it. */
export interface Demo {
  url: string;
  apiKey: string;
}

/**
 * Opens the demo tenant of `dataDir`, with its records when it is new, and writes `demo.json`. A first start that was
 * cut off is continued: until the records are loaded the key is in `demo.json.new`.
 */
export async function openDemoTenant(
  platform: Pick<Platform, 'createTenant' | 'edgeUrl'>,
  dataDir: string,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<Demo> {
  const file = join(dataDir, 'demo.json');
  const isLoaded = existsSync(file);
  const known = isLoaded ? file : `${file}.new`;
  const apiKey = existsSync(known) ? await readKey(known) : (await platform.createTenant('Demo')).apiKey;
  const demo = { url: platform.edgeUrl, apiKey };
  await writeFile(`${file}.new`, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  if (!isLoaded) {
    onProgress('Loading the demo records');
    await importDemoCustomers(demo, signal);
    const api = (path: string, body?: object) => send(demo, signal, path, body);
    await makeDemoDeals(api);
    await makeDemoObjects(api);
  }
  await rename(`${file}.new`, file);
  return demo;
}

async function readKey(file: string): Promise<string> {
  const { apiKey } = JSON.parse(await readFile(file, 'utf8')) as Demo;
  return apiKey;
}

async function importDemoCustomers(demo: Demo, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${demo.url}/v1/customers:import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.apiKey}`, 'content-type': 'text/csv' },
    body: await readFile(join(import.meta.dirname, 'demo-customers.csv')),
    signal,
  });
  const answer = await response.text();
  const { failed } = JSON.parse(answer) as { failed?: number };
  if (!response.ok || failed) throw new Error(`The demo customers were refused (${response.status}): ${answer}`);
}

async function send({ url, apiKey }: Demo, signal: AbortSignal, path: string, body?: object): Promise<unknown> {
  const response = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${apiKey}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal,
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`The demo records were refused (${response.status}): ${answer}`);
  return JSON.parse(answer);
}

/** Three commands to begin with; each works as it is, and can be repeated. */
export function curlLines({ url, apiKey }: Demo): string[] {
  const authorization = `-H 'Authorization: Bearer ${apiKey}'`;
  const person = { kind: 'PERSON', givenName: 'Ada', familyName: 'Lovelace', phones: [{ number: '+442079460958' }] };
  return [
    `curl -sSG ${url}/v1/customers ${authorization} --data-urlencode 'q=garcia'`,
    `curl -sSG ${url}/v1/customers ${authorization} --data-urlencode 'filter=kind = COMPANY AND countryCode:DE'`,
    `curl -sS ${url}/v1/customers ${authorization} -H 'Idempotency-Key: ${randomUUID()}' ` +
      `-H 'Content-Type: application/json' -d '${JSON.stringify(person)}'`,
  ];
}
