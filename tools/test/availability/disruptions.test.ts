import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { queryDatabase, type Platform } from '@rapport/testing';
import { beforeAll, expect, it, vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import type { Answer } from '../open-api.ts';
import { expectNothingOfBrokenUpload } from '../broken-uploads.ts';
import { hasEnded, Importer, people } from '../importer.ts';
import { newTrace, type ReceivedTraces } from '../received-traces.ts';
import { untilKept } from '../until-kept.ts';
import { killAtWork, killedPlatform } from './killed-platform.ts';

/** Timeout of a test on a busy machine. */
const timeout = 300_000;

let traces: ReceivedTraces;
let platform: Platform;
let api: ApiClient;

beforeAll(async () => {
  ({ platform, traces } = await killedPlatform());
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Disrupted')).apiKey);
}, timeout);

it('an import whose service is killed in the middle of the file ends as without a kill', { timeout }, async () => {
  const { customers } = platform.services;
  const [calm, killed] = [await Importer.create(platform, 'Calm'), await Importer.create(platform, 'Killed')];
  const file = people(3_000);
  const [calmId, killedId] = [await calm.createImport(), await killed.createImport()];
  await calm.upload(calmId, file);
  const unbroken = await calm.untilEnded(calmId);

  await killed.upload(killedId, file);
  await killed.until(killedId, ({ counts }) => (counts['rows'] ?? 0) >= 700);
  await killAtWork(platform);
  const between = await killed.until(killedId, ({ counts }) => (counts['rows'] ?? 0) >= 1_500);
  // On SIGTERM it releases the import at a checkpoint, and the next process continues at once.
  await customers.stop();
  await customers.start();
  const broken = await killed.untilEnded(killedId);

  expect(hasEnded(between)).toBe(false);
  expect(broken).toMatchObject({ state: 'SUCCEEDED', counts: unbroken.counts });
  expect(await killed.contents()).toEqual(await calm.contents());

  await killed.api.send('POST', `/v1/operations/${killedId}:undo`);
  await killed.until(killedId, ({ counts }) => (counts['undone'] ?? 0) > 0);
  await killAtWork(platform);
  const undone = await killed.untilEnded(killedId);
  expect(undone).toMatchObject({ state: 'UNDONE', counts: { undone: unbroken.counts['created'] } });
  expect(await killed.contents()).toEqual([]);
});

it('an import whose edge is killed in the middle of its file leaves nothing', { timeout }, async () => {
  await expectNothingOfBrokenUpload(platform, traces, async (socket) => {
    await platform.services.edge.kill();
    socket.destroy();
    await platform.services.edge.start();
  });
});

it('while the service is down, cached records are served as stale', { timeout }, async () => {
  const path = `/v1/customers/${await createCustomer('Kept')}`;
  const kept = await untilKept(api, path);
  await platform.services.customers.kill();
  const answers: Answer[] = [];
  // The log counts as lost after 3 s of silence (ADR 0016): until then the answer is fresh, and not marked.
  const markedAs = async () => {
    answers.push(await api.send('GET', path));
    return answers.at(-1)?.headers.get('cache-status');
  };
  await expect.poll(markedAs, { timeout: 60_000 }).toMatch(/^rapport; fwd=stale; fwd-status=503; /);
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: kept.body });

  await platform.services.customers.start();
  await untilKept(api, path);
});

it('a table that is emptied past every edge invalidates every cached answer', { timeout }, async () => {
  const path = `/v1/customers/${await createCustomer('Emptied')}`;
  await untilKept(api, path);

  await queryDatabase(platform.customersDatabase.superuserUrl, 'truncate customer cascade');

  await expect.poll(async () => (await api.send('GET', path)).status, { timeout: 60_000 }).toBe(404);
});

it('a service that gets SIGTERM while others read its feed sends its last traces and ends cleanly', async () => {
  const client = newTrace();
  await createCustomer('Last', client.headers);

  await platform.services.customers.stop(60_000);

  const log = await readFile(join(platform.logDir, 'customers.log'), 'utf8');
  expect(log).toContain('stopping');
  // Its own timeout, of seconds, for draining everything that it serves.
  expect(log).not.toContain('did not stop in time');
  const answered = 'rapport.customers.v1.CustomersService/CreateCustomer';
  expect(traces.trace(client.traceId).map(({ name }) => name)).toContain(answered);
  await platform.services.customers.start();
});

/** An edge may not have reconnected to the service yet: refused requests are retried. */
async function createCustomer(displayName: string, headers: Record<string, string> = {}): Promise<string> {
  const body = { kind: 'COMPANY', displayName };
  const once = { ...headers, 'idempotency-key': displayName };
  const created = async () => {
    const answer = await api.send('POST', '/v1/customers', { body, headers: once });
    return answer.status === 201 ? (answer.body as { id: string }).id : undefined;
  };
  return vi.waitUntil(created, { timeout: 60_000, interval: 100 });
}
