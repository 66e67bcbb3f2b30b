import { areaOf, platformContract, restRoutes, serviceDefinitions } from '@rapport/contracts';
import fastify from 'fastify';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import { parseQuery } from '../http/request-head.js';
import { CallPlaces } from '../limits/places.js';
import { defaultLimitSettings } from '../limits/limit-settings.js';
import { Plans } from '../limits/plans.js';
import { ServiceClients } from '../calls/service-clients.js';
import { AnswerStore, InvalidationSources } from './answer-store.js';
import { CachedReads } from './cached-reads.js';
import { ReadCache } from './read-cache.js';
import { TagVersions } from './tags.js';

const contract = platformContract();
const routes = restRoutes(contract);
const settings = defaultLimitSettings();
const areas = [...new Set(contract.methods.map(({ path }) => areaOf(path)))];
const clients = new ServiceClients(new Map(areas.map((area) => [area, '127.0.0.1:1'])), serviceDefinitions, contract);
const places = new CallPlaces(settings, new Plans(settings.plans, pino({ level: 'silent' })).standard);
const store = new AnswerStore(1_000, new InvalidationSources(undefined, []));
const cache = { reads: new ReadCache(store, new TagVersions(), undefined) };
const reads = new CachedReads(routes, { clients, places, cache, securityHeaders: {} });

/** Fastify's router with the same routes. */
const server = fastify({ routerOptions: { maxParamLength: 200, querystringParser: parseQuery } });
for (const route of routes) {
  if (route.verb !== 'GET' || route.answerUsage !== 'message') continue;
  server.get(route.path.pattern, async ({ params, query }) => ({ path: route.method.path, params, query }));
}
afterAll(() => {
  places.close();
  clients.close();
});

const id = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';
const cached = routes.filter((route) => reads.of(route) !== undefined);
const paths = [...new Set(routes.map(({ path }) => path.template.replaceAll(/\{\w+\}/g, id)))];
const odd = ['', '/', '//', '/a', `/${id}`, ':a', '%2Fa', '%', '?', '?a', '#a', ';a', '/history', '/%68istory'];

it('finds the route that the router finds, with the same parameters, or none', async () => {
  let found = 0;
  for (const url of paths.flatMap((path) => [path, path.toUpperCase(), ...odd.map((end) => path + end)])) {
    const asked = reads.find(url);
    if (!asked) continue;
    found += 1;
    const { path, params, query } = (await server.inject({ url })).json<Record<string, unknown>>();
    expect([url, asked.route.route.method.path, asked.parts.params]).toEqual([url, path, params]);
    expect({ ...asked.parts.query }).toEqual(query);
  }
  expect(found).toBeGreaterThan(20);
});

/** The path of the first cached route whose request has these fields, with an id in the place of each parameter. */
function pathOf(...fields: string[]): string {
  const route = cached.find(({ method }) =>
    fields.every((field) => method.desc.input.fields.some(({ name }) => name === field)),
  );
  if (!route) throw new Error(`No cached route has ${fields.join(' and ')}.`);
  return route.path.template.replaceAll(/\{\w+\}/g, id);
}

const one = pathOf('id', 'read_mask');
const list = pathOf('page_size', 'q');

it.each([
  [`${one}?readMask=id,etag`, { params: { id }, query: { readMask: 'id,etag' } }],
  [`${list}?pageSize=20&q=caf%C3%A9+x`, { params: {}, query: { pageSize: 20, q: 'café x' } }],
])('%s has its parameters in the types of the contract', (url, parts) => {
  expect(reads.find(url)?.parts).toMatchObject(parts);
});

it.each([`${list}?pageSize=x`, `${list}?no=1`, one.replace(id, '1'), `${one}/`, one.replace(id, '%61')])(
  'leaves %s to the router',
  (url) => {
    expect(reads.find(url)).toBeUndefined();
  },
);
