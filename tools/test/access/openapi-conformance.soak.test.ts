import { platformContract, restRoutes, type RestRoute } from '@rapport/contracts';
import { drawnBy, isSoak, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { DescribedAnswers } from '../described-answers.ts';
import { Prism } from '../prism-proxy.ts';
import { refuseWrites } from './refuse-writes.ts';
import { references } from './references.ts';
import { validRequest, type OperationRequest } from './requests.ts';
import { pathOf } from './rest-caller.ts';
import { newMarker } from './markers.ts';
import { makeTenantRecords, type TenantRecords, type Wanted } from './tenant-records.ts';

const contract = platformContract();
const routes = restRoutes(contract);
const seed = printedSeed('OpenAPI conformance');
/** The access matrix calls every operation each time; the short form here calls a part of them. */
const tried = drawnBy(seed, routes, sizeOf('CONFORMANCE_OPERATIONS', { short: 12, long: routes.length }));
const collectionsOf = (route: RestRoute) => references(contract, route).map(({ collection }) => collection);
/** The records that they name. */
const wanted: Wanted = isSoak
  ? {}
  : { living: ['customers', 'objects', 'fileUploads', ...tried.flatMap(collectionsOf)], deleted: [] };

/** GETs that write before they answer: exports and their download are in the audit, and a verified segment follows changes first. */
const writingRead = /^(Export.*|DownloadWorkspaceExport|VerifySegment)$/;

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let apiKey: string;
let tenantId: string;
let ours: TenantRecords;
let prism: Prism | undefined;
/** The target of requests: the edge, or a proxy that validates them against the document. */
let url: string;

beforeAll(async () => {
  ({ apiKey, tenantId } = await platform.createTenant('Conformance'));
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  ours = await makeTenantRecords(platform, api, newMarker(), wanted);
  prism = isSoak ? await Prism.install() : undefined;
  url = prism ? await prism.proxy(api.openApi, platform.edgeUrl) : platform.edgeUrl;
}, soakTimeoutMs);

afterAll(() => prism?.close());

it('every request and answer matches the OpenAPI document', { timeout: soakTimeoutMs }, async () => {
  const faults: string[] = [];
  const statuses: Record<string, number> = {};
  for (const route of tried) {
    const request = validRequest(contract, route, await recordsFor(route));
    for (const authorization of [`Bearer ${apiKey}`, 'Bearer nonsense']) {
      // Streams that are endless, or that Prism reads to their end.
      if (route.answerUsage === 'messages' && authorization !== 'Bearer nonsense') continue;
      const { status, violations } = await ask(request, authorization);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (violations) faults.push(`${route.method.name} ${status}: ${violations.slice(0, 500)}`);
    }
  }
  printTally(`OpenAPI conformance${prism ? ' by Prism' : ''}`, { ...statuses, violations: faults.length });
  expect(faults).toEqual([]);
});

// Otherwise reads would wait for a standby, as writes do. Times of use are stored beside an answer, not before it.
it('no GET writes to a database before it answers', { timeout: soakTimeoutMs }, async () => {
  const reads = tried.filter(
    ({ method, verb, answerUsage }) => verb === 'GET' && answerUsage !== 'messages' && !writingRead.test(method.name),
  );
  const databases = ['auth', 'customers', 'sync'];
  const allow = await refuseWrites(platform.customersDatabase.superuserUrl, databases, tenantId);
  try {
    const statusOf = async (route: RestRoute) => {
      const request = validRequest(contract, route, ours);
      const answer = await send(request, `Bearer ${apiKey}`, { 'cache-control': 'no-cache' });
      await answer.text();
      return `${route.method.name} ${answer.status}`;
    };
    const write = routes.find(({ method }) => method.name === 'CreateCustomer');
    expect(await statusOf(write!)).toBe('CreateCustomer 500');
    const failed: string[] = [];
    for (const route of reads) {
      const status = await statusOf(route);
      if (/ 5\d\d$/.test(status)) failed.push(status);
    }
    printTally('reads that write', { reads: reads.length, failed: failed.length });
    expect(failed).toEqual([]);
  } finally {
    await allow();
  }
});

it('an answer that differs from the document is detected', { timeout: soakTimeoutMs }, async () => {
  const openApi = structuredClone(api.openApi);
  openApi.components.schemas['Tenant']!.required = ['nonsense'];
  if (prism) {
    const other = await prism.proxy(openApi, platform.edgeUrl);
    const answer = await fetch(`${other}/v1/tenant`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect(answer.headers.get('sl-violations')).toContain('nonsense');
  } else {
    const answer = await api.send('GET', '/v1/tenant');
    expect(() => new DescribedAnswers(openApi).assert('GET', '/v1/tenant', answer)).toThrow('nonsense');
  }
});

async function ask(request: OperationRequest, authorization: string) {
  const response = await send(request, authorization);
  api.described.assertText(request.route.verb, pathOf(request), response, await response.text());
  return { status: response.status, violations: response.headers.get('sl-violations') };
}

function send(request: OperationRequest, authorization: string, more: Record<string, string> = {}): Promise<Response> {
  const { route, parts, file } = request;
  const body =
    route.bodyUsage === 'bytes' ? '{}' : (file ?? (parts.body === undefined ? undefined : JSON.stringify(parts.body)));
  return fetch(url + pathOf(request), {
    method: route.verb,
    headers: {
      authorization,
      ...more,
      ...(body !== undefined && { 'content-type': file === undefined ? 'application/json' : 'text/csv' }),
    },
    ...(body !== undefined && { body }),
  });
}

/** Separate records for an operation that changes them. */
async function recordsFor(route: RestRoute): Promise<TenantRecords> {
  const living = collectionsOf(route);
  if (route.verb === 'GET' || living.length === 0) return ours;
  const deleted = route.method.name.startsWith('Undelete') ? living : [];
  return makeTenantRecords(platform, api, newMarker(), { living, deleted });
}
