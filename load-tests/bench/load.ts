// Runs the mixes of the load tests without k6, against its own platform: `nx run edge:load`. LOAD_MIX        one mix; all
// when absent LOAD_RATE       requests a second, independent of the answers; when absent, each client sends as soon as it
// has its answer LOAD_AT_ONCE    most requests in flight (32) LOAD_MS         how long each mix runs, in milliseconds
// (10000) LOAD_CUSTOMERS  customers in the tenant (5000) Prints figures, and the memory and handles of each process with
// their growth in the second half. With 20,000 customers, the change log in the memory of customers is full from the
// beginning. Exits with 1 when more requests fail than docs/slo.md allows.
import { LoadProcess, startPlatform, type HttpRequest, type LoadResult } from '@rapport/testing';
import { mixes, stepAt, type Mix } from '../mixes.ts';
import { objectives } from '../slo.ts';
import { ProcessWatch } from './process-watch.ts';

const perSecond = process.env['LOAD_RATE'] === undefined ? undefined : Number(process.env['LOAD_RATE']);
const atOnce = Number(process.env['LOAD_AT_ONCE'] ?? 32);
const durationMs = Number(process.env['LOAD_MS'] ?? 10_000);
const customers = Number(process.env['LOAD_CUSTOMERS'] ?? 5_000);
const only = process.env['LOAD_MIX'];
const chosen = Object.entries(mixes).filter(([name]) => only === undefined || name === only);
if (chosen.length === 0) throw new Error(`LOAD_MIX is ${only}, and may be ${Object.keys(mixes).join(', ')}.`);
/** Number of different requests of a mix, which are sent in turn. */
const requestCount = 1_000;

// Without rate limits, which would make it measure refusals.
const plans = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
const platform = await startPlatform({ edgeEnv: { LOG_LEVEL: 'warn', RATE_PLANS: plans } });
const load = new LoadProcess();
try {
  const { apiKey } = await platform.createTenant('Load');
  const headers = { Authorization: `Bearer ${apiKey}` };
  await importPeople(headers);
  const people = await newest(headers);
  const { edge, auth, customers: service, sync } = platform.services;
  const figures = [];
  for (const [name, mix] of chosen) {
    const pace = { atOnce, durationMs, ...(perSecond !== undefined && { perSecond }) };
    const requests = requestsOf(mix, people, headers);
    const watch = new ProcessWatch({ edge, auth, customers: service, sync });
    const result = await load.run({ kind: 'http', url: platform.edgeUrl, everyLatency: true, requests, ...pace });
    figures.push({ mix: name, ...figuresOf(result), processes: watch.stop() });
  }
  process.stdout.write(`${figures.map((each) => JSON.stringify(each)).join('\n')}\n`);
  if (figures.some(({ failedShare }) => failedShare > objectives.failedShare)) process.exitCode = 1;
} finally {
  await load.stop();
  await platform.stop();
}

interface Person {
  id: string;
  displayName: string;
}

/** The steps in the proportions of the mix, spread evenly. */
function requestsOf(mix: Mix, people: Person[], headers: Record<string, string>): HttpRequest[] {
  return Array.from({ length: requestCount }, (_, index) => {
    const person = people[index % people.length];
    if (!person) throw new Error('The tenant has no customers.');
    // 61 and 100 are coprime: every point of the mix occurs once.
    return {
      headers: { ...headers, 'Idempotency-Key': '{uuid}' },
      ...request(stepAt(mix, (index * 61) % 100), person),
    };
  });
}

function request(step: keyof Mix, { id, displayName }: Person): HttpRequest {
  switch (step) {
    case 'get':
      return { path: `/v1/customers/${id}` };
    case 'list':
      return { path: '/v1/customers?pageSize=20' };
    case 'search':
      return { path: `/v1/customers?q=${encodeURIComponent(displayName)}` };
    case 'searchAll':
      return { path: `/v1/search?q=${encodeURIComponent(displayName)}` };
    case 'create':
      return {
        method: 'POST',
        path: '/v1/customers',
        body: '{"kind":"PERSON","givenName":"Load","familyName":"{uuid}"}',
      };
    case 'update':
      return { method: 'PATCH', path: `/v1/customers/${id}`, body: '{"jobTitle":"Engineer {uuid}"}' };
    default:
      return step satisfies never;
  }
}

async function importPeople(headers: Record<string, string>): Promise<void> {
  const lines = Array.from({ length: customers }, (_, index) => `Ada,Load${index.toString(36)},p${index}@load.example`);
  const response = await fetch(`${platform.edgeUrl}/v1/customers:import`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/csv' },
    body: ['given_name,family_name,email', ...lines, ''].join('\n'),
  });
  if (!response.ok) throw new Error(`The import failed: ${await response.text()}`);
}

async function newest(headers: Record<string, string>): Promise<Person[]> {
  const response = await fetch(`${platform.edgeUrl}/v1/customers?pageSize=100`, { headers });
  const { customers: found } = (await response.json()) as { customers: Person[] };
  return found;
}

function figuresOf({ requests, perSecond: rate, p50Ms, p99Ms, latenciesMs, statuses }: LoadResult) {
  const failed = Object.entries(statuses).filter(([status]) => status === '0' || status.startsWith('5'));
  const failedShare = failed.reduce((sum, [, count]) => sum + count, 0) / requests;
  const round = (value: number) => Number(value.toFixed(1));
  const p95Ms = latenciesMs[Math.floor(latenciesMs.length * 0.95)] ?? NaN;
  return {
    requests,
    perSecond: Math.round(rate),
    p50Ms: round(p50Ms),
    p95Ms: round(p95Ms),
    p99Ms: round(p99Ms),
    failedShare,
    statuses,
  };
}
