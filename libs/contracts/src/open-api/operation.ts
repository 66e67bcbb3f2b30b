import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { isEmpty, isHttpBody } from '../descriptors/well-known.js';
import type { JsonSchema, JsonSchemas, Usage } from '../rest/json-schema.js';
import type { RestRoute } from '../rest/rest-route.js';
import { groupName } from './groups.js';
import type { OperationFacts } from './operation-facts.js';
import { inCommonWords, type Parameter } from './parameters.js';
import { rateHeaders, references } from './problems.js';
import { headerTitle, type RestTexts } from './rest-texts.js';
import { forDocument } from './components.js';
import type { SecuritySchemes } from './security-schemes.js';

type Json = Record<string, unknown>;

const json = 'application/json';
/** RFC 7396. A PATCH has the same meaning by either type. */
const mergePatch = 'application/merge-patch+json';

const patchRules =
  'A JSON Merge Patch (RFC 7396), by either content type. It changes the fields that it names. Null clears a field. A list ' +
  'replaces the whole list. The description of an object field says what happens to the fields within it.';

/** A component: most operations have it. */
export const etag = { ETag: { description: 'The etag of the answer.', schema: { type: 'string' } } };

/** RFC 9110, section 13.1.2. */
const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description:
    'Etags of answers that the client has, separated by commas. When one of them is current, the answer is 304.',
  schema: { type: 'string', examples: ['"1"'] },
};

export const notModified = {
  description: 'The client has the current answer: its etag is in `If-None-Match`.',
  headers: references({ ...etag, ...rateHeaders }),
};

export interface Operation extends Json {
  operationId: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  responses: Record<string, Json & { content?: Json }>;
}

/** What the operations of one document are made with. */
export interface Parts {
  texts: RestTexts;
  schemas: JsonSchemas;
  security: SecuritySchemes;
  facts: OperationFacts;
  /** The schema of a message, as a component. */
  reference: (message: DescMessage, usage: Usage) => JsonSchema;
}

/** The operation of a route, with its answers but without its problems. */
export function operationOf(route: RestRoute, parts: Parts): Operation {
  const { method, fields } = route;
  const comment = parts.texts.of(method.desc, route);
  const first = firstSentence(comment);
  const more = comment.slice(first.length).trim();
  const permission = method.policy.public ? '' : `Permission: \`${method.policy.permission}\`.`;
  return {
    operationId: method.name.charAt(0).toLowerCase() + method.name.slice(1),
    tags: [groupName(method.service)],
    summary: first.replace(/\.$/, ''),
    // Readers show it below the summary.
    description: [more, permission].filter(Boolean).join('\n\n') || first,
    security: parts.security.of(route),
    ...parts.facts.of(route),
    parameters: [
      ...fields.path.map((field) => parameter(route, parts, field, 'path', field.jsonName, true)),
      ...fields.query.map((field) =>
        parameter(route, parts, field, 'query', field.jsonName, parts.schemas.requiredNames([field]).length > 0),
      ),
      ...fields.header.map(({ name, field }) => parameter(route, parts, field, 'header', headerTitle(name), false)),
      ...(route.isConditional ? [ifNoneMatch] : []),
    ],
    ...requestBody(route, parts),
    responses: {
      [route.status]: {
        description: answerText(route, parts.texts),
        ...responseHeaders(route),
        ...(route.isEmpty ? {} : { content: answerContent(route, parts) }),
      },
      ...(fields.header.some(({ name }) => name === 'range') ? { '206': partialContent } : {}),
      ...(route.isConditional ? { '304': { $ref: '#/components/responses/NotModified' } } : {}),
    },
  };
}

/** Two methods on one path, of which the client chooses by Accept: one operation that has the contents of both. */
export function eitherOf(message: Operation, stream: Operation, { status }: RestRoute): Operation {
  const known = new Set(message.parameters.map(({ in: place, name }) => `${place} ${name}`));
  const answer = message.responses[status];
  return {
    ...message,
    description: `${message.description}\n\nWith \`Accept: text/event-stream\` or \`application/x-ndjson\`: ${stream.summary}. ${stream.description}`,
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

const partialContent = {
  description: 'The part of the file that `Range` asks for. `Content-Range` names its bytes and the size of the file.',
  content: { '*/*': {} },
};

function parameter(
  route: RestRoute,
  { schemas, texts }: Parts,
  field: DescField,
  place: string,
  name: string,
  required: boolean,
): Parameter {
  const { description: _, ...schema } = forDocument(schemas.field(field, 'input'));
  const meaning = texts.of(field, route);
  const values = field.enum && schemas.valueMeanings(field.enum);
  const description = values === undefined ? meaning : `${meaning}\n\n${values}`;
  return inCommonWords({ name, in: place, required, description, schema });
}

function requestBody(route: RestRoute, { texts, reference }: Parts): Json {
  const { body } = route.fields;
  const { bodyUsage, isBodyRequired } = route;
  if (!body?.message) return {};
  const comment = texts.of(body, route);
  const description = bodyUsage === 'patch' ? `${comment}\n\n${patchRules}` : comment;
  if (bodyUsage === 'bytes') return { requestBody: { description, required: true, content: { '*/*': {} } } };
  if (bodyUsage === 'file') {
    const types = ['text/csv', 'application/x-ndjson', 'application/json'];
    return {
      requestBody: { description, required: true, content: Object.fromEntries(types.map((type) => [type, {}])) },
    };
  }
  const schema = reference(body.message, bodyUsage);
  const types = bodyUsage === 'patch' ? [json, mergePatch] : [json];
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  return { requestBody: { description, required: isBodyRequired, content } };
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.)\s/, 1)[0] ?? '';
}

/** What an answer is: its schema says more. Comments of Google's messages are about gRPC, and those of our responses begin with the name of a method. */
function answerText({ method, status }: RestRoute, texts: RestTexts): string {
  const { output } = method.desc;
  if (isHttpBody(output)) return 'The file.';
  if (isEmpty(output)) return 'Done.';
  const text = texts.of(output).replace(/^(?:Response|Answer) (?:of|to) \S+( \S+`)?\.?\s*/, '');
  return firstSentence(text) || (status === 202 ? 'Accepted.' : 'The answer.');
}

function answerContent({ method, answerUsage, readMask }: RestRoute, { reference }: Parts): Json {
  // The first message of a file has its content type.
  if (answerUsage === 'file') return { '*/*': {} };
  const usage = readMask ? (readMask.list ? 'views' : 'view') : 'output';
  const schema = reference(method.desc.output, usage);
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
    headers: {
      ...(hasEtag ? references(etag) : {}),
      ...(policy.public && policy.provenBy === '' ? {} : references(rateHeaders)),
    },
  };
}
