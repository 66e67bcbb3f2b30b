import { isSoak, percentile, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { Neighbour } from './neighbours/neighbour.ts';
import type { SharedResource } from './neighbours/shared-resource.ts';
import { sharedResources } from './neighbours/shared-resources.ts';

/** Number of calls of the calm tenant, and the allowed factor of their latency beside a noisy one, in the long form. */
const calls = sizeOf('NEIGHBOUR_CALLS', { short: 12, long: 1_000 });
const mostLate = 2;
const lagSamples = isSoak ? 20 : 1;

const platform = await sharedPlatform(inject('platformUrl'));

test.each(sharedResources)(
  '$name: a tenant at its limit takes nothing from another',
  async ({ name, hold, use }) => {
    const hostile = await Neighbour.create(platform, 'Hostile');
    const alone = isSoak ? await lifeOf('Alone', use) : undefined;
    const release = await hold(hostile);
    try {
      const beside = await lifeOf('Beside', use);

      expect(beside.refused).toEqual([]);
      if (!alone) return;
      const figures = { p99: beside.p99Ms / alone.p99Ms, lag: beside.lagMs / alone.lagMs };
      printTally(`${name}, times as late as alone`, { p99: figures.p99.toFixed(2), lag: figures.lag.toFixed(2) });
      expect(Math.max(figures.p99, figures.lag)).toBeLessThanOrEqual(mostLate);
    } finally {
      await release();
    }
  },
  soakTimeoutMs,
);

interface Life {
  /** Failed answers. */
  refused: string[];
  p99Ms: number;
  /** Median time from the answer to a create until the delivery of its change. */
  lagMs: number;
}

/** The run of a new tenant: its data grows as it writes, so only runs of the same length are comparable. */
async function lifeOf(displayName: string, use: SharedResource['use']): Promise<Life> {
  const calm = await Neighbour.create(platform, displayName);
  await live(calm, use, 5);
  return live(calm, use, calls);
}

let round = 0;

/** A working tenant: writes, makes uncached reads, uses the shared resource, and waits for its own change. */
async function live(calm: Neighbour, use: SharedResource['use'], count: number): Promise<Life> {
  const refused: string[] = [];
  const latencies: number[] = [];
  let cursor = await newestCursor(calm);
  for (let call = 0; call < count; call += 1) {
    round += 1;
    const startedAt = performance.now();
    const answer = await [
      () => calm.create(`Calm ${round}`),
      () => calm.send('GET', `/v1/customers?filter=tags:t${round}`),
      () => use(calm, round),
    ][call % 3]!();
    const body = await answer.text();
    latencies.push(performance.now() - startedAt);
    if (!answer.ok) refused.push(`${answer.status} ${body}`);
  }
  const lags: number[] = [];
  while (lags.length < lagSamples) {
    const made = await calm.json<{ id: string }>('POST', '/v1/customers', { kind: 'PERSON', displayName: 'Last' });
    const startedAt = performance.now();
    cursor = await untilDelivered(calm, cursor, made.id);
    lags.push(performance.now() - startedAt);
  }
  return { refused, p99Ms: percentileOf(latencies, 0.99), lagMs: percentileOf(lags, 0.5) };
}

function percentileOf(values: number[], part: number): number {
  return percentile(Float64Array.from(values).sort(), part);
}

interface Page {
  changes: { recordId: string }[];
  nextCursor: string;
}

async function newestCursor(calm: Neighbour): Promise<string> {
  let cursor = '';
  for (;;) {
    const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await calm.json<Page>('GET', `/v1/changes?pageSize=1000${query}`);
    cursor = page.nextCursor;
    if (page.changes.length === 0) return cursor;
  }
}

/** @returns the cursor behind it */
async function untilDelivered(calm: Neighbour, cursor: string, id: string): Promise<string> {
  for (let after = cursor; ;) {
    const path = `/v1/changes?waitSeconds=20&pageSize=1000&cursor=${encodeURIComponent(after)}`;
    const page = await calm.json<Page>('GET', path);
    if (page.changes.some(({ recordId }) => recordId === id)) return page.nextCursor;
    if (page.changes.length === 0) throw new Error('The change was not delivered.');
    after = page.nextCursor;
  }
}
