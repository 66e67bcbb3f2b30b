import { describe, expect, it } from 'vitest';
import { contractWithSiteVisits } from '../descriptors/contract-with-site-visits.js';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from '../rest/rest-routes.js';
import type { JsonSchema } from '../rest/json-schema.js';
import { openApiDocument } from './open-api.js';

interface Operation {
  operationId: string;
  security: Record<string, string[]>[];
  [extension: `x-${string}`]: unknown;
}

interface Schema {
  properties: Record<string, Record<string, unknown>>;
}

const contract = platformContract();
const document = documentOf(contract);
const operations = operationsOf(document);

function documentOf(of: typeof contract) {
  return openApiDocument(of, restRoutes(of), '1.0.0') as {
    paths: Record<string, Record<string, Operation>>;
    components: {
      schemas: Record<string, Schema>;
      securitySchemes: { oauth2: { flows: Record<string, { scopes: Record<string, string> }> } };
    };
  };
}

function operationsOf({ paths }: ReturnType<typeof documentOf>): Map<string, Operation> {
  const all = Object.values(paths).flatMap((path) => Object.values(path));
  return new Map(all.map((operation) => [operation.operationId, operation]));
}

describe('an operation', () => {
  it('says what it needs, costs and causes', () => {
    expect(operations.get('upsertDeal')).toMatchObject({
      security: [{ apiKey: [] }, { oauth2: ['deals.write'] }, { openIdConnect: ['deals.write'] }],
      'x-rapport-permission': 'deals.write',
      'x-rapport-cost': 5,
      'x-rapport-idempotent': true,
      'x-rapport-events': ['deal.created', 'deal.updated'],
    });
    expect(operations.get('createAssociation')?.['x-rapport-events']).toEqual(['association.created']);
    expect(operations.get('getDeal')).not.toHaveProperty('x-rapport-events');
  });

  it('for one object needs the scope for all objects, which a client can register', () => {
    const operation = operations.get('getObjectRecord');
    expect(operation?.['x-rapport-permission']).toBe('objects.{object}.read');
    expect(operation?.security).toContainEqual({ oauth2: ['objects.read'] });
  });

  it('without a credential needs nothing', () => {
    expect(operations.get('receiveHook')?.security).toEqual([]);
    expect(operations.get('receiveHook')).not.toHaveProperty('x-rapport-permission');
  });

  it('names scopes that exist', () => {
    const named = [...operations.values()].flatMap(({ security }) => security.flatMap((each) => Object.values(each)));
    for (const { scopes } of Object.values(document.components.securitySchemes.oauth2.flows))
      expect(Object.keys(scopes)).toEqual(expect.arrayContaining(named.flat()));
  });

  it.each([
    ['that is public', 'receiveHook'],
    ['that receives a file', 'uploadImportFile'],
    ['that answers a file', 'exportCustomers'],
    ['that returns a new credential', 'createApiKey'],
    ['that returns a new credential in a message', 'createWebhookEndpoint'],
    ['that the contract excludes', 'updateRole'],
  ])('%s is not offered to agents', (_, operationId) => {
    expect(operations.get(operationId)).toHaveProperty('x-rapport-agents', 'NEVER');
  });

  it('that reads what has a credential is offered, since only creation returns it', () => {
    expect(operations.get('getWebhookEndpoint')).not.toHaveProperty('x-rapport-agents');
  });
});

describe('a field', () => {
  const { Customer, CustomerInput, Association } = document.components.schemas;

  it('says that it is personal data, and which record it refers to', () => {
    expect(Customer?.properties['displayName']).toHaveProperty('x-rapport-pii', true);
    expect(Customer?.properties['source']).not.toHaveProperty('x-rapport-pii');
    expect(Customer?.properties['companyId']).toHaveProperty('x-rapport-reference', 'rapport/Customer');
    expect(CustomerInput?.properties['companyId']).toHaveProperty('x-rapport-reference', 'rapport/Customer');
    expect(Association?.properties['from']).toHaveProperty('x-rapport-reference', '*');
    expect(Customer?.properties['ownerId']).toHaveProperty('x-rapport-reference', 'rapport/User');
  });

  it('refers to resources that the document has', () => {
    const schemas = Object.values(document.components.schemas);
    const resources = schemas.map((schema) => (schema as unknown as JsonSchema)['x-rapport-resource']);
    const references = schemas
      .flatMap(({ properties = {} }) => Object.values(properties))
      .map((property) => property['x-rapport-reference'])
      .filter((reference) => reference !== undefined && reference !== '*');
    expect(references.length).toBeGreaterThan(30);
    expect(references.filter((reference) => !resources.includes(reference))).toEqual([]);
  });
});

describe('a record', () => {
  it('says how it is filtered, ordered, grouped and summed', () => {
    expect(document.components.schemas['Deal']).toMatchObject({
      'x-rapport-resource': 'rapport/Deal',
      'x-rapport-filterable': {
        status: { operators: ['=', '!=', 'IN', ':'], values: ['OPEN', 'WON', 'LOST'] },
        tags: { operators: [':', '=', '!=', 'IN'] },
        ownerId: { operators: ['=', '!=', 'IN', ':'], words: ['me'] },
        title: { operators: expect.arrayContaining(['BETWEEN']) as string[], patterns: ['abc*', '*abc', '*abc*'] },
      },
      'x-rapport-sortable': expect.arrayContaining(['status', 'amount', 'createTime']) as string[],
      'x-rapport-groupable': expect.arrayContaining(['tags', 'createTime.month']) as string[],
      'x-rapport-summable': ['amount', 'weightedAmount'],
    });
  });

  it('of a type that only the contract knows does so too', () => {
    const visits = documentOf(contractWithSiteVisits());
    expect(visits.components.schemas['SiteVisit']).toMatchObject({
      'x-rapport-filterable': { place: { patterns: ['abc*'] } },
      'x-rapport-sortable': ['place'],
      properties: { summary: { 'x-rapport-pii': true }, hostId: { 'x-rapport-reference': 'rapport/Customer' } },
    });
    expect(operationsOf(visits).get('createSiteVisit')?.['x-rapport-events']).toEqual(['site_visit.created']);
  });
});
