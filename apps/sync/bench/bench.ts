// Measures webhooks, flows and campaigns on a whole platform: `nx run sync:bench`.
//   BENCH_SCALE  share of the deliveries of each case, for a short look (1)
//   BENCH_CASE   only this case: latency, drain, neighbours, flows, or campaigns
//   BENCH_FILE   where the results go (.rapport/bench/sync.json)
//
// Receivers are in this process, so what they take from the machine counts too. Compare ratios of one run.
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { startSyncPlatform } from '../test/sync-platform.ts';
import { measureCampaigns } from './campaigns.ts';
import { measureDrain } from './drain.ts';
import { measureFlows } from './flows.ts';
import { measureLatency } from './latency.ts';
import { measureNeighbours } from './neighbours.ts';

const scale = Number(process.env['BENCH_SCALE'] ?? 1);
const only = process.env['BENCH_CASE'];
const file = process.env['BENCH_FILE'] ?? join(import.meta.dirname, '../../../.rapport/bench/sync.json');

const cases = {
  latency: measureLatency,
  neighbours: measureNeighbours,
  drain: measureDrain,
  flows: measureFlows,
  campaigns: measureCampaigns,
};

const results: Record<string, unknown> = { time: new Date().toISOString(), scale, loadAverage: loadavg() };
for (const [name, measure] of Object.entries(cases)) {
  if (only !== undefined && only !== name) continue;
  // As in production, but for the log.
  const platform = await startSyncPlatform(
    { LOG_LEVEL: 'warn', ATTEMPT_TIMEOUT_MS: '15000', RETRY_SCHEDULE_SECONDS: '5,300,1800,7200' },
    { customersEnv: { LOG_LEVEL: 'warn' } },
  );
  try {
    results[name] = await measure(platform, scale);
    console.log(name, results[name]);
  } finally {
    await platform.stop();
  }
}
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
console.log(`Written to ${file}`);
