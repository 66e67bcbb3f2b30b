// Profiles the processor time of the hottest paths: `nx run edge:profile`. Settings as in bench.ts.
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { steadyMs, type HttpRequest } from '@rapport/testing';
import { BenchPlatform } from './bench-platform.ts';
import { readBenchSettings } from './bench-settings.ts';
import { profileShares, type CpuProfile, type ProfileShares } from './cpu-profile.ts';
import { createRequest } from './write-cases.ts';

interface Path {
  name: string;
  status: number;
  requests: HttpRequest[];
}

const top = 15;
const warmUpMs = 2_000;

const { customers, durationMs, only, file } = readBenchSettings();
const folder = await mkdtemp(join(tmpdir(), 'rapport-profile-'));
const env = (name: string) => ({
  NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=200 --cpu-prof-dir=${join(folder, name)}`,
});
const bench = await BenchPlatform.start(customers, { edgeEnv: env('edge'), customersEnv: env('customers') });
try {
  const windows = [];
  for (const path of await hottestPaths()) {
    if (path.name.includes(only)) windows.push({ name: path.name, ...(await drive(path)) });
  }
  for (const service of ['edge', 'customers'] as const) await bench.platform.services[service].stop();
  const report = [];
  for (const { name, fromMs, toMs, perSecond } of windows) {
    for (const service of ['edge', 'customers']) {
      const shares = profileShares(await readProfile(service), fromMs, toMs, top);
      if (shares.busyShare > 0.05) report.push({ name, service, perSecond, ...shares });
    }
  }
  report.forEach(print);
  const target = join(dirname(file), 'edge-profile.json');
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, `${JSON.stringify({ time: new Date().toISOString(), report }, null, 2)}\n`);
  console.log(`Written to ${target}`);
} finally {
  await bench.stop();
  await rm(folder, { recursive: true, force: true });
}

async function hottestPaths(): Promise<Path[]> {
  const headers = bench.authorization();
  const get = (id: string, more = {}) => ({ path: `/v1/customers/${id}`, headers: { ...headers, ...more } });
  const noCache = { 'Cache-Control': 'no-cache' };
  const starts = await bench.pageStarts(200);
  return [
    { name: 'cached GET', status: 200, requests: bench.ids.slice(0, 50).map((id) => get(id)) },
    { name: 'GET that misses', status: 200, requests: bench.ids.map((id) => get(id, noCache)) },
    {
      name: 'page of 20 that misses',
      status: 200,
      requests: starts.map(({ pageToken }) => ({
        path: `/v1/customers?pageSize=20&pageToken=${encodeURIComponent(pageToken)}`,
        headers: { ...headers, ...noCache },
      })),
    },
    { name: 'create', status: 201, requests: [createRequest(bench, '{uuid}')] },
  ];
}

/** Keeps 64 connections busy, after a warm-up. */
async function drive({ status, requests }: Path): Promise<{ fromMs: number; toMs: number; perSecond: number }> {
  const run = (durationMs: number) => bench.edgeSide(status, { atOnce: 64, durationMs, requests }).run();
  await run(warmUpMs);
  const fromMs = steadyMs();
  const { perSecond } = await run(durationMs);
  return { fromMs, toMs: steadyMs(), perSecond };
}

/** Written at the end of the process. */
async function readProfile(service: string): Promise<CpuProfile> {
  const [name] = await readdir(join(folder, service));
  if (!name) throw new Error(`${service} has left no profile.`);
  return JSON.parse(await readFile(join(folder, service, name), 'utf8')) as CpuProfile;
}

function print(entry: { name: string; service: string; perSecond: number } & ProfileShares): void {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  console.log(
    `\n${entry.name}: ${entry.service}, busy ${percent(entry.busyShare)} of the time at ${Math.round(entry.perSecond)}/s`,
  );
  console.table(entry.functions.map(({ name, place, share }) => ({ function: name, place, share: percent(share) })));
  console.table(entry.packages.map(({ name, share }) => ({ package: name, share: percent(share) })));
}
