import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { statusOfError } from '../errors/error-codes.js';
import { recordContracts } from '../records/record-contract.js';
import { statusOfCode } from '../rest/problem.js';
import { restRoutes } from '../rest/rest-routes.js';
import { snakeCase } from '../values/letter-case.js';
import { contractErrorCodes, openApiDocument } from './open-api.js';

interface Schema {
  description?: string;
  enum?: (string | null)[];
  items?: Schema;
}

interface Response {
  $ref?: string;
  description: string;
}

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  parameters: { name?: string; $ref?: string }[];
  responses: Record<string, Response>;
}

const contract = platformContract();
const codes = contractErrorCodes(contract);
const routes = restRoutes(contract);
const document = openApiDocument(contract, routes, '1.0.0') as {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, unknown>;
  components: {
    schemas: Record<string, object>;
    parameters: Record<string, { name: string }>;
    responses: Record<string, Response>;
  };
};
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
const texts = [...new Set(textsIn(document))];
const schemaNames = new Set(Object.keys(document.components.schemas));

it('names no status of gRPC', () => {
  // Operations have a state CANCELLED, and INTERNAL is a code and a kind of permission.
  const names = Object.keys(statusOfCode).filter(
    (name) => !['CANCELLED', 'INTERNAL', 'DEADLINE_EXCEEDED'].includes(name),
  );
  const pattern = new RegExp(`(?<![\\w])(${names.join('|')})(?![\\w])`);
  expect(texts.filter((text) => pattern.test(text))).toEqual([]);
});

it('names no service, method or message that REST does not have', () => {
  const services = contract.methods.flatMap(({ service, name }) => [service.name, name]);
  const messages = contract.methods.flatMap(({ desc }) => [desc.input.name, desc.output.name, 'HttpBody']);
  const unknown = new Set(
    [...services, ...messages].filter((name) => /[a-z][A-Z]/.test(name) && !schemaNames.has(name)),
  );
  const words = texts.flatMap((text) => text.match(/\b[A-Z][A-Za-z]+\b/g) ?? []);
  expect(words.filter((word) => unknown.has(word))).toEqual([]);
});

it('spells fields and parameters as JSON does', () => {
  const fields = routes.flatMap(({ fields: { path, query, body }, method }) => [
    ...[...path, ...query, ...method.desc.output.fields, ...(body?.message?.fields ?? [])],
  ]);
  const snake = fields.map(({ name }) => name).filter((name) => name.includes('_'));
  const words = texts.flatMap((text) => text.match(/(?<![\w",])[a-z]+(?:_[a-z0-9]+)+(?!\w|\.\w)/g) ?? []);
  expect(words.filter((word) => snake.includes(word))).toEqual([]);
});

it('says what each value of an enum means', () => {
  const enums = schemasIn(document).filter((schema) => Array.isArray(schema.enum));
  expect(enums.length).toBeGreaterThan(50);
  const unexplained = enums.flatMap(({ enum: values = [], description = '' }) =>
    values.filter((value) => value !== null && !new RegExp(`- \`${value}\`: \\S`).test(description)),
  );
  expect(unexplained).toEqual([]);
});

it('lists the error codes of each operation under their statuses, each once', () => {
  for (const { operationId, responses } of operations) {
    const names = listedCodes(responses).map(([, code]) => code);
    expect(names, operationId).toEqual(expect.arrayContaining(['VALIDATION_FAILED', 'RATE_LIMITED', 'INTERNAL']));
    expect(new Set(names).size, operationId).toBe(names.length);
  }
});

it('has each code under the status that its operation answers it with, and names it so', () => {
  const named = operations.flatMap(({ operationId, description, responses }) => [
    ...[...description.matchAll(/`(\d{3}) ([A-Z][A-Z_]+)/g)].map(([, status, code]) => [operationId, status, code]),
    ...listedCodes(responses).map(([status, code]) => [operationId, status, code]),
  ]);
  const wrong = named.filter(([operationId = '', status, code = '']) => {
    const meaning = codes.get(code);
    // Restoring a record fails with 409 if one that it refers to is not there.
    const isOfOther =
      operationId.startsWith('undelete') && code.endsWith('_NOT_FOUND') && !isNamedAfter(operationId, code);
    return !meaning || Number(status) !== (isOfOther ? 409 : statusOfError(code, meaning));
  });
  expect(named.length).toBeGreaterThan(20_000);
  expect(wrong).toEqual([]);
});

it('lists no code of a field error as one of a problem', () => {
  // Comments have codes of problems in backticks, and those of field errors without: the texts of the document have them around all.
  const fieldErrors = routes.flatMap(({ method }) =>
    [...contract.comment(method.desc).matchAll(/(?<![\w`])(?<!`\d{3} )[A-Z]+(?:_[A-Z]+)+(?![\w`])/g)].map(
      ([code]) => [method.name.charAt(0).toLowerCase() + method.name.slice(1), code] as const,
    ),
  );
  const listed = fieldErrors.filter(([id, code]) => {
    const operation = operations.find(({ operationId }) => operationId === id);
    return !isNamedAfter(id, code) && listedCodes(operation?.responses ?? {}).some(([, each]) => each === code);
  });
  expect(fieldErrors.length).toBeGreaterThan(100);
  expect(listed).toEqual([]);
});

it('has a summary of words for each operation', () => {
  expect(
    operations.filter(({ summary }) => !/^[A-Z]\w+ \w/.test(summary)).map(({ operationId }) => operationId),
  ).toEqual([]);
});

it.each([
  ['createCustomer', '409', 'EMAIL_TAKEN'],
  ['getDeal', '404', 'DEAL_NOT_FOUND'],
  ['updateDeal', '412', 'ETAG_MISMATCH'],
  ['createDeal', '422', 'IDEMPOTENCY_KEY_REUSED'],
  ['listChanges', '409', 'CURSOR_EXPIRED'],
  ['createTeam', '429', 'TOO_MANY_TEAMS'],
  ['listFiles', '404', 'PIPELINE_NOT_FOUND'],
  ['undeleteDeal', '409', 'PIPELINE_NOT_FOUND'],
])('%s answers %s %s', (operationId, status, code) => {
  const operation = operations.find((each) => each.operationId === operationId);
  expect(codesIn(operation?.responses[status])).toContain(code);
});

it('has the parameters that many operations share as components', () => {
  const shared = [
    'pageSize',
    'pageToken',
    'filter',
    'orderBy',
    'readMask',
    'validateOnly',
    'If-Match',
    'Idempotency-Key',
  ];
  expect(Object.keys(document.components.parameters)).toEqual(expect.arrayContaining(shared));
  const inPlace = operations.flatMap(({ parameters }) => parameters.map(({ name }) => name));
  expect(inPlace.filter((name) => shared.includes(name ?? ''))).toEqual([]);
});

it('describes what webhooks send, for each type of records', () => {
  const types = recordContracts(contract).map(({ singular }) => snakeCase(singular));
  const platform = ['changes.gap', 'webhook_endpoint.disabled', 'webhook_endpoint.test'];
  expect(Object.keys(document.webhooks)).toEqual(expect.arrayContaining([...types, ...platform]));
});

it('calls schemas by the names of things', () => {
  // Those are records.
  const names = [...schemaNames].map((name) => name.replace('SurveyResponse', ''));
  expect(names.filter((name) => /Response|Request$|InputInput|(?<!Line)ItemItem/.test(name))).toEqual([]);
  expect([...schemaNames]).toEqual(
    expect.arrayContaining(['CustomerList', 'CreateDealItem', 'MergeInput', 'SearchResults']),
  );
});

it('begins with customers, and each operation is in a group', () => {
  const groups = document.tags.map(({ name }) => name);
  expect(groups[0]).toBe('Customers');
  expect(operations.flatMap(({ tags }) => tags).filter((tag) => !groups.includes(tag))).toEqual([]);
});

function textsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === 'string' ? (['description', 'summary'].includes(name) ? [inner] : []) : textsIn(inner),
  );
}

function schemasIn(value: unknown): Schema[] {
  if (typeof value !== 'object' || value === null) return [];
  // The meanings of a parameter's values are in its own description, and those of items in that of their list.
  const { schema, items, description } = value as { schema?: Schema; items?: Schema; description?: string };
  const inner = [schema, schema?.items, items].find((each) => each?.enum);
  if (inner) return [{ ...inner, description: description ?? '' }];
  return [value, ...Object.values(value).flatMap(schemasIn)];
}

/** Whether a code is about what an operation has in its name: `undeleteDeal` and `DEAL_NOT_FOUND`. */
function isNamedAfter(operationId: string, code: string): boolean {
  return snakeCase(operationId)
    .toUpperCase()
    .includes(code.replace(/_NOT_FOUND$/, ''));
}

function listedCodes(responses: Operation['responses']): [status: string, code: string][] {
  return Object.entries(responses).flatMap(([status, response]) =>
    codesIn(response).map((code): [string, string] => [status, code]),
  );
}

function codesIn(response: Response | undefined): string[] {
  const found = response?.$ref ? document.components.responses[response.$ref.split('/').pop() ?? ''] : response;
  return [...(found?.description.matchAll(/^- `(\w+)`/gm) ?? [])].map(([, code = '']) => code);
}
