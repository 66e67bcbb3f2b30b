import type { Contract } from '../descriptors/load-contract.js';
import type { ErrorCodeMeaning } from '../errors/shared-error-codes.js';
import { JsonSchemas } from '../rest/json-schema.js';
import type { RestRoute } from '../rest/rest-route.js';
import { SchemaComponents } from './components.js';
import { shareAnswers } from './answers.js';
import { byGroup, groupName } from './groups.js';
import { OperationFacts } from './operation-facts.js';
import { byStatus, codesOfContract, codesOfOperation } from './operation-errors.js';
import { eitherOf, etag, notModified, operationOf, type Operation } from './operation.js';
import { shareParameters } from './parameters.js';
import { problemSchema, ProblemResponses, rateHeaders } from './problems.js';
import { RecordFacts } from './record-facts.js';
import { RestTexts } from './rest-texts.js';
import { SecuritySchemes } from './security-schemes.js';
import { webhooksOf } from './webhooks.js';

type Json = Record<string, unknown>;

/** Every `code` that a problem of the contract can have. */
export function contractErrorCodes(contract: Contract): ReadonlyMap<string, ErrorCodeMeaning> {
  return codesOfContract(contract).all;
}

/** Of the API, in its description. */
export const apiVersion = '1.0.0';

/** The OpenAPI 3.1 document of a set of routes. */
export function openApiDocument(contract: Contract, unordered: readonly RestRoute[], version: string): Json {
  const routes = byGroup(unordered);
  const codes = codesOfContract(contract);
  const texts = new RestTexts(contract, codes.all, routes);
  const components = new SchemaComponents();
  const recordFacts = new RecordFacts(contract);
  const schemas = new JsonSchemas(contract, (own, message, usage) => components.reference(own, message, usage), {
    describe: (desc) => texts.of(desc),
    facts: (desc, usage) => recordFacts.of(desc, usage),
  });
  const security = new SecuritySchemes(routes);
  const facts = new OperationFacts(contract);
  const parts = { texts, schemas, security, facts, reference: components.reference.bind(components, schemas) };
  const operations = new Map<string, OperationWithCodes>();
  for (const route of routes) {
    const key = `${route.verb.toLowerCase()} ${route.path.template}`;
    const other = operations.get(key);
    const operation = operationOf(route, parts);
    operations.set(key, {
      operation: other ? eitherOf(other.operation, operation, route) : operation,
      codes: new Map([...(other?.codes ?? []), ...codesOfOperation(contract, route, codes)]),
    });
  }
  const problems = addProblems([...operations.values()], codes.all);
  const documented = [...operations.values()].map(({ operation }) => operation);
  const answers = shareAnswers(documented);
  const parameters = shareParameters(documented);
  const paths: Record<string, Json> = {};
  for (const [key, { operation }] of operations) {
    const [verb = '', template = ''] = key.split(' ');
    paths[template] = { ...paths[template], [verb]: operation };
  }
  const events = webhooksOf(contract, schemas);
  const services = [...new Set(routes.map(({ method }) => method.service))];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rapport API',
      version,
      description:
        'The REST API of Rapport, an API-first CRM platform. The guide at [/docs](/docs) explains keys, paging, filters, idempotency, ' +
        'ETags, limits and webhooks.\n\nAll operations apply to the workspace of the caller, which is also called tenant. A record of another ' +
        'workspace is reported as not found. Errors are RFC 9457 problems with a stable `code`. Common to all operations are ' +
        '`400 VALIDATION_FAILED`, which lists each invalid field, `401` without a valid credential, `403 PERMISSION_MISSING`, `429` beyond ' +
        'a limit, and `503` and `504`, which can be retried.',
      contact: { name: 'Rapport', url: 'https://rapport.example/support' },
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    tags: services.map((service) => ({ name: groupName(service), description: texts.of(service) })),
    paths,
    ...(Object.keys(events.webhooks).length > 0 && { webhooks: events.webhooks }),
    components: {
      schemas: { ...components.all, ...events.components.schemas, Problem: problemSchema },
      parameters: { ...parameters, ...events.components.parameters },
      headers: { ...rateHeaders, ...etag },
      responses: { ...problems, ...answers, ...events.components.responses, NotModified: notModified },
      securitySchemes: security.all,
    },
  };
}

interface OperationWithCodes {
  operation: Operation;
  /** The HTTP statuses of its problems by their codes. */
  codes: ReadonlyMap<string, number>;
}

/** Adds to each operation a response for each status of its codes. @returns the responses that operations share */
function addProblems(operations: readonly OperationWithCodes[], codes: ReadonlyMap<string, ErrorCodeMeaning>): Json {
  const all = operations.map(({ operation, codes: statuses }) => ({ operation, statuses: byStatus(statuses) }));
  const responses = new ProblemResponses(
    codes,
    all.flatMap(({ statuses }) => [...statuses]),
  );
  for (const { operation, statuses } of all) {
    for (const [status, names] of statuses) operation.responses[status] = responses.reference(status, names);
    // Proxies and what a request meets before its operation answer with others.
    operation.responses['default'] = { $ref: '#/components/responses/Problem' };
  }
  return responses.components();
}
