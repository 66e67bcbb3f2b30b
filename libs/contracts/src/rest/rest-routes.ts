import type { DescField } from '@bufbuild/protobuf';
import { once } from '@rapport/platform';
import type { ContractMethod, Contract } from '../descriptors/load-contract.js';
import { isEmpty, isHttpBody, isHttpHeaders, isUpdateMask } from '../descriptors/well-known.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import { ReadMask } from '../rules/read-mask.js';
import { messageMaker, textMaker, type JsonCodec } from './json-codec.js';
import { BodySchemas } from './body-schemas.js';
import type { JsonSchema, JsonSchemas } from './json-schema.js';
import { parsePathTemplate, type PathTemplate } from './path-template.js';
import type { HeaderField, MakeSchema, RestRoute } from './rest-route.js';

/** The request fields that HTTP has headers for. Sources: RFC 9110 for the others, AIP-154; the IETF draft for the key, AIP-155. */
const headerOfField: Readonly<Record<string, string>> = {
  etag: 'if-match',
  request_id: 'idempotency-key',
  range: 'range',
  if_range: 'if-range',
};

/** The REST endpoint of every method that has a `google.api.http` rule and is no public page. */
export function restRoutes(contract: Contract): RestRoute[] {
  const codecs = new Map<string, JsonCodec>();
  const schemas = new BodySchemas(contract);
  return contract.methods.flatMap((method) =>
    method.http && !method.policy.page ? [restRoute(contract, method, schemas, codecs)] : [],
  );
}

function restRoute(
  contract: Contract,
  method: ContractMethod,
  bodies: BodySchemas,
  codecs: Map<string, JsonCodec>,
): RestRoute {
  const { schemas } = bodies;
  const { verb, template } = verbAndPath(method);
  const path = parsePathTemplate(template);
  const fields = placeFields(contract, method, path);
  const bodyUsage = usageOfBody(method, verb, fields.body);
  if (method.requestStream && (bodyUsage !== 'file' || method.responseStream)) {
    throw new Error(`${method.path}: this kind of stream has no REST form.`);
  }
  const answerUsage = usageOfAnswer(method);
  const status = statusOf(method, verb);
  const readMask = ReadMask.of(method);
  const parts = { method, fields, bodyUsage, status, readMask };
  return {
    ...parts,
    verb,
    path,
    provenBy: provenBy(method, fields.path),
    isBodyRequired: fields.body !== undefined && contract.is(fields.body, FieldBehavior.REQUIRED),
    maxBodyBytes: fields.body && contract.rules(fields.body).maxBytes,
    answerUsage,
    isEmpty: isEmpty(method.desc.output),
    isConditional: verb === 'GET' && answerUsage === 'message' && hasEtag(method) && !hasUnversioned(contract, method),
    schemas: {
      ...(fields.path.length > 0 ? { params: once(() => parametersSchema(schemas, fields.path, true)) } : {}),
      querystring: once(() => parametersSchema(schemas, fields.query, false)),
      ...(fields.header.length > 0 ? { headers: once(() => headersSchema(schemas, fields.header)) } : {}),
      ...bodySchema(bodies, fields.body, bodyUsage),
    },
    toMessage: messageMaker(parts, codecs),
    toText: textMaker(parts, codecs),
  };
}

export function verbAndPath({ http, path }: ContractMethod): { verb: RestRoute['verb']; template: string } {
  const verbs = { GET: http?.get, POST: http?.post, PUT: http?.put, PATCH: http?.patch, DELETE: http?.delete };
  for (const [verb, template] of Object.entries(verbs)) {
    if (template) return { verb: verb as RestRoute['verb'], template };
  }
  throw new Error(`${path}: the google.api.http rule has no verb.`);
}

function placeFields(
  contract: Contract,
  { desc, http, path: methodPath }: ContractMethod,
  path: PathTemplate,
): RestRoute['fields'] {
  const byName = new Map(desc.input.fields.map((field) => [field.name, field]));
  const find = (name: string) => {
    const field = byName.get(name);
    if (!field) throw new Error(`${methodPath}: the google.api.http rule names ${name}, which is not a field.`);
    byName.delete(name);
    return field;
  };
  const inPath = path.fields.map(find);
  const body = http?.body ? find(http.body) : undefined;
  const allHeaders = [...byName.values()].find(isHttpHeaders);
  const rest = [...byName.values()].filter((field) => !isUpdateMask(field) && field !== allHeaders);
  const header = rest.flatMap((field) => {
    const name = headerOfField[field.name];
    return name ? [{ name, field }] : [];
  });
  const query = rest.filter((field) => !headerOfField[field.name] && !contract.rules(field).pathOnly);
  return { path: inPath, query, header, allHeaders, body };
}

function provenBy({ path, policy }: ContractMethod, inPath: readonly DescField[]): string | undefined {
  if (policy.provenBy === '') return undefined;
  const field = inPath.find(({ name }) => name === policy.provenBy);
  if (field && policy.public) return field.jsonName;
  throw new Error(`${path}: proven_by is for public methods, and names a field of the path.`);
}

function usageOfBody(
  { desc, requestStream }: ContractMethod,
  verb: string,
  body: DescField | undefined,
): RestRoute['bodyUsage'] {
  if (isHttpBody(body?.message)) return requestStream ? 'file' : 'bytes';
  return verb === 'PATCH' && desc.input.fields.some(isUpdateMask) ? 'patch' : 'input';
}

function usageOfAnswer({ desc, responseStream }: ContractMethod): RestRoute['answerUsage'] {
  if (!responseStream) return 'message';
  return isHttpBody(desc.output) ? 'file' : 'messages';
}

/** A kept answer has one in any case. */
function hasEtag({ desc: { output }, policy: { cache } }: ContractMethod): boolean {
  return (cache?.ttlSeconds ?? 0) > 0 || output.fields.some(({ name }) => name === 'etag');
}

/** The etag is equal for two states of such an answer. */
function hasUnversioned(contract: Contract, { desc: { output } }: ContractMethod): boolean {
  return output.fields.some((field) => contract.rules(field).unversioned);
}

function statusOf({ name, desc, policy, responseStream }: ContractMethod, verb: string): RestRoute['status'] {
  if (responseStream) return 200;
  if (policy.accepted) return 202;
  if (isEmpty(desc.output)) return 204;
  return verb === 'POST' && name.startsWith('Create') ? 201 : 200;
}

/** Parameters arrive as text; the server turns them into the type that the schema names. */
function parametersSchema(schemas: JsonSchemas, fields: DescField[], all: boolean): JsonSchema {
  const properties = Object.fromEntries(fields.map((field) => [field.jsonName, schemas.field(field, 'input')]));
  const required = all ? Object.keys(properties) : schemas.requiredNames(fields);
  return { type: 'object', properties, required, additionalProperties: false };
}

function headersSchema(schemas: JsonSchemas, fields: HeaderField[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map(({ name, field }) => [name, schemas.field(field, 'input')])),
  };
}

function bodySchema(
  schemas: BodySchemas,
  body: DescField | undefined,
  usage: RestRoute['bodyUsage'],
): { body?: MakeSchema } {
  if (!body || usage === 'file' || usage === 'bytes') return {};
  const { message } = body;
  if (!message) throw new Error(`${body.parent.typeName}.${body.name}: a body must be a message.`);
  return { body: once(() => schemas.of(message, usage)) };
}
