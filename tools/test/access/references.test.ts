import { contractWithSiteVisits, platformContract, restRoutes, type Contract } from '@rapport/contracts';
import { expect, test } from 'vitest';
import { references } from './references.ts';

/** The collection of each id in an operation. */
function placesOf(contract: Contract, operation: string): string[] {
  const route = restRoutes(contract).find(({ method }) => method.name === operation);
  if (!route) return expect.unreachable(`There is no ${operation}.`);
  return references(contract, route).map(({ place, collection, write = String }) =>
    [place.join('.'), collection, write('ID')].join(' '),
  );
}

test.each<[string, string[]]>([
  ['ListCustomers', ['query.filter customers company_id = "ID"']],
  ['CreateCustomer', ['body.ownerId users ID', 'body.companyId customers ID', 'body.ownerTeamId teams ID']],
  ['MergeCustomers', ['params.id customers ID', 'body.mergedId customers ID']],
  [
    'CreateAssociation',
    [
      ...['body.fromCustomerId customers ID', 'body.toCustomerId customers ID'],
      ...['body.from deals deals/ID', 'body.to deals deals/ID'],
    ],
  ],
  ['ListRecordAssociations', ['query.record deals deals/ID']],
  [
    'CreateDeal',
    [
      ...['body.customerId customers ID', 'body.pipelineId pipelines ID', 'body.lineItems.0.productId products ID'],
      ...['body.splits.0.ownerId users ID', 'body.ownerId users ID', 'body.ownerTeamId teams ID'],
    ],
  ],
  ['ListStageEntries', ['query.filter deals deal_id = "ID"', 'query.filter pipelines pipeline_id = "ID"']],
  [
    'UpdateObjectRecord',
    [
      ...['params.object objects ID', 'params.id objectRecords ID'],
      ...['body.ownerId users ID', 'body.ownerTeamId teams ID'],
    ],
  ],
  ['ListFiles', ['query.record deals deals/ID']],
  ['CreateUser', ['body.roleIds.0 roles ID', 'body.teamId teams ID']],
  ['UpdateMapping', ['params.id mappings ID', 'body.fields.0.referenceMappingId mappings ID']],
  ['ListSyncRuns', ['query.mappingId mappings ID']],
  ['ExplainPermission', ['query.principalId users user:ID']],
])('%s has ids in %j', (operation, places) => {
  expect(placesOf(platformContract(), operation)).toEqual(places);
});

test.each<[string, string[]]>([
  ['GetSiteVisit', ['params.id siteVisits ID']],
  ['ListSiteVisits', ['query.filter customers customer_id = "ID"', 'query.filter customers host_id = "ID"']],
  ['CreateSiteVisit', ['body.customerId customers ID', 'body.hostId customers ID']],
  ['CreateVisitPlan', ['body.siteVisitId siteVisits ID', 'body.firstCustomerId customers ID']],
])('of a new type of records the contract says that %s has ids in %j', (operation, places) => {
  expect(placesOf(contractWithSiteVisits(), operation)).toEqual(places);
});

test('an id without a resource in the contract needs an explanation', () => {
  expect(() => placesOf(contractWithSiteVisits(), 'ConfigureVisitPlans')).toThrow(
    /Add to .* the collection of .*itinerary_id/,
  );
});
