import {
  contractErrorCodes,
  contractWithSiteVisits,
  openApiDocument,
  platformContract,
  restRoutes,
} from '@rapport/contracts';
import { expect, test } from 'vitest';
import { clientSource, type Document } from '../generate/client-source.ts';
import { operationNames } from '../generate/operation-name.ts';
import { Rapport } from '../src/index.ts';

const contract = platformContract();
const routes = restRoutes(contract);
const names = operationNames(routes);
const rapport = new Rapport({ baseUrl: 'http://127.0.0.1' }) as unknown as Record<string, Record<string, unknown>>;

test('every operation of the OpenAPI document has a method', () => {
  const { paths } = openApiDocument(contract, routes, '1') as unknown as Document;
  const operations = Object.values(paths).flatMap((verbs) => Object.values(verbs).map((each) => each.operationId));
  const methods = new Map(
    [...names].map(([{ method }, { resource, method: name }]) => {
      const id = method.name.charAt(0).toLowerCase() + method.name.slice(1);
      return [id, resource === undefined ? rapport[name] : rapport[resource]?.[name]];
    }),
  );

  expect(operations.length).toBeGreaterThan(200);
  expect(operations.filter((id) => typeof methods.get(id) !== 'function')).toEqual([]);
});

test('two operations of one name are refused', () => {
  expect(() => operationNames([...routes, { ...routes[0]! }])).toThrow('Two operations have the name users.create.');
});

test.each([
  ['ListCustomers', 'customers.list'],
  ['MergeCustomers', 'customers.merge'],
  ['UnmergeCustomers', 'merges.undo'],
  ['ListCustomerHistory', 'customers.listHistory'],
  ['CreateConsent', 'customers.createConsent'],
  ['GetObjectRecord', 'objectRecords.get'],
  ['DownloadOperationIssues', 'operations.downloadIssues'],
  ['UploadFile', 'fileUploads.upload'],
  ['EndSession', 'sessions.end'],
  ['WatchChanges', 'changes.watch'],
  ['Search', 'undefined.search'],
])('%s is %s', (rpc, name) => {
  const [, found] = [...names].find(([{ method }]) => method.name === rpc)!;
  expect(`${found.resource}.${found.method}`).toBe(name);
});

test('a parameter with the name of a field of the body is refused', () => {
  const create = routes.find(({ method }) => method.name === 'CreateCustomer')!;
  const documentOf = (some: typeof routes) => {
    const document = openApiDocument(contract, some, '1') as unknown as Document;
    for (const { parameters } of Object.values(document.paths).flatMap((verbs) => Object.values(verbs))) {
      parameters.push({ name: 'givenName', in: 'query', schema: { type: 'string' } });
    }
    return document;
  };
  expect(() => clientSource([create], documentOf, [])).toThrow(
    'createCustomer: givenName is a parameter and a field of the body.',
  );
});

test('a resource that is added to the contract has its methods without further code', () => {
  const more = contractWithSiteVisits();
  const documentOf = (some: typeof routes) => openApiDocument(more, some, '1');
  const codes = [...contractErrorCodes(more).keys()];
  const source = clientSource(restRoutes(more), documentOf, codes);

  expect(source['operations.ts']).toContain('\nsiteVisits.get GET ~/{id} r\n');
  expect(source['resources.ts']).toContain('siteVisits: SiteVisitsResource;');
  expect(source['resources.ts']).toContain(
    'get(request: GetSiteVisitRequest, options?: Options): Promise<messages.SiteVisit>;',
  );
});
