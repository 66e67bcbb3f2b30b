import { printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { newMarker } from './markers.ts';

const reads = sizeOf('PARALLEL_READS', { short: 600, long: 20_000 });
const atOnce = 256;
const customersEach = 30;
/** Reads of all sides between two writes of a side. */
const readsPerWrite = 12;

/**
 * A tenant, or one of several scopes. Its customers have its marker in the name, and are otherwise like those of the
 * others.
 */
interface Side {
  api: ApiClient;
  apiKey: string;
  marker: string;
  ids: string[];
}

/** A read, and the check of its answer; the forbidden markers are searched in each answer. */
interface Read {
  path: string;
  status: number;
  has: string;
}

interface Seen {
  /** Answers that were wrong. */
  faults: string[];
  kept: number;
  asked: number;
  /** Number of `asked` that a busy platform refused. */
  refused: number;
}

const platform = await sharedPlatform(inject('platformUrl'));
let sides: Side[];

beforeAll(async () => {
  const [scoped, other] = [await platform.createTenant('Scoped'), await platform.createTenant('Other')];
  sides = [
    await makeSide(await keyOf(scoped.apiKey, 'OWN')),
    await makeSide(await keyOf(scoped.apiKey, 'TEAM')),
    await makeSide(other.apiKey),
  ];
}, 120_000);

it(
  'shows no row of another tenant or scope in parallel reads, cached or not, while all are written to',
  { timeout: soakTimeoutMs },
  async () => {
    const seen: Seen = { faults: [], kept: 0, asked: 0, refused: 0 };
    const queue = Array.from({ length: reads / 2 }, (_, index) => index);
    let isReading = true;
    const answered = () => seen.kept + seen.asked;
    const write = async ({ api, ids }: Side) => {
      for (let count = 0; isReading; count++) {
        // However fast writes are beside reads, some answers of the cache live long enough to be found.
        const next = answered() + readsPerWrite;
        await expect.poll(() => !isReading || answered() >= next, { interval: 2 }).toBe(true);
        const { status } = await api.send('PATCH', `/v1/customers/${ids[count % ids.length]}`, {
          body: { jobTitle: `Analyst ${count}` },
        });
        // The reads may leave no connection for a write in time, and a client retries it.
        expect([200, 429, 503]).toContain(status);
      }
    };
    const worker = async () => {
      for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
        await readOnce(index, seen);
        // The second read may find the answer of the first, however many writes there are between others.
        await readOnce(index, seen);
      }
    };

    const writing = Promise.all(sides.map(write));
    await Promise.all(Array.from({ length: atOnce }, worker));
    isReading = false;
    await writing;

    printTally('parallel reads', { ...seen, faults: seen.faults.length });
    expect(seen.faults.slice(0, 10)).toEqual([]);
    expect(seen.refused).toBeLessThan(reads / 4);
    expect(seen.kept).toBeGreaterThan(reads / 20);
    expect(seen.asked).toBeGreaterThan(reads / 20);
  },
);

/** A key for the records of one owner, or of a separate team. */
async function keyOf(admin: string, recordScope: 'OWN' | 'TEAM'): Promise<string> {
  const api = await ApiClient.connect(platform.edgeUrl, admin);
  const team = (await api.send('POST', '/v1/teams', { body: { displayName: recordScope } })).body as { id: string };
  const permissions = ['customers.read', 'customers.write'];
  const apiKey = { displayName: recordScope, permissions, recordScope, teamId: team.id };
  return ((await api.send('POST', '/v1/apiKeys', { body: apiKey })).body as { key: string }).key;
}

async function makeSide(apiKey: string): Promise<Side> {
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const marker = newMarker();
  const items = Array.from({ length: customersEach }, (_, index) => ({
    customer: { kind: 'PERSON', displayName: `Ada ${marker}`, emails: [{ address: `ada${index}@${marker}.example` }] },
  }));
  const { body } = await api.send('POST', '/v1/customers:batchCreate', { body: { items } });
  const ids = (body as { results: { customer: { id: string } }[] }).results.map(({ customer }) => customer.id);
  return { api, apiKey, marker, ids };
}

/** The reads, each of which every side makes in turn. */
function readsOf(own: Side, other: Side, round: number): Read[] {
  const [id = '', otherId = ''] = [own.ids[round % customersEach], other.ids[round % customersEach]];
  const ofAll = { status: 200, has: own.marker };
  return [
    { path: `/v1/customers/${id}`, ...ofAll },
    { path: `/v1/customers/${otherId}`, status: 404, has: 'CUSTOMER_NOT_FOUND' },
    { path: '/v1/customers?pageSize=50', ...ofAll },
    { path: '/v1/customers?pageSize=5&orderBy=displayName', ...ofAll },
    { path: `/v1/customers?q=ada`, ...ofAll },
    { path: `/v1/customers?q=${other.marker}`, status: 200, has: '"customers":[]' },
    {
      path: `/v1/customers?filter=${encodeURIComponent(`emails:"ada${round % customersEach}@${own.marker}.example"`)}`,
      ...ofAll,
    },
    { path: `/v1/customers:batchGet?ids=${id}&ids=${otherId}`, status: 200, has: `"missingIds":["${otherId}"]` },
    { path: '/v1/customers:aggregate?q=ada', status: 200, has: `"count":${customersEach}` },
    { path: '/v1/customers:export', ...ofAll },
    { path: `/v1/customers/${id}/history`, ...ofAll },
    { path: '/v1/changes?pageSize=50', status: 200, has: 'nextCursor' },
  ];
}

async function readOnce(index: number, seen: Seen): Promise<void> {
  const [own, ...others] = sides.map((_, place) => sides[(index + place) % sides.length]!) as [Side, ...Side[]];
  const round = Math.floor(index / sides.length);
  const other = others[round % others.length]!;
  const all = readsOf(own, other, round);
  const { path, status, has } = all[round % all.length]!;
  const edgeUrl = platform.edgeUrls[round % platform.edgeUrls.length] ?? '';
  const answer = await fetch(edgeUrl + path, {
    headers: { authorization: `Bearer ${own.apiKey}`, ...(index % 7 === 0 && { 'cache-control': 'no-cache' }) },
  });
  const body = await answer.text();
  if (answer.headers.get('cache-status')?.startsWith('rapport; hit')) seen.kept++;
  else seen.asked++;
  const isForeign = others.some(
    ({ marker, ids }) =>
      (body.includes(marker) && !path.includes(marker)) || ids.some((id) => body.includes(id) && !path.includes(id)),
  );
  // The number of parallel exports is limited, and the reads may leave no connection for one in time.
  const isRefused = [429, 503, 504].includes(answer.status);
  if (isRefused) seen.refused++;
  const isRight = answer.status === status && body.includes(has);
  if (isForeign || !(isRight || isRefused)) seen.faults.push(`${path}: ${answer.status} ${body.slice(0, 300)}`);
}
