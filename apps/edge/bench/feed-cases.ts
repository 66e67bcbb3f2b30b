import { setTimeout as delay } from 'node:timers/promises';
import { percentile, type BenchCase, type HttpPlan, type Sample, type SqlPlan } from '@rapport/testing';
import type { BenchPlatform } from './bench-platform.ts';
import { insertLikeService } from './write-cases.ts';

const changesPerSecond = 500;
const itemsOfBatch = 10;
const primingMs = 200;
/** Timeout from the last commit to the last change. */
const lastEventMs = 10_000;

/**
 * The delay of a change to a subscriber of server-sent events at the edge, from its trigger's timestamp, just before the
 * commit, until its event is read: for writes of the platform, and for plain SQL past the services.
 */
export async function feedCases(bench: BenchPlatform, durationMs: number): Promise<BenchCase[]> {
  const writes = async (): Promise<SqlPlan> => ({
    kind: 'sql',
    url: bench.platform.customersDatabase.appUrl,
    tenantId: bench.tenant.tenantId,
    ...(await insertLikeService(bench)),
    ...{ atOnce: 16, durationMs, perSecond: changesPerSecond },
  });
  const batches: HttpPlan = {
    kind: 'http',
    url: bench.platform.edgeUrl,
    requests: [batchRequest(bench)],
    ...{ atOnce: 16, durationMs, perSecond: changesPerSecond / itemsOfBatch },
  };
  const caseOf = (way: string, plan: HttpPlan | SqlPlan, changes: number): BenchCase => ({
    name: `commit to subscriber at ${changesPerSecond}/s, by ${way}`,
    unit: 'event',
    ours: { name: 'log and edge', run: () => sampleLag(bench, plan, changes) },
    baselines: [],
    goal: { p99Ms: 50 },
  });
  return [caseOf(`batches of ${itemsOfBatch}`, batches, itemsOfBatch), caseOf('SQL', await writes(), 1)];
}

function batchRequest(bench: BenchPlatform) {
  const items = Array.from({ length: itemsOfBatch }, (_, index) => ({
    customer: { kind: 'PERSON', givenName: 'Feed', emails: [{ address: `{uuid}-${index}@bench.example` }] },
  }));
  const headers = bench.authorization();
  return { method: 'POST', path: '/v1/customers:batchCreate', headers, body: JSON.stringify({ items }) };
}

/** @param changes made by one request */
async function sampleLag(bench: BenchPlatform, plan: HttpPlan | SqlPlan, changes: number): Promise<Sample> {
  const subscriber = new Subscriber();
  const reading = subscriber.read(`${bench.platform.edgeUrl}/v1/changes`, bench.authorization());
  try {
    // Until the subscription exists, and the log has processed the writes of other cases.
    const primedMs = Date.now();
    while (!subscriber.events.some(({ committedMs }) => committedMs >= primedMs)) {
      await Promise.race([bench.load.run({ ...plan, durationMs: primingMs, perSecond: 20 }), reading]);
    }
    // A millisecond without a priming change.
    const beganMs = Date.now() + 1;
    await delay(2);
    const { requests, seconds, statuses } = await bench.load.run(plan);
    if (statuses['200'] !== requests) throw new Error(`Not all writes were done: ${JSON.stringify(statuses)}`);
    const events = await Promise.race([subscriber.since(beganMs, requests * changes), reading]);
    const lags = Float64Array.from(
      (events ?? []).map(({ committedMs, receivedMs }) => receivedMs - committedMs),
    ).sort();
    return { perSecond: lags.length / seconds, p50Ms: percentile(lags, 0.5), p99Ms: percentile(lags, 0.99) };
  } finally {
    subscriber.stop();
    await reading;
  }
}

/** Collects the times of each change and of its event, in milliseconds since the epoch. */
class Subscriber {
  readonly events: { committedMs: number; receivedMs: number }[] = [];
  readonly #controller = new AbortController();
  #rest = '';

  /** @throws Error when the stream ends before `stop` */
  async read(url: string, headers: Record<string, string>): Promise<void> {
    const { signal } = this.#controller;
    try {
      const response = await fetch(url, { headers: { ...headers, Accept: 'text/event-stream' }, signal });
      if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`);
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) this.#note(text);
      throw new Error('The stream of changes has ended.');
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Waits for the events of all changes after a time. */
  async since(beganMs: number, count: number): Promise<{ committedMs: number; receivedMs: number }[]> {
    const deadline = Date.now() + lastEventMs;
    for (;;) {
      const events = this.events.filter(({ committedMs }) => committedMs >= beganMs);
      if (events.length === count) return events;
      if (Date.now() > deadline) throw new Error(`${events.length} of ${count} changes have come.`);
      await delay(20);
    }
  }

  stop(): void {
    this.#controller.abort();
  }

  /** An event may be split anywhere; an incomplete line waits for more. */
  #note(text: string): void {
    const receivedMs = performance.timeOrigin + performance.now();
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const { change } = JSON.parse(line.slice(5)) as { change?: { type: string; time: string } };
      if (change?.type === 'customer') this.events.push({ committedMs: timeMs(change.time), receivedMs });
    }
  }
}

/** RFC 3339 with microseconds; Date supports only milliseconds. */
function timeMs(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  return Date.parse(time.replace(/\.\d+/, '')) + Number(`0.${fraction || '0'}`) * 1_000;
}
