import type { BenchCase, HttpPlan, Side } from '@rapport/testing';
import { startBareServer, type BareAnswer } from './bare-server.ts';
import type { BenchPlatform } from './bench-platform.ts';

const connections = 32;
/** Number of hot customers. */
const hotIds = 50;
const steadyPerSecond = 3_000;

/** Answers from the edge's memory, compared with servers that only send the same bytes. */
export async function cachedCases(
  bench: BenchPlatform,
  durationMs: number,
  stops: (() => Promise<unknown>)[],
): Promise<BenchCase[]> {
  const paths = bench.ids.slice(0, hotIds).map((id) => `/v1/customers/${id}`);
  const path = paths[0] ?? '';
  const answer = await bench.fetch(path);
  const headers = { 'content-type': 'application/json; charset=utf-8', etag: answer.headers.get('etag') ?? '' };
  const fresh: BareAnswer = { status: 200, headers, body: await answer.text() };
  const unchanged: BareAnswer = { status: 304, headers: { etag: headers.etag }, body: '' };

  const asked = paths.map((each) => ({ path: each, headers: bench.authorization() }));
  const repeated = [{ path, headers: { ...bench.authorization(), 'If-None-Match': headers.etag } }];
  const bare = async (name: string, framework: 'http' | 'fastify', answers: BareAnswer, plan: Plan) => {
    const server = await startBareServer(framework, answers);
    stops.push(() => server.stop());
    const sample = () => bench.sample([server.pid], answers.status, { kind: 'http', url: server.url, ...plan });
    return { name, run: sample };
  };
  const against = async (answers: BareAnswer, plan: Plan) => [
    await bare('bare node:http', 'http', answers, plan),
    await bare('bare Fastify', 'fastify', answers, plan),
  ];
  const closed = { atOnce: connections, durationMs };
  const open = { ...closed, perSecond: steadyPerSecond, precise: true };
  const gets: Plan = { ...closed, requests: asked };
  const notModified: Plan = { ...closed, requests: repeated };
  const steady: Plan = { ...open, requests: asked };
  const withToken: Side = {
    name: 'edge',
    run: async () => {
      // A token expires before the bench ends. The first requests also warm the cache of its rights.
      const authorized = { Authorization: `Bearer ${await bench.accessToken()}` };
      for (const each of paths) await bench.fetch(each, authorized);
      const requests = paths.map((each) => ({ path: each, headers: authorized }));
      return bench.edgeSide(200, { ...closed, requests }).run();
    },
  };
  return [
    {
      name: 'cached GET',
      unit: 'request',
      ours: bench.edgeSide(200, gets),
      baselines: await against(fresh, gets),
      goal: { leastRatio: { 'bare node:http': 0.75 } },
    },
    {
      name: 'cached GET, 304',
      unit: 'request',
      ours: bench.edgeSide(304, notModified),
      baselines: await against(unchanged, notModified),
      goal: { leastRatio: { 'bare node:http': 0.85 } },
    },
    {
      name: 'cached GET with an access token',
      unit: 'request',
      ours: withToken,
      baselines: [{ ...bench.edgeSide(200, gets), name: 'with an API key' }],
      goal: { leastRatio: { 'with an API key': 0.9 } },
    },
    {
      name: `cached GET at ${steadyPerSecond}/s`,
      unit: 'request',
      ours: bench.edgeSide(200, steady),
      baselines: [await bare('bare node:http', 'http', fresh, steady)],
      goal: { p99Ms: 3 },
    },
  ];
}

type Plan = Omit<HttpPlan, 'kind' | 'url'>;
