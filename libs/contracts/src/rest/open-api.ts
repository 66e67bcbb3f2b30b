import type { DescField, DescMessage, DescService } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { JsonSchemas, ownKeywords, type JsonSchema, type Usage } from './json-schema.js';
import { problemResponses, problemSchema, rateHeaders, references } from './open-api-problems.js';
import { problemForm } from './problem-message.js';
import type { RestRoute } from './rest-route.js';

type Json = Record<string, unknown>;

const json = 'application/json';
/** RFC 7396. A PATCH has the same meaning by either type. */
const mergePatch = 'application/merge-patch+json';

/** The OpenAPI 3.1 document of a set of routes. */
export function openApiDocument(contract: Contract, routes: readonly RestRoute[], version: string): Json {
  const components = new Map<string, JsonSchema>();
  const schemas = new JsonSchemas(contract, (own, message, usage) => reference(own, message, usage, components), true);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const { template } = route.path;
    const verb = route.verb.toLowerCase();
    const described = operation(contract, route, schemas, components);
    const other = paths[template]?.[verb] as Operation | undefined;
    paths[template] = { ...paths[template], [verb]: other ? eitherOf(other, described, route) : described };
  }
  const services = [...new Set(routes.map(({ method }) => method.service))];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rapport API',
      version,
      description:
        'The API of Rapport, a CRM platform that is an API first. Every operation below is derived from one contract, ' +
        'which also drives validation, permissions and the gRPC services. Errors are RFC 9457 problems.',
      contact: { name: 'Rapport', url: 'https://rapport.example/support' },
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    security: [{ apiKey: [] }],
    tags: services.map((service) => ({ name: tagName(service), description: contract.comment(service) })),
    paths,
    components: {
      schemas: { ...Object.fromEntries(components), Problem: problemSchema },
      headers: rateHeaders,
      responses: { ...problemResponses, NotModified: notModified },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer rpt_live_…`.' },
      },
    },
  };
}

const patchRules =
  'A JSON Merge Patch (RFC 7396) by either type: it changes the fields that it names. Null clears a field, and a list is ' +
  'replaced as a whole. What happens within an object, the description of its field says.';

const etag = { ETag: { description: 'The etag of the answer.', schema: { type: 'string' } } };

/** RFC 9110, section 13.1.2. */
const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'Etags of answers that the caller has, by comma.',
  schema: { type: 'string', examples: ['"1"'] },
};

const notModified = {
  description: 'The caller has the answer: its etag is one of `If-None-Match`.',
  headers: { ...etag, ...references(rateHeaders) },
};

interface Operation extends Json {
  description: string;
  parameters: { in: string; name: string }[];
  responses: Record<string, Json & { content?: Json }>;
}

/** Two methods on one path, of which the client chooses by Accept: one operation that has the contents of both. */
function eitherOf(message: Operation, stream: Operation, { status }: RestRoute): Operation {
  const known = new Set(message.parameters.map(({ in: place, name }) => `${place} ${name}`));
  const answer = message.responses[status];
  return {
    ...message,
    description: `${message.description}\n\nTo who prefers events or lines by \`Accept\`: ${stream.description}`,
    parameters: [
      ...message.parameters,
      ...stream.parameters.filter(({ in: place, name }) => !known.has(`${place} ${name}`)),
    ],
    responses: {
      ...message.responses,
      [status]: { ...answer, content: { ...answer?.content, ...stream.responses[status]?.content } },
    },
  };
}

function operation(
  contract: Contract,
  route: RestRoute,
  schemas: JsonSchemas,
  components: Map<string, JsonSchema>,
): Operation {
  const { method, fields } = route;
  const comment = contract.comment(method.desc);
  const [summary = ''] = comment.split(/(?<=\.)\s/, 1);
  return {
    operationId: method.name.charAt(0).toLowerCase() + method.name.slice(1),
    tags: [tagName(method.service)],
    summary: summary.replace(/\.$/, ''),
    description: method.policy.public ? comment : `${comment}\n\nPermission: \`${method.policy.permission}\`.`,
    ...(method.policy.public ? { security: [] } : {}),
    parameters: [
      ...fields.path.map((field) => parameter(schemas, field, 'path', field.jsonName, true)),
      ...fields.query.map((field) =>
        parameter(schemas, field, 'query', field.jsonName, schemas.requiredNames([field]).length > 0),
      ),
      ...fields.header.map(({ name, field }) => parameter(schemas, field, 'header', headerTitle(name), false)),
      ...(route.isConditional ? [ifNoneMatch] : []),
    ],
    ...requestBody(contract, route, schemas, components),
    responses: {
      [route.status]: {
        description: contract.comment(method.desc.output) || (route.status === 202 ? 'Accepted.' : 'Done.'),
        ...responseHeaders(route),
        ...(route.isEmpty ? {} : { content: answerContent(route, schemas, components) }),
      },
      ...(fields.header.some(({ name }) => name === 'range') ? { '206': partialContent } : {}),
      ...(route.isConditional ? { '304': { $ref: '#/components/responses/NotModified' } } : {}),
      '429': { $ref: '#/components/responses/TooMany' },
      '503': { $ref: '#/components/responses/Unavailable' },
      '4XX': { $ref: '#/components/responses/Problem' },
      '5XX': { $ref: '#/components/responses/Problem' },
    },
  };
}

const partialContent = {
  description: 'The range of the file that `Range` asks for. `Content-Range` says which bytes of how many.',
  content: { '*/*': {} },
};

function parameter(schemas: JsonSchemas, field: DescField, place: string, name: string, required: boolean) {
  const { description, ...schema } = forDocument(schemas.field(field, 'input'));
  return { name, in: place, required, description, schema };
}

function requestBody(
  contract: Contract,
  { fields: { body }, bodyUsage, isBodyRequired }: RestRoute,
  schemas: JsonSchemas,
  components: Map<string, JsonSchema>,
): Json {
  if (!body?.message) return {};
  const comment = contract.comment(body);
  const description = bodyUsage === 'patch' ? `${comment}\n\n${patchRules}` : comment;
  if (bodyUsage === 'bytes') return { requestBody: { description, required: true, content: { '*/*': {} } } };
  if (bodyUsage === 'file') {
    const types = ['text/csv', 'application/x-ndjson', 'application/json'];
    return {
      requestBody: { description, required: true, content: Object.fromEntries(types.map((type) => [type, {}])) },
    };
  }
  const schema = reference(schemas, body.message, bodyUsage, components);
  const types = bodyUsage === 'patch' ? [json, mergePatch] : [json];
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  return { requestBody: { description, required: isBodyRequired, content } };
}

function answerContent(
  { method, answerUsage, readMask }: RestRoute,
  schemas: JsonSchemas,
  components: Map<string, JsonSchema>,
): Json {
  // What a file is of, its first message says.
  if (answerUsage === 'file') return { '*/*': {} };
  const usage = readMask ? (readMask.list ? 'views' : 'view') : 'output';
  const schema = reference(schemas, method.desc.output, usage, components);
  if (answerUsage === 'message') return { [json]: { schema } };
  // The schema is that of one line or event: OpenAPI 3.1 has no other place for it.
  return { 'application/x-ndjson': { schema }, 'text/event-stream': { schema } };
}

function responseHeaders({
  method: {
    desc: { output },
    policy,
  },
  answerUsage,
  isConditional,
}: RestRoute): Json {
  const hasEtag = isConditional || (answerUsage === 'message' && output.fields.some((field) => field.name === 'etag'));
  return {
    headers: { ...(hasEtag ? etag : {}), ...(policy.public && policy.provenBy === '' ? {} : references(rateHeaders)) },
  };
}

function reference(
  schemas: JsonSchemas,
  message: DescMessage,
  usage: Usage,
  components: Map<string, JsonSchema>,
): JsonSchema {
  if (usage === 'output' && problemForm(message)) return { $ref: '#/components/schemas/Problem' };
  const suffix = { output: '', view: 'View', views: 'View', input: 'Input', patch: 'Patch', item: 'Item' }[usage];
  const name = message.name + suffix;
  if (!components.has(name)) {
    // Put in first, so that a message that contains itself ends.
    components.set(name, {});
    components.set(name, forDocument(schemas.message(message, usage)));
  }
  return { $ref: `#/components/schemas/${name}` };
}

/** Leaves out what only our validator knows: own keywords, and fields that may not be set. */
function forDocument(schema: JsonSchema): JsonSchema {
  const { properties, items, anyOf, ...rest } = schema as {
    properties?: Record<string, JsonSchema | false>;
    items?: JsonSchema;
    anyOf?: JsonSchema[];
  };
  const own = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !ownKeywords.some((keyword) => keyword === key)),
  );
  const visible = Object.entries(properties ?? {}).flatMap(([name, property]) =>
    property === false ? [] : [[name, forDocument(property)] as const],
  );
  return {
    ...own,
    ...(properties ? { properties: Object.fromEntries(visible) } : {}),
    ...(items ? { items: forDocument(items) } : {}),
    ...(anyOf ? { anyOf: anyOf.map(forDocument) } : {}),
  };
}

function tagName(service: DescService): string {
  return service.name.replace(/Service$/, '');
}

function headerTitle(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
