import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { TrafficClass } from '../gen/rapport/api/v1/options.js';
import { pageRoutes } from './page-routes.js';
import { restRoutes } from './rest-routes.js';

const contract = platformContract();
const methods = contract.methods.filter(({ policy }) => policy.page);
const [read] = methods.filter(({ http }) => http?.get);
const [post] = methods.filter(({ http }) => http?.post);

/** The routes of one page with another policy or form. */
function routesWith(method: ContractMethod | undefined, change: Partial<ContractMethod>): unknown {
  const changed = { ...method, ...change } as ContractMethod;
  return pageRoutes({ methods: [changed], rules: contract.rules.bind(contract) } as unknown as Contract);
}

function policyWith(method: ContractMethod | undefined, policy: object): Partial<ContractMethod> {
  return { policy: { ...method!.policy, ...policy } };
}

test.each([
  ['is public and of the class PUBLIC', read, { trafficClass: TrafficClass.INTERACTIVE }],
  ['is public and of the class PUBLIC', read, { public: false, permission: 'a.read' }],
  ['changes nothing by a GET', read, { idempotent: false }],
  ['changes nothing by a GET', read, { invalidates: ['deal'] }],
  ['is not cached', read, { cache: { ttlSeconds: 1, tags: [], filterTags: [], pathTags: [], staleIfErrorSeconds: 0 } }],
  ['invalidates all records of a type', post, { invalidates: ['deal:{id}'] }],
  ['has its token, and nothing else, in its path', read, { page: { token: 'id' } }],
])('a public page %s', (rule, method, policy) => {
  expect(() => routesWith(method, policyWith(method, policy))).toThrow(`a public page ${rule}.`);
});

test.each([
  ['answers one HttpBody', { responseStream: true }],
  ['is a GET or a POST', { http: { get: '', put: '/x/{token}' } }],
  ['has no other parameters', { http: { get: '', post: '/x/{token}', body: 'accept_language' } }],
])('a public page %s', (_rule, change) => {
  expect(() => routesWith(read, change as Partial<ContractMethod>)).toThrow('a public page ');
});

test('only a page of a site has other parts in its path, and a search', () => {
  const sites = methods.filter(({ policy }) => policy.page!.sharedSeconds > 0);
  expect(sites.length).toBeGreaterThan(1);
  const refused = sites.map((method) => () => routesWith(method, policyWith(method, { page: { token: 'token' } })));
  for (const make of refused) expect(make).toThrow('a public page has ');
  expect(pageRoutes(contract).find(({ path }) => path.template === '/kb/{token}')?.site).toEqual({
    ...{ inPath: [], inQuery: ['q'], sharedSeconds: 60 },
  });
});

test('public pages are no part of the REST API', () => {
  expect(methods.length).toBeGreaterThan(0);
  const rest = new Set(restRoutes(contract).map(({ method }) => method.path));
  expect(methods.filter(({ path }) => rest.has(path))).toEqual([]);
});

test('a page that counts its readers asks whether a program reads it', () => {
  const asking = pageRoutes(contract).filter(({ fromProgram }) => fromProgram !== undefined);
  expect(asking.map(({ verb, path }) => `${verb} ${path.template}`)).toEqual(['GET /c/{token}', 'GET /o/{token}']);
  const changed = { http: { get: '', post: '/c/{token}' } } as unknown as Partial<ContractMethod>;
  expect(() => routesWith(asking[0]?.method, changed)).toThrow('a public page ');
});
