import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { makeTenantRecords, newMarker, type Ids } from './access/tenant-records.ts';
import { ApiClient, type Answer } from './api-client.ts';
import { hostileRequests, type HostileRequest } from './hostile-requests.ts';

const seed = 20_261_124;
const perOperation = 300;
const atOnce = 16;

let platform: SharedPlatform;
let api: ApiClient;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Hostile');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

describe(`hostile input (seed ${seed})`, () => {
  it('gets only 4xx problems that name the field, from every operation', { timeout: 300_000 }, async () => {
    const faults: string[] = [];
    for (const [operation, requests] of hostileRequests(api.openApi, perOperation, seed, await makeRecords())) {
      expect(requests.length, operation).toBeGreaterThanOrEqual(perOperation);
      const outcomes = await sendAll(requests);
      faults.push(...outcomes.flatMap(([request, answer]) => faultOf(operation, request, answer)));
    }
    expect(faults.slice(0, 20)).toEqual([]);
  });

  it('leaves the platform well', async () => {
    expect((await fetch(`${platform.edgeUrl}/readyz`)).status).toBe(200);
  });
});

/** Records for the requests to be about, or most would end at the first lookup. */
async function makeRecords(): Promise<Ids> {
  await api.send('POST', '/v1/customFields', { body: { key: 'plan', type: 'TEXT' } });
  await api.send('PUT', '/v1/importMappings/erp-nightly', { body: { map: ['Name=display_name'] } });
  return (await makeTenantRecords(platform, api, newMarker())).living;
}

async function sendAll(requests: readonly HostileRequest[]): Promise<[HostileRequest, Answer][]> {
  const outcomes: [HostileRequest, Answer][] = [];
  const queue = [...requests];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      outcomes.push([next, await api.send(next.method, next.path, next)]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

function faultOf(operation: string, request: HostileRequest, { status, body }: Answer): string[] {
  const text = `${operation} ${request.path.slice(0, 200)} ${JSON.stringify(request.body)?.slice(0, 200)}: ${status} ${JSON.stringify(body)?.slice(0, 300)}`;
  if (status >= 500) return [text];
  const { errors = [] } = body as { errors?: { in: string; pointer: string }[] };
  if (status === 400 && errors.length === 0) return [`names no field: ${text}`];
  const { wrong } = request;
  if (!wrong) return [];
  // A path that no route takes is no resource of ours, or one of another operation.
  if (wrong.in === 'path' && (status === 404 || status === 405)) return [];
  const named = errors.some((error) => error.in === wrong.in && error.pointer.startsWith(wrong.pointer));
  return status === 400 && named ? [] : [`does not name ${wrong.in} ${wrong.pointer}: ${text}`];
}
