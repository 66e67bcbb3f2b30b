// A bulk import through the edge while 50 readers and 10 writers work in the same tenant: its effect on their latency, and
// on the memory of customers. ROWS         rows of the file (1000000) BULK         `operation` (POST /v1/imports and its
// file) or `request` (POST /v1/customers:import) READS        reads per second of all readers (300), WRITES writes per
// second of all writers (30) CALM_MS      how long they are measured without the import (60000): longer than an answer is
// cached WINDOW_MS    how long they are measured at a time, before, and while the import runs (10000) BENCH_FILE   where
// the results go (.rapport/bench/bulk-beside-interactive.json)
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile, rssMib, type HttpRequest, type LoadResult } from '@rapport/testing';
import { BenchPlatform, customerLines } from './bench-platform.ts';

const rows = Number(process.env['ROWS'] ?? 1_000_000);
const calmMs = Number(process.env['CALM_MS'] ?? 60_000);
const kind = process.env['BULK'] ?? 'operation';
const file =
  process.env['BENCH_FILE'] ?? join(import.meta.dirname, '../../../.rapport/bench/bulk-beside-interactive.json');
const readers = { atOnce: 50, perSecond: Number(process.env['READS'] ?? 300) };
const writers = { atOnce: 10, perSecond: Number(process.env['WRITES'] ?? 30) };
const windowMs = Number(process.env['WINDOW_MS'] ?? 10_000);
const goal = 2;
const chunkBytes = 65_536;

interface Phase {
  reads: LoadResult[];
  writes: LoadResult[];
}

const bench = await BenchPlatform.start(Math.max(200, Math.min(20_000, rows / 10)));
try {
  await work(windowMs);
  const calm: Phase = { reads: [], writes: [] };
  for (let passed = 0; passed < calmMs; passed += windowMs) add(calm, await work(Math.min(windowMs, calmMs)));

  const memoryMib: number[] = [];
  const busy: Phase = { reads: [], writes: [] };
  const began = performance.now();
  let seconds = 0;
  const bulk = (kind === 'request' ? importByRequest() : importByOperation()).finally(() => {
    seconds = (performance.now() - began) / 1_000;
  });
  // Awaited below, after the readers and writers have been measured.
  bulk.catch(() => undefined);
  const watch = setInterval(() => memoryMib.push(rssMib(bench.platform.services.customers.pid) ?? NaN), 500);
  while (seconds === 0) add(busy, await work(windowMs));
  clearInterval(watch);
  await report({ calm, busy, memoryMib, seconds, outcome: await bulk });
} finally {
  await bench.stop();
}

/** Readers and writers at their rates for a while. */
async function work(durationMs: number): Promise<Phase> {
  const url = bench.platform.edgeUrl;
  const pace = { kind: 'http' as const, url, durationMs, everyLatency: true };
  const [reads, writes] = await Promise.all([
    bench.load.run({ ...pace, ...readers, requests: readRequests() }),
    bench.load.run({ ...pace, ...writers, requests: writeRequests() }),
  ]);
  return { reads: [reads], writes: [writes] };
}

/** One read of five is the first page of the list, the others are single customers. */
function readRequests(): HttpRequest[] {
  const headers = bench.authorization();
  return bench.ids.map((id, index) => ({
    path: index % 5 === 0 ? '/v1/customers?pageSize=20' : `/v1/customers/${id}`,
    headers,
  }));
}

/** Half of the writes create a customer, half change one. */
function writeRequests(): HttpRequest[] {
  return bench.ids.map((id, index) => {
    const headers = { ...bench.authorization(), 'Idempotency-Key': '{uuid}' };
    const created = { kind: 'PERSON', givenName: 'Beside', emails: [{ address: '{uuid}@beside.example' }] };
    return index % 2 === 0
      ? { method: 'POST', path: '/v1/customers', headers, body: JSON.stringify(created) }
      : { method: 'PATCH', path: `/v1/customers/${id}`, headers, body: '{"jobTitle":"Engineer {uuid}"}' };
  });
}

async function importByOperation(): Promise<unknown> {
  const { id } = await send('POST', '/v1/imports', 'application/json', '{"contentType":"application/x-ndjson"}');
  await send('PUT', `/v1/imports/${String(id)}/file`, 'application/octet-stream', fileStream());
  for (;;) {
    await delay(500);
    const operation = await send('GET', `/v1/operations/${String(id)}`);
    if (operation['state'] === 'SUCCEEDED') return operation['counts'];
    if (operation['endTime']) throw new Error(JSON.stringify(operation));
  }
}

function importByRequest(): Promise<unknown> {
  return send('POST', '/v1/customers:import', 'application/x-ndjson', fileStream());
}

async function send(method: string, path: string, type = '', body: string | ReadableStream | null = null) {
  const headers = { ...bench.authorization(), ...(type && { 'content-type': type }) };
  const response = await fetch(bench.platform.edgeUrl + path, { method, headers, body, duplex: 'half' });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
  return JSON.parse(answer) as Record<string, unknown>;
}

function fileStream(): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks());
}

function* chunks(): Generator<Uint8Array> {
  let text = '';
  for (const line of customerLines(rows, 'bulk')) {
    text += line;
    if (text.length < chunkBytes) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

async function report(run: { calm: Phase; busy: Phase; memoryMib: number[]; seconds: number; outcome: unknown }) {
  const lines = (['reads', 'writes'] as const).map((what) => {
    const [calm, busy] = [figures(run.calm[what]), figures(run.busy[what])];
    const ratio = busy.p99Ms / calm.p99Ms;
    return { what, calm, busy, p99Ratio: ratio, reached: ratio <= goal };
  });
  console.table(
    lines.flatMap(({ what, calm, busy, p99Ratio, reached }) => [
      { what, while: 'calm', ...calm },
      {
        what,
        while: 'import',
        ...busy,
        p99Ratio: p99Ratio.toFixed(2),
        goal: `≤ ${goal}: ${reached ? 'reached' : 'missed'}`,
      },
    ]),
  );
  const third = Math.floor(run.memoryMib.length / 3);
  const most = (values: number[]) => Math.max(...values);
  const memory = {
    firstThirdMostMib: most(run.memoryMib.slice(0, third)),
    lastThirdMostMib: most(run.memoryMib.slice(-third)),
  };
  const facts = { rows, kind, seconds: run.seconds, rowsPerSecond: Math.round(rows / run.seconds), ...memory };
  console.log(JSON.stringify({ ...facts, loadAverage: loadavg(), outcome: run.outcome }));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(
    file,
    `${JSON.stringify({ time: new Date(), ...facts, lines, memoryMib: run.memoryMib }, null, 2)}\n`,
  );
  console.log(`Written to ${file}`);
}

function figures(results: LoadResult[]) {
  const latencies = Float64Array.from(results.flatMap(({ latenciesMs }) => [...latenciesMs])).sort();
  const statuses: Record<string, number> = {};
  for (const result of results) {
    for (const [status, count] of Object.entries(result.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
  }
  const round = (value: number) => Number(value.toFixed(2));
  return {
    requests: latencies.length,
    p50Ms: round(percentile(latencies, 0.5)),
    p99Ms: round(percentile(latencies, 0.99)),
    maxMs: round(percentile(latencies, 1)),
    statuses: JSON.stringify(statuses),
  };
}

function add(phase: Phase, { reads, writes }: Phase): void {
  phase.reads.push(...reads);
  phase.writes.push(...writes);
}
