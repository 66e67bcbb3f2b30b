import { drawnBy, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { newMarker } from './access/markers.ts';
import type { Ids } from './access/make-each.ts';
import { makeTenantRecords } from './access/tenant-records.ts';
import { ApiClient } from './api-client.ts';
import type { Answer } from './open-api.ts';
import { hostileRequests, type HostileRequest } from './hostile-requests.ts';

const seed = printedSeed('hostile input');
/** Number of requests generated for each operation, and of those that are sent. */
const perOperation = 300;
const sentOfEach = sizeOf('HOSTILE_REQUESTS', { short: 12, long: perOperation });
/** Number of operations, which the seed draws. */
const operations = sizeOf('HOSTILE_OPERATIONS', { short: 60, long: 10_000 });
const atOnce = 16;
const endless = ['watchTraffic'];

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  const { apiKey } = await platform.createTenant('Hostile');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

describe(`hostile input (seed ${seed})`, () => {
  it('gets only 4xx problems with the field, from every drawn operation', { timeout: soakTimeoutMs }, async () => {
    const faults: string[] = [];
    let sent = 0;
    const size = { operations, requests: perOperation };
    for (const [operation, requests] of hostileRequests(api.openApi, size, seed, await makeRecords())) {
      expect(requests.length, operation).toBeGreaterThanOrEqual(perOperation);
      const outcomes = await sendAll(drawnBy(seed, requests, sentOfEach), endless.includes(operation));
      sent += outcomes.length;
      faults.push(...outcomes.flatMap(([request, answer]) => faultOf(operation, request, answer)));
    }
    printTally('hostile input', { sent, faults: faults.length });
    expect(faults.slice(0, 20)).toEqual([]);
  });

  it('leaves the platform healthy', async () => {
    expect((await fetch(`${platform.edgeUrl}/readyz`)).status).toBe(200);
  });
});

/** Existing records, or most requests would end at the first look-up. */
async function makeRecords(): Promise<Ids> {
  await api.send('POST', '/v1/customFields', { body: { key: 'plan', type: 'TEXT' } });
  await api.send('PUT', '/v1/importMappings/erp-nightly', { body: { map: ['Name=display_name'] } });
  return (await makeTenantRecords(platform, api, newMarker())).living;
}

async function sendAll(requests: readonly HostileRequest[], isEndless: boolean): Promise<[HostileRequest, Answer][]> {
  const outcomes: [HostileRequest, Answer][] = [];
  const queue = [...requests];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      outcomes.push([next, await api.send(next.method, next.path, { ...next, isEndless })]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

function faultOf(operation: string, request: HostileRequest, { status, body }: Answer): string[] {
  const text = `${operation} ${request.path.slice(0, 200)} ${JSON.stringify(request.body)?.slice(0, 200)}: ${status} ${JSON.stringify(body)?.slice(0, 300)}`;
  // No client here goes away.
  if (status >= 499) return [text];
  const { errors = [] } = body as { errors?: { in: string; pointer: string }[] };
  if (status === 400 && errors.length === 0) return [`names no field: ${text}`];
  const { wrong } = request;
  if (!wrong) return [];
  // A path without a route is unknown, or belongs to another operation.
  if (wrong.in === 'path' && (status === 404 || status === 405)) return [];
  const named = errors.some((error) => error.in === wrong.in && error.pointer.startsWith(wrong.pointer));
  return status === 400 && named ? [] : [`does not name ${wrong.in} ${wrong.pointer}: ${text}`];
}
